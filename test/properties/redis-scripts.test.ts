import { fc } from '@fast-check/vitest';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LeaseScripts } from '../../src/lease/redis-lease-scripts.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { Chance } from './lease-protocol-chance.ts';
import { compare, ScriptsRun, scriptsUnderTest } from './redis-scripts-model.ts';
import { plantedInScripts } from './redis-scripts-mutants.ts';

const STEPS = 40;

describeRedis('the scripts of leases in Redis', () => {
  let redis: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });

  const agrees = (scripts: LeaseScripts) =>
    fc.asyncProperty(fc.noShrink(fc.nat()), async (seed) => {
      const run = new ScriptsRun(new Chance(seed), scripts);
      for (let n = 0; n < STEPS; n += 1) run.take();
      await compare(client, run, scripts);
    });

  test('decide what the protocol decides, and leave the record it leaves', async () => {
    await fc.assert(agrees(scriptsUnderTest()), { numRuns: 200 });
  });

  test.each(Object.entries(plantedInScripts))('a planted bug is caught: %s', async (_, plant) => {
    const run = await fc.check(agrees(plant(scriptsUnderTest())), {
      numRuns: 400,
      endOnFailure: true,
      seed: 1,
    });
    expect(run.failed).toBe(true);
  });
});
