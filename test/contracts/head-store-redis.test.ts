import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { redisHead } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
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
});
