/**
 * One consumer for a queue whose messages must be handled in order: the leader. A failover in the middle of a message
 * means that the successor handles it again, and that it is settled once.
 *
 *     node --conditions=conclave-source examples/queue-consumer.ts
 *     REDIS_URL=redis://localhost:6379 node --conditions=conclave-source examples/queue-consumer.ts
 *
 * Handling happens at least once, as with every queue: what it does elsewhere must bear being done twice, or carry the
 * token along and be refused (docs/fencing.md).
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { createLeaderElection, type LeadershipTerm, memoryLeases } from 'conclave';
import { fenceTable } from 'conclave/fencing';
import { redisLeases } from 'conclave/redis';

const { create, raise } = fenceTable();
const database = new DatabaseSync(':memory:');
database.exec(
  `${create}; CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL, settled_by TEXT)`,
);
for (const body of ['open account', 'pay in 100', 'pay out 40', 'close account'])
  database.prepare('INSERT INTO messages (body) VALUES (?)').run(body);
const raiseFence = database.prepare(raise);
const next = database.prepare('SELECT id, body FROM messages WHERE settled_by IS NULL ORDER BY id LIMIT 1');
const settle = database.prepare('UPDATE messages SET settled_by = ? WHERE id = ? AND settled_by IS NULL');

/** Settles a message in one transaction with the fence; false if a later leader was here. */
function settled(id: number, member: string, token: bigint): boolean {
  database.exec('BEGIN IMMEDIATE');
  try {
    const admitted = raiseFence.run('messages', token).changes === 1;
    if (admitted) settle.run(member, id);
    database.exec(admitted ? 'COMMIT' : 'ROLLBACK');
    return admitted;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

type Handler = (body: string, signal: AbortSignal) => Promise<void>;

async function consume(term: LeadershipTerm, member: string, handle: Handler): Promise<void> {
  for (;;) {
    // Compares clocks: a process that was frozen does not take a message for a term that is over.
    term.assertCurrent();
    const message = next.get();
    if (message === undefined) {
      await setTimeout(10, undefined, { signal: term.signal });
      continue;
    }
    await handle(String(message['body']), term.signal);
    // Refused: somebody else leads, and this member will hear of it.
    if (!settled(Number(message['id']), member, term.token)) return;
    console.log(`${member} settled: ${String(message['body'])}`);
  }
}

const { REDIS_URL } = process.env;
await using leases = REDIS_URL === undefined ? memoryLeases() : redisLeases(REDIS_URL);
await using first = createLeaderElection({ resource: 'messages', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'messages', candidateId: 'second', leases });
const untilLeft = async (left: number) => {
  const unsettled = database.prepare('SELECT count(*) AS count FROM messages WHERE settled_by IS NULL');
  while (Number(unsettled.get()?.['count']) > left) await setTimeout(5);
};

await first.start();
const stuckAtTheThird: Handler = async (body, signal) => {
  if (!body.startsWith('pay out')) return;
  console.log(`first is in the middle of: ${body}`);
  await setTimeout(60_000, undefined, { signal });
};
const firstConsumes = first.runWhileLeader((term) => consume(term, 'first', stuckAtTheThird));
await untilLeft(2);
await second.start();
const secondConsumes = second.runWhileLeader((term) => consume(term, 'second', async () => {}));
await first.stop(); // the signal ends the handler; the message stays where it is
await untilLeft(0);
await second.stop();
await Promise.all([firstConsumes, secondConsumes]);
