/** The examples over a Redis: a fresh one makes the first member wait for a lease, in case its data were lost. */
import { expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { linesOf, WORK } from './example-programs.ts';

describeRedis('with a Redis', () => {
  test('the examples do what they do without', async () => {
    await using redis = await startRedis();
    process.env['REDIS_URL'] = redis.url;
    try {
      const ran = Object.keys(WORK).map(async (example) => [example, await linesOf(example)] as const);
      expect(Object.fromEntries(await Promise.all(ran))).toEqual(WORK);
    } finally {
      delete process.env['REDIS_URL'];
    }
  });
});
