import { createHash } from 'node:crypto';
import { JournalError } from '../errors.ts';
import { runtimeVersion } from '../runtime/identity.ts';
import { JOURNAL_FORMAT, type Journal, type JournalRecord, type MachineIdentity } from './journal.ts';
import { encodeLine, type JsonlFooter, type JsonlHeader, type JsonlStream } from './jsonl-format.ts';

/** Where the bytes go. It may wait before it takes more. */
export type JsonlSink = (chunk: Uint8Array) => void | Promise<void>;

/** What the header of an export says beside its format. */
export interface JsonlContents {
  readonly machines: readonly MachineIdentity[];
  readonly streams: readonly JsonlStream[];
}

export interface JsonlWritten {
  readonly records: number;
  readonly bytes: number;
}

/** Lines are handed over in chunks of about this size. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Writes records as an export: header, one line each, footer. Records of one stream must come in order.
 *
 * @example
 * const file = createWriteStream('run.jsonl');
 * await writeJsonl({ machines, streams }, records, (chunk) => void file.write(chunk));
 */
export async function writeJsonl(
  { machines, streams }: JsonlContents,
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  sink: JsonlSink,
): Promise<JsonlWritten> {
  const digest = createHash('sha256');
  let chunk: Buffer[] = [];
  let waiting = 0;
  let written = { records: 0, bytes: 0 };
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(chunk);
    chunk = [];
    waiting = 0;
    await sink(bytes);
  };
  const add = (line: JsonlHeader | JournalRecord | JsonlFooter): void => {
    const bytes = encodeLine(line);
    if (!isFooter(line)) digest.update(bytes);
    chunk.push(bytes);
    waiting += bytes.length;
    written = { ...written, bytes: written.bytes + bytes.length };
  };
  add({
    conclave: 'journal',
    format: JOURNAL_FORMAT,
    form: 'export',
    runtime: runtimeVersion(),
    machines,
    streams,
  });
  for await (const record of records) {
    add(record);
    written = { ...written, records: written.records + 1 };
    if (waiting >= CHUNK_BYTES) await flush();
  }
  add({ conclave: 'end', records: written.records, digest: digest.digest('hex') });
  await flush();
  return written;
}

/**
 * Exports streams of any journal, as they stand when the export begins; also while they are being written.
 *
 * @param streams Which; default all.
 * @throws JournalError `JOURNAL_NOT_FOUND` for a stream that is not there, naming those that are.
 * @example
 * await exportJournal(await openJournal('journal.db'), (chunk) => void process.stdout.write(chunk));
 */
export async function exportJournal(
  journal: Pick<Journal, 'streams' | 'read'>,
  sink: JsonlSink,
  streams?: readonly string[],
): Promise<JsonlWritten> {
  const held = await journal.streams();
  for (const name of streams ?? []) {
    if (held.some(({ stream }) => stream === name)) continue;
    const names = held.map(({ stream }) => stream).join(', ');
    throw new JournalError('JOURNAL_NOT_FOUND', `There is no stream ${name}. There are: ${names || 'none'}.`);
  }
  const wanted = held.filter(({ stream }) => streams === undefined || streams.includes(stream));
  const machines = new Map(wanted.map(({ machine }) => [`${machine.id} ${machine.hash}`, machine]));
  const contents = {
    machines: [...machines.values()],
    streams: wanted.map(({ stream, first, seq }) => ({ stream, first, last: seq })),
  };
  return writeJsonl(contents, recordsOf(journal, contents.streams), sink);
}

async function* recordsOf(
  journal: Pick<Journal, 'read'>,
  streams: readonly JsonlStream[],
): AsyncGenerator<JournalRecord> {
  for (const { stream, last } of streams) yield* journal.read(stream, { to: last });
}

function isFooter(line: JsonlHeader | JournalRecord | JsonlFooter): line is JsonlFooter {
  return 'conclave' in line && line.conclave === 'end';
}
