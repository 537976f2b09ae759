/**
 * A cache that the leader keeps warm and every member reads: what is expensive happens once, however many replicas
 * there are, and a leader that is late never puts an old value over a newer one.
 *
 *     node --conditions=conclave-source examples/cache-warmer.ts
 *     REDIS_URL=redis://localhost:6379 node --conditions=conclave-source examples/cache-warmer.ts
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { createLeaderElection, type LeadershipTerm, memoryLeases } from 'conclave';
import { redisLeases } from 'conclave/redis';

// One row is all that is written, so it carries the token itself: no table of fences is needed.
const cache = new DatabaseSync(':memory:');
cache.exec('CREATE TABLE cache (key TEXT PRIMARY KEY, value TEXT NOT NULL, token INTEGER NOT NULL)');
const put = cache.prepare(`
  INSERT INTO cache (key, value, token) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, token = excluded.token
    WHERE cache.token <= excluded.token`);
const get = cache.prepare('SELECT value FROM cache WHERE key = ?');

const warm = (value: string, token: bigint): boolean => put.run('rates', value, token).changes === 1;
const read = (): string => String(get.get('rates')?.['value'] ?? 'cold');

/** At once when a term begins, and again and again until it ends. */
async function keepWarm(term: LeadershipTerm, member: string, everyMs = 20): Promise<void> {
  for (;;) {
    const value = await fetchRates(member, term.signal);
    if (!warm(value, term.token)) return;
    await setTimeout(everyMs, undefined, { signal: term.signal });
  }
}

/** What takes long takes the signal, too: `fetch(url, { signal })`. */
async function fetchRates(source: string, signal: AbortSignal): Promise<string> {
  await setTimeout(5, undefined, { signal });
  return `rates, fetched by ${source}`;
}

const { REDIS_URL } = process.env;
await using leases = REDIS_URL === undefined ? memoryLeases() : redisLeases(REDIS_URL);
await using first = createLeaderElection({ resource: 'rates', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'rates', candidateId: 'second', leases });
const untilReadOf = async (member: string) => {
  while (!read().includes(member)) await setTimeout(5);
  return read();
};

console.log('before:', read());
await first.start();
const early = await first.whenLeader();
const firstWarms = first.runWhileLeader((term) => keepWarm(term, 'first'));
console.log('warmed:', await untilReadOf('first'));

await second.start();
const secondWarms = second.runWhileLeader((term) => keepWarm(term, 'second'));
await first.stop();
console.log('after a failover:', await untilReadOf('second'));
console.log('late value of the first taken:', early && warm('old rates', early.token));
await second.stop();
await Promise.all([firstWarms, secondWarms]);
