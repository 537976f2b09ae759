import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { journalContract } from './journal.contract.ts';

journalContract('memory', async () => {
  const journal = memoryJournal();
  return { open: () => journal, [Symbol.asyncDispose]: () => journal.close() };
});
