/** Twenty members that share a configuration over a real Redis, with real files, and connections that do not last. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filter } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type ConfigReload, createConfigReload, type HeadStore } from '../../src/config.ts';
import { HEAD_POLL_MS } from '../../src/config/head-member.ts';
import type { LeaseStore } from '../../src/index.ts';
import { redisHead, redisLeases } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';

const MEMBERS = 20;
const QUIET_MS = 300;
const schema = z.object({ port: z.number() });
type Config = z.infer<typeof schema>;

describeRedis('twenty members over Redis', () => {
  let redis: RedisServer;
  let directory: string;
  let leases: LeaseStore;
  let stores: HeadStore[];
  let members: ConfigReload<Config>[];
  /** Whether a hint comes through. */
  let passes: () => boolean;

  beforeAll(async () => {
    redis = await startRedis();
    directory = await mkdtemp(join(tmpdir(), 'conclave-config-'));
    leases = redisLeases(redis.url, { freshStore: 'trust' });
    passes = () => true;
    stores = Array.from({ length: MEMBERS }, () => redisHead(redis.url));
    members = await Promise.all(stores.map(member));
  });
  afterAll(async () => {
    await Promise.all(members.map((each) => each.stop()));
    await Promise.all([...stores, leases].map((each) => each.close()));
    await redis[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const fileOf = (index: number) => join(directory, `app-${index}.json`);
  const member = async (store: HeadStore, index: number) => {
    await writeFile(fileOf(index), '{"port": 1}');
    const lossy: HeadStore = {
      ...store,
      watch: () => store.watch().pipe(filter(() => passes())),
      describe: () => store.describe(),
      close: () => store.close(),
      [Symbol.asyncDispose]: () => store.close(),
    };
    const memberId = `m${index}`;
    const timings = { quietMs: QUIET_MS };
    const reload = createConfigReload({
      source: fileOf(index),
      schema,
      store: lossy,
      leases,
      memberId,
      timings,
    });
    await reload.start();
    return reload;
  };

  /** Has the leader's file hold this, and tells how long each member took to apply it, in order. */
  const spread = async (port: number, withinMs: number): Promise<readonly number[]> => {
    const since = performance.now();
    const latencies: number[] = [];
    const off = members.map((each) => each.on('applied', () => latencies.push(performance.now() - since)));
    const leader = members.findIndex((each) => each.status().shared?.leads);
    await writeFile(`${fileOf(leader)}.new`, JSON.stringify({ port }));
    await rename(`${fileOf(leader)}.new`, fileOf(leader));
    const ports = () => members.map(({ current }) => current.port);
    await expect.poll(ports, { timeout: withinMs, interval: 20 }).toEqual(Array(MEMBERS).fill(port));
    for (const each of off) each();
    return latencies.toSorted((a, b) => a - b);
  };

  test('apply a changed file of the leader by hints, without waiting for a poll, and say so', async () => {
    for (const port of [2, 3, 4]) {
      const latencies = await spread(port, 20_000);
      const [median = 0, last = 0] = [latencies[MEMBERS / 2], latencies.at(-1)];
      console.log(
        `applied by half after ${median.toFixed(0)} ms, by all ${MEMBERS} after ${last.toFixed(0)} ms`,
      );
      // Nobody is let down by a poll: those come every 5 s, and only a fifth of members within a second.
      expect(last).toBeLessThan(QUIET_MS + HEAD_POLL_MS / 2);
    }
    await expect
      .poll(async () => (await members[0]?.members())?.filter(({ state }) => state === 'applied').length)
      .toBe(MEMBERS);
  });

  test('leave nobody behind, with four subscribers killed a second and a fifth of the hints lost', async () => {
    passes = () => Math.random() > 0.2;
    const ended = new AbortController();
    const killing = (async () => {
      while (!ended.signal.aborted) {
        const clients = (await redis.cli('client', 'list', 'type', 'pubsub')).match(/^id=\d+/gm) ?? [];
        const victim = clients[Math.floor(Math.random() * clients.length)]?.slice(3);
        if (victim !== undefined) await redis.cli('client', 'kill', 'id', victim);
        await sleep(250);
      }
    })();
    try {
      // A sweep at the latest notices, a poll at the latest tells; what is left over is for a loaded machine.
      for (const port of [5, 6]) await spread(port, QUIET_MS + 2400 + 1.2 * HEAD_POLL_MS + 5000);
    } finally {
      ended.abort();
      await killing;
    }
  });

  test('keep serving while Redis is away, and follow it again', async () => {
    await redis.freeze();
    const unavailable = () => members.every((each) => (each.status().shared?.staleMs ?? 0) > 2000);
    await expect.poll(unavailable, { timeout: 15_000 }).toBe(true);
    expect(members.map(({ current }) => current.port)).toEqual(Array(MEMBERS).fill(6));
    await redis.thaw();
    await expect
      .poll(() => members.some((each) => each.status().shared?.leads), { timeout: 40_000 })
      .toBe(true);
    await spread(7, 20_000);
  });
});
