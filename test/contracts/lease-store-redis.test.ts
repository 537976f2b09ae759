import { afterAll, beforeAll } from 'vitest';
import { redisLeases } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { leaseStoreContract } from './lease-store.contract.ts';
import { redisLeaseFixture } from './redis-lease-fixture.ts';

describeRedis('leases in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  leaseStoreContract({
    name: 'redis',
    leaseMs: 300,
    create: async (options) =>
      redisLeaseFixture(
        { cli: (...command) => redis.cli(...command), open: (more) => redisLeases(redis.url, more) },
        options,
      ),
  });
});
