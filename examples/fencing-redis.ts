/**
 * A leader's writes to Redis, fenced: one script compares the token with the highest one that was here and changes
 * the data.
 *
 *     REDIS_URL=redis://localhost:6379 node --conditions=conclave-source examples/fencing-redis.ts
 */
import { createLeaderElection, LeadershipError, memoryLeases } from 'conclave';
import { runFenced } from 'conclave/fencing';
import { Redis } from 'ioredis';

const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://localhost:6379');

async function publish(value: string, token: bigint | undefined): Promise<string> {
  if (token === undefined) return 'not leading';
  try {
    await runFenced(redis, {
      fence: '{report}:fence',
      token,
      script: `redis.call('RPUSH', KEYS[1], ARGV[1])`,
      keys: ['{report}:lines'],
      args: [value],
    });
    return 'written';
  } catch (error) {
    if (error instanceof LeadershipError) return `refused: ${error.message}`;
    throw error;
  }
}

const leases = memoryLeases();
await using first = createLeaderElection({ resource: 'report', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'report', candidateId: 'second', leases });

await first.start();
const early = await first.whenLeader();
console.log('first leader:', await publish('one', early?.token));

// What the first leader has still on its way when it is replaced arrives late.
await first.stop();
await second.start();
const late = await second.whenLeader();
console.log('second leader:', await publish('two', late?.token));
console.log('late write of the first:', await publish('three', early?.token));
console.log('in Redis:', (await redis.lrange('{report}:lines', 0, -1)).join(', '));
await redis.quit();
