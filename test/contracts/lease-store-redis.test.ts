import * as ioredis5 from 'ioredis5';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import { redisLeases, type RedisClient, type RedisLeaseOptions } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startCluster, type RedisCluster } from '../redis/redis-cluster.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { leaseStoreContract } from './lease-store.contract.ts';
import { redisLeaseFixture } from './redis-lease-fixture.ts';

describeRedis('leases in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  const cli = (...command: readonly string[]) => redis.cli(...command);

  leaseStoreContract({
    name: 'redis',
    leaseMs: 300,
    create: async (options) =>
      redisLeaseFixture({ cli, open: (more) => redisLeases(redis.url, more) }, options),
  });

  describe.each([
    ['6', (url: string): RedisClient => new Redis(url)],
    ['5', (url: string): RedisClient => new ioredis5.Redis(url)],
  ] as const)('over a client of ioredis %s that the application has', (version, connect) => {
    let client: RedisClient;
    beforeAll(() => {
      client = connect(redis.url);
    });
    afterAll(() => client.disconnect());

    leaseStoreContract({
      name: `redis, ioredis ${version}`,
      leaseMs: 200,
      create: async (options) =>
        redisLeaseFixture({ cli, open: (more: RedisLeaseOptions) => redisLeases(client, more) }, options),
    });
  });
});

describeRedis('leases in Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  leaseStoreContract({
    name: 'redis cluster',
    leaseMs: 300,
    create: async (options) =>
      redisLeaseFixture(
        {
          cli: (...command) => cluster.first.cli('-c', ...command),
          open: (more) => redisLeases(`redis+cluster://127.0.0.1:${cluster.first.port}`, more),
        },
        options,
      ),
  });
});
