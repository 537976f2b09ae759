/**
 * A leader's writes to a SQL database, fenced: the transaction that changes the data raises the fence first, and is
 * rolled back if a later leader was there.
 *
 *     node --conditions=conclave-source examples/fencing-sql.ts
 */
import { DatabaseSync } from 'node:sqlite';
import { createLeaderElection, memoryLeases } from 'conclave';
import { fenceTable } from 'conclave/fencing';

const { create, raise } = fenceTable();
const database = new DatabaseSync(':memory:');
database.exec(`${create}; CREATE TABLE invoices (day TEXT PRIMARY KEY, state TEXT NOT NULL)`);
const raiseFence = database.prepare(raise);
const write = database.prepare('INSERT OR REPLACE INTO invoices (day, state) VALUES (?, ?)');

function book(day: string, state: string, token: bigint): 'booked' | 'refused' {
  database.exec('BEGIN IMMEDIATE');
  try {
    const admitted = raiseFence.run('invoices', token).changes === 1;
    if (admitted) write.run(day, state);
    database.exec(admitted ? 'COMMIT' : 'ROLLBACK');
    return admitted ? 'booked' : 'refused';
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

const leases = memoryLeases();
await using first = createLeaderElection({ resource: 'invoices', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'invoices', candidateId: 'second', leases });

await first.start();
const early = await first.whenLeader();
console.log('first leader:', early && book('2026-11-21', 'sent by the first', early.token));

// What the first leader has still on its way when it is replaced arrives late.
await first.stop();
await second.start();
const late = await second.whenLeader();
console.log('second leader:', late && book('2026-11-21', 'sent by the second', late.token));
console.log('late write of the first:', early && book('2026-11-21', 'sent by the first, again', early.token));
console.log('in the database:', database.prepare('SELECT state FROM invoices').get()?.['state']);
