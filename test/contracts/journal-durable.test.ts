import { fullDisk, heldLock } from './journal-faults.ts';
import { durableContract } from './journal-durable.contract.ts';

durableContract('sqlite', [fullDisk('sqlite'), heldLock()]);
durableContract('jsonl', [fullDisk('jsonl')]);
