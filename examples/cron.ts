/**
 * A schedule that runs on the leader: each due time is done once and by one member, also across a failover.
 *
 *     node --conditions=conclave-source examples/cron.ts
 *     REDIS_URL=redis://localhost:6379 node --conditions=conclave-source examples/cron.ts
 *
 * Both members live in this one process, to be seen together. Yours are processes, with a database in place of the
 * file. For a task that may run on any member, one at a time, `election.tryRun('nightly', …)` is less work.
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { createLeaderElection, type LeadershipTerm, memoryLeases } from 'conclave';
import { fenceTable } from 'conclave/fencing';
import { redisLeases } from 'conclave/redis';

const everyMs = 40;

const { create, raise } = fenceTable();
const database = new DatabaseSync(':memory:');
database.exec(`${create}; CREATE TABLE runs (due INTEGER PRIMARY KEY, member TEXT NOT NULL)`);
const raiseFence = database.prepare(raise);
const addRun = database.prepare('INSERT INTO runs (due, member) VALUES (?, ?)');
const lastRun = database.prepare('SELECT max(due) AS due FROM runs');

/** Books a run in one transaction with the fence: what a member that leads no more has done is not booked. */
function book(due: number, member: string, token: bigint): boolean {
  database.exec('BEGIN IMMEDIATE');
  try {
    const admitted = raiseFence.run('report', token).changes === 1;
    if (admitted) addRun.run(due, member);
    database.exec(admitted ? 'COMMIT' : 'ROLLBACK');
    return admitted;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Goes on where earlier terms, whoever led in them, came to. What was due while nobody led is done late, not left out. */
async function schedule(term: LeadershipTerm, member: string): Promise<void> {
  const started = Date.now();
  for (;;) {
    const due = Number(lastRun.get()?.['due'] ?? started - everyMs) + everyMs;
    // Ends at once when the term does. What it throws then is no error: the work runs again in this member's next term.
    await setTimeout(Math.max(0, due - Date.now()), undefined, { signal: term.signal });
    await report(due, term.signal);
    if (!book(due, member, term.token)) return;
  }
}

async function report(_due: number, signal: AbortSignal): Promise<void> {
  await setTimeout(5, undefined, { signal });
}

const { REDIS_URL } = process.env;
await using leases = REDIS_URL === undefined ? memoryLeases() : redisLeases(REDIS_URL);
await using first = createLeaderElection({ resource: 'report', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'report', candidateId: 'second', leases });
const untilThreeRunsOf = async (member: string) => {
  const done = database.prepare('SELECT count(*) AS runs FROM runs WHERE member = ?');
  while (Number(done.get(member)?.['runs']) < 3) await setTimeout(5);
};

await first.start();
const early = await first.whenLeader();
const firstRuns = first.runWhileLeader((term) => schedule(term, 'first'));
await untilThreeRunsOf('first');
await second.start();
const secondRuns = second.runWhileLeader((term) => schedule(term, 'second'));
await first.stop(); // as in a deployment: hands over, and takes milliseconds
await untilThreeRunsOf('second');
console.log('booked late by the first:', early && book(Date.now(), 'first', early.token));
await second.stop();
await Promise.all([firstRuns, secondRuns]);

const runs = database.prepare('SELECT due, member FROM runs ORDER BY due').all();
const gaps = runs.slice(1).map(({ due }, index) => Number(due) - Number(runs[index]?.['due']));
console.log('members that ran it:', [...new Set(runs.map(({ member }) => member))].join(', '));
console.log(
  'each due time once:',
  gaps.every((gap) => gap === everyMs),
);
