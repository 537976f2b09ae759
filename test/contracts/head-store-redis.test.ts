import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, test } from 'vitest';
import { redisHead } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { headStoreContract } from './head-store.contract.ts';

describeRedis('a shared configuration in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  headStoreContract({
    name: 'redis',
    create: async () => {
      const namespace = randomBytes(6).toString('hex');
      const [store, another] = [redisHead(redis.url, { namespace }), redisHead(redis.url, { namespace })];
      const foreign = redisHead(redis.url, { namespace: `${namespace}-other` });
      return {
        store,
        another,
        foreign,
        async [Symbol.asyncDispose]() {
          await Promise.all([store, another, foreign].map((each) => each.close()));
        },
      };
    },
  });

  test('whatever anybody publishes on the channel that was named means "look now"', async () => {
    await using store = redisHead(redis.url, { namespace: 'named', channel: 'app:config:changes' });
    const hints: unknown[] = [];
    const told = store.watch().subscribe((hint) => hints.push(hint));
    // Published again until somebody listens.
    await until(
      'somebody hears it',
      async () => (await redis.cli('publish', 'app:config:changes', 'x')) === '1',
    );
    await until('it is a hint', () => hints.includes('called'));
    told.unsubscribe();
    await until(
      'nobody listens',
      async () => (await redis.cli('publish', 'app:config:changes', 'x')) === '0',
    );
  });
});
