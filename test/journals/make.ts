/**
 * Makes the golden journal of the present format: `node test/journals/make.ts`. Journals of released versions stay as
 * they are: later versions must read and replay them.
 */
import { writeFileSync } from 'node:fs';
import { JOURNAL_FORMAT } from '../../src/journal/journal.ts';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { headerOf, Recording } from '../contracts/journal-entries.ts';

const journal = memoryJournal();
for (const [stream, count] of [
  ['whole', 30],
  ['trimmed', 30],
] as const) {
  const writer = journal.writer({ ...headerOf(stream), writer: 'host:1:golden' });
  for (const entry of new Recording().take(count)) writer.record(entry);
}
await journal.trim('trimmed', 21);
const chunks: Uint8Array[] = [];
await exportJournal(journal, (chunk) => void chunks.push(chunk));
writeFileSync(new URL(`./format-${JOURNAL_FORMAT}.jsonl`, import.meta.url), Buffer.concat(chunks));
