import type { DatabaseSync } from 'node:sqlite';
import { JournalError } from '../errors.ts';
import { chainAfter } from './checkpoint.ts';
import { recordFromLine } from './codec.ts';
import { crc32c } from './durable-crc32c.ts';
import {
  GENESIS,
  type JournalRecord,
  type ReadOptions,
  type StreamHead,
  type StreamSummary,
} from './journal.ts';
import { prepared } from './sqlite-schema.ts';

/** Reading `journal.db`. Nothing is believed because it could be read: each body has its checksum, each record its
 * place in the sequence, and the last one the hash that the stream's row expects. */

/** Records read in one go, so that a reader does not keep the writer waiting. */
export const PAGE_RECORDS = 500;

export interface Page {
  /** Bodies in order of sequence, checksums verified. */
  readonly lines: readonly string[];
  /** Where the stream stood when the page was read; null if there is no such stream. */
  readonly head: StreamHead | null;
}

interface StreamRow {
  readonly id: number;
  readonly name: string;
  readonly seq: number;
  readonly chain: string;
  readonly last_wall: number;
}

export function headOf(db: DatabaseSync, stream: string): StreamHead {
  const row = streamRow(db, stream);
  return row === undefined ? { seq: 0, chain: GENESIS } : { seq: row.seq, chain: row.chain };
}

export function summariesOf(db: DatabaseSync, path: string): StreamSummary[] {
  const rows = prepared(
    db,
    'SELECT * FROM stream WHERE seq > 0 ORDER BY name',
  ).all() as unknown as StreamRow[];
  const bounds = prepared(db, 'SELECT min(seq) AS first, max(seq) AS last FROM record WHERE stream = ?');
  return rows.map(({ id, name, seq, chain, last_wall: lastWall }) => {
    const { first, last } = bounds.get(id) as { first: number | null; last: number | null };
    if (first === null || last !== seq) throw missing(path, name, `#${seq}, its last record`);
    const [line] = linesOf(db, path, { id, name }, { from: seq, to: seq, limit: 1 });
    const { machine } = recordFromLine(line as string, `${path}, ${name} #${seq}`);
    return { stream: name, seq, chain, first, machine, lastWall };
  });
}

/** One page of a stream, and where the stream stood at that moment. */
export function pageOf(db: DatabaseSync, path: string, stream: string, from: number, to: number): Page {
  db.exec('BEGIN');
  try {
    const row = streamRow(db, stream);
    if (row === undefined) return { lines: [], head: null };
    const lines = linesOf(db, path, { id: row.id, name: stream }, { from, to, limit: PAGE_RECORDS });
    return { lines, head: { seq: row.seq, chain: row.chain } };
  } finally {
    db.exec('COMMIT');
  }
}

/** The records of a stream, page after page from wherever `page` gets them. Throws `JOURNAL_CORRUPT` with the place. */
export async function* readPages(
  path: string,
  stream: string,
  { from = 1, to = Number.MAX_SAFE_INTEGER }: ReadOptions,
  page: (from: number, to: number) => Page | Promise<Page>,
): AsyncGenerator<JournalRecord> {
  let last: JournalRecord | null = null;
  for (;;) {
    const { lines, head } = await page(last === null ? from : last.seq + 1, to);
    for (const line of lines) {
      const record: JournalRecord = recordFromLine(line, `${path}, ${stream} behind #${last?.seq ?? 0}`);
      checkFollows(path, from, last, record);
      last = record;
      yield record;
    }
    if (lines.length < PAGE_RECORDS) {
      if (head !== null && to >= head.seq) checkEnd(path, from, last, stream, head);
      return;
    }
  }
}

function checkFollows(path: string, from: number, last: JournalRecord | null, record: JournalRecord): void {
  // A record that says what was before it: the rest was trimmed, or given up by a writer whose backlog overflowed.
  if (record.kind === 'trimmed') return;
  const expected = last === null ? from : last.seq + 1;
  if (record.seq !== expected) throw missing(path, record.stream, `#${expected} to #${record.seq - 1}`);
  const prev = last === null ? (record.seq === 1 ? GENESIS : record.prev) : chainAfter(last);
  if (record.prev !== prev)
    throw damaged(path, record.stream, record.seq, 'it does not name the record before it');
}

/** The end of a stream is as easily lost as its middle, and leaves no gap. */
function checkEnd(
  path: string,
  from: number,
  last: JournalRecord | null,
  stream: string,
  head: StreamHead,
): void {
  const expected = last === null ? from : last.seq + 1;
  if (expected <= head.seq) throw missing(path, stream, `#${expected} to #${head.seq}`);
  if (last !== null && (last.seq !== head.seq || chainAfter(last) !== head.chain)) {
    throw damaged(path, stream, last.seq, 'it is not the record that the stream says is its last');
  }
}

interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

function linesOf(
  db: DatabaseSync,
  path: string,
  { id, name }: Pick<StreamRow, 'id' | 'name'>,
  { from, to, limit }: Wanted,
): string[] {
  const rows = prepared(
    db,
    'SELECT seq, crc, body FROM record WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?',
  ).all(id, from, to, limit) as unknown as {
    readonly seq: number;
    readonly crc: number;
    readonly body: string;
  }[];
  return rows.map(({ seq, crc, body }) => {
    if (crc32c(Buffer.from(body)) !== crc) throw damaged(path, name, seq, 'its checksum is wrong');
    const record = JSON.parse(body) as JournalRecord;
    if (record.seq !== seq || record.stream !== name) {
      throw damaged(path, name, seq, `it holds ${record.stream} #${record.seq}`);
    }
    return body;
  });
}

function streamRow(db: DatabaseSync, stream: string): StreamRow | undefined {
  return prepared(db, 'SELECT * FROM stream WHERE name = ?').get(stream) as StreamRow | undefined;
}

export function damaged(path: string, stream: string, seq: number, reason: string): JournalError {
  const place = `${path}, ${stream} #${seq}`;
  return new JournalError(
    'JOURNAL_CORRUPT',
    `The journal is damaged at ${place}: ${reason}. It was left untouched; restore it from a copy.`,
    { place },
  );
}

function missing(path: string, stream: string, what: string): JournalError {
  return new JournalError(
    'JOURNAL_CORRUPT',
    `The journal ${path} is damaged: of ${stream}, ${what} is missing. It was left untouched; restore it from a copy.`,
    { place: `${path}, ${stream}` },
  );
}
