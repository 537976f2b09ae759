import { durablePlace } from './journal-places.ts';
import { journalContract } from './journal.contract.ts';

journalContract('jsonl', async () => durablePlace('jsonl'));
