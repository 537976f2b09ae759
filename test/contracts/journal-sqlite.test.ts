import { durablePlace } from './journal-places.ts';
import { journalContract } from './journal.contract.ts';

journalContract('sqlite', async () => durablePlace('sqlite'));
