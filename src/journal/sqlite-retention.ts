import type { DatabaseSync } from 'node:sqlite';
import { isAlive, type Claim, type ProcessMark } from './durable-claim.ts';
import type { JournalNotice } from './durable-notice.ts';
import { DURABLE_STREAMS_MAX, type Retention } from './durable-retention.ts';
import { prepared } from './sqlite-schema.ts';
import { checkpointAt, cutAt } from './sqlite-write.ts';

/**
 * What a journal drops, and what it never drops: the highest sequence number of a stream, its last record, and the
 * state it needs to be replayed from its first. So trimming only ever cuts at a checkpoint.
 */

/** Trims done in one transaction: old records must not make new ones wait. */
const CUTS_MAX = 16;

/** Trims a stream so that nothing below `seq` is held that a checkpoint can stand for. */
export function trimStream(db: DatabaseSync, stream: string, seq: number): void {
  const cut = prepared(
    db,
    `SELECT stream.id AS id, max(checkpoint.seq) AS seq FROM stream JOIN checkpoint ON checkpoint.stream = stream.id
       WHERE stream.name = ? AND checkpoint.seq < ?`,
  ).get(stream, seq) as { readonly id: number | null; readonly seq: number | null };
  if (cut.id === null || cut.seq === null) return;
  const checkpoint = checkpointAt(db, cut.id, cut.seq);
  if (checkpoint !== null) cutAt(db, cut.id, checkpoint);
}

/** Bytes of the database in use: what deleted records left behind is used again first. */
export function usedBytes(db: DatabaseSync): number {
  const { used } = prepared(
    db,
    `SELECT (page_count - freelist_count) * page_size AS used
       FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
  ).get() as { readonly used: number };
  return used;
}

export interface RetentionRun {
  readonly retention: Required<Retention>;
  /** The wall clock now, in milliseconds. */
  readonly wall: number;
  readonly own: ProcessMark;
  readonly notify: (notice: JournalNotice) => void;
}

/** Drops what is too old or too much, oldest first. Returns whether there is more to do. */
export function retain(db: DatabaseSync, { retention, wall, own, notify }: RetentionRun): boolean {
  const trimmed = new Map<string, number>();
  let cuts = 0;
  for (; cuts < CUTS_MAX; cuts += 1) {
    const tooMuch = usedBytes(db) > retention.bytesMax;
    const candidate = oldestCut(db, tooMuch ? Number.MAX_VALUE : wall - retention.ageMsMax);
    if (candidate === undefined) break;
    const checkpoint = checkpointAt(db, candidate.id, candidate.seq);
    if (checkpoint === null) {
      prepared(db, 'DELETE FROM checkpoint WHERE stream = ? AND seq = ?').run(candidate.id, candidate.seq);
      continue;
    }
    trimmed.set(candidate.name, (trimmed.get(candidate.name) ?? 0) + cutAt(db, candidate.id, checkpoint));
  }
  for (const [stream, count] of trimmed) {
    notify({ kind: 'trimmed', stream, message: `${stream}: dropped ${count} old records.` });
  }
  const forgotten = forgetOldest(db, own, notify);
  return cuts === CUTS_MAX || forgotten;
}

interface Candidate {
  readonly id: number;
  readonly name: string;
  readonly seq: number;
}

/** The stream whose first record is the oldest, and the next checkpoint behind that, if it was taken before `wall`. */
function oldestCut(db: DatabaseSync, wall: number): Candidate | undefined {
  return prepared(
    db,
    `SELECT stream.id, stream.name, checkpoint.seq
       FROM stream
       JOIN record AS oldest ON oldest.stream = stream.id
         AND oldest.seq = (SELECT min(seq) FROM record WHERE stream = stream.id)
       JOIN checkpoint ON checkpoint.stream = stream.id
         AND checkpoint.seq = (SELECT min(seq) FROM checkpoint WHERE stream = stream.id AND seq > oldest.seq)
       JOIN record AS cut ON cut.stream = stream.id AND cut.seq = checkpoint.seq
       WHERE cut.wall < ? ORDER BY oldest.wall LIMIT 1`,
  ).get(wall) as Candidate | undefined;
}

/** Streams are small once trimmed, but each restart may add one: the oldest that nobody writes goes. */
function forgetOldest(db: DatabaseSync, own: ProcessMark, notify: (notice: JournalNotice) => void): boolean {
  const { count } = prepared(db, 'SELECT count(*) AS count FROM stream').get() as { readonly count: number };
  if (count <= DURABLE_STREAMS_MAX) return false;
  const streams = prepared(db, 'SELECT id, name, claim FROM stream ORDER BY last_wall').all();
  for (const row of streams as unknown as Iterable<{
    id: number;
    name: string;
    claim: string | null;
  }>) {
    const holder = row.claim === null ? null : (JSON.parse(row.claim) as Claim);
    if (holder !== null && (isOwn(holder.mark, own) || isAlive(holder.mark, own))) continue;
    for (const table of ['checkpoint', 'record'])
      prepared(db, `DELETE FROM ${table} WHERE stream = ?`).run(row.id);
    prepared(db, 'DELETE FROM stream WHERE id = ?').run(row.id);
    notify({
      kind: 'forgotten',
      stream: row.name,
      message: `${row.name}: forgotten, as the oldest of ${count} streams.`,
    });
    return true;
  }
  return false;
}

function isOwn(mark: ProcessMark, own: ProcessMark): boolean {
  return mark.pid === own.pid && mark.started === own.started;
}
