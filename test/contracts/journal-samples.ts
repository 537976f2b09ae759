/** Small journals as bytes, to be cut and changed. */
import { readFileSync } from 'node:fs';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { readJsonl, type JsonlSource } from '../../src/journal/jsonl-read.ts';
import { headerOf, Recording } from './journal-entries.ts';
import { durablePlace } from './journal-places.ts';

/** A finished export of two streams. */
export async function sampleExport(count: number): Promise<Buffer> {
  const journal = memoryJournal();
  for (const stream of ['a', 'b']) {
    const writer = journal.writer(headerOf(stream));
    for (const entry of new Recording().take(count)) writer.record(entry);
  }
  const chunks: Uint8Array[] = [];
  await exportJournal(journal, (chunk) => void chunks.push(chunk));
  return Buffer.concat(chunks);
}

/** A live journal as its last writer left it. */
export async function sampleLive(count: number): Promise<Buffer> {
  await using place = durablePlace('jsonl');
  const journal = place.open();
  const writer = journal.writer(headerOf('a'));
  for (const entry of new Recording().take(count)) writer.record(entry);
  await writer.close(30_000);
  await journal.close();
  return readFileSync(place.path);
}

export async function recordsIn(source: JsonlSource): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of (await readJsonl(source, 'sample')).records) records.push(record);
  return records;
}

/** The records of what can be read, or the refusal. */
export async function readOrRefusal(bytes: Uint8Array): Promise<JournalRecord[] | Error> {
  try {
    return await recordsIn(bytes);
  } catch (error) {
    return error as Error;
  }
}
