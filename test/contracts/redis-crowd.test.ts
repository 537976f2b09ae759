/** What leases cost the server: calls and bytes, of one election and of a thousand. */
import { expect, test } from 'vitest';
import { leaseKeys } from '../../src/lease/redis-lease-keys.ts';
import { leaseScripts } from '../../src/lease/redis-lease-scripts.ts';
import { Renewals, RENEWALS_PER_CALL_MAX } from '../../src/lease/redis-renewals.ts';
import type { RedisLink, ScriptCall } from '../../src/redis/link.ts';
import { redisLeases } from '../../src/redis.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { describeRedis } from '../redis/presence.ts';
import { startCluster } from '../redis/redis-cluster.ts';
import { startProxy } from '../redis/proxy.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { Candidate } from './lease-store-fixture.ts';

const trusting = { freshStore: 'trust' } as const;
const leaseMs = 30_000;

/** How often each command was sent or, within scripts, run. */
async function callsOf(redis: RedisServer): Promise<Readonly<Record<string, number>>> {
  const lines = (await redis.cli('info', 'commandstats')).split(/\r?\n/);
  const found = lines.flatMap((line) => {
    const match = /^cmdstat_([^:]+):calls=(\d+)/.exec(line);
    return match ? [[match[1] ?? '', Number(match[2])] as const] : [];
  });
  return Object.fromEntries(found);
}

const RESOURCES = 1000;

async function crowd(url: string, keyPrefix: string, size = RESOURCES) {
  const leases = redisLeases(url, { ...trusting, keyPrefix });
  const members = Array.from(
    { length: size },
    (_, n) => new Candidate(`m-${n}`, leases, leaseMs, { resource: `r${n}` }),
  );
  const tokens = await Promise.all(members.map((member) => member.win()));
  const renewAll = async (beat: number) => {
    const replies = await Promise.all(members.map((member, n) => member.renew(tokens[n] as bigint, beat)));
    return replies.filter(({ kind }) => kind === 'renewed').length;
  };
  return { leases, renewAll };
}

/** Renewals over a link that only counts its calls. */
function counted() {
  const clock = new VirtualClock();
  const calls: number[] = [];
  const link = {
    client: async () => ({ isCluster: false }),
    runTogether: async (together: readonly ScriptCall[]) => {
      calls.push(...together.map(() => clock.nowMs));
      return together.map(() => ({ reply: [], replicas: null }));
    },
  } as unknown as RedisLink;
  const script = leaseScripts().renew;
  const renewals = new Renewals({ link, clock, suffix: '', script, replicas: () => undefined });
  const renew = (resource: string) => {
    const keys = leaseKeys(resource, {});
    void renewals.add({ resource, keys, leaseMs, args: () => [], isWanted: () => true, onSent: () => {} });
  };
  /** Lets time pass, and what follows from it happen. */
  const pass = async (ms: number) => {
    const end = clock.nowMs + ms;
    while (clock.nowMs < end) {
      clock.advance(Math.min(10, end - clock.nowMs));
      for (let n = 0; n < 5; n += 1) await Promise.resolve();
    }
  };
  return { clock, calls, renew, pass };
}

test('renewals of a crowd that come in one by one make ten calls in a third of the lease', async () => {
  const { clock, calls, renew, pass } = counted();
  const every = (resource: string) => () => {
    renew(resource);
    clock.setTimeout(every(resource), leaseMs / 3);
  };
  for (let n = 0; n < RESOURCES; n += 1) clock.setTimeout(every(`r${n}`), (n * leaseMs) / 3 / RESOURCES);
  await pass(leaseMs);
  calls.length = 0;
  await pass(leaseMs);
  // Ten windows, of a hundred renewals each.
  expect(calls.length).toBeLessThanOrEqual(3 * 10);
});

test('who has no patience for a crowd does not wait for it a second time', async () => {
  const { calls, renew, pass } = counted();
  for (let n = 0; n < 20; n += 1) renew(`r${n}`);
  await pass(leaseMs / 10);
  calls.length = 0;
  renew('r1');
  await pass(leaseMs / 100);
  expect(calls).toEqual([]);
  renew('r1');
  await pass(1);
  expect(calls).toHaveLength(1);
  await pass(leaseMs / 10);
  renew('r1');
  await pass(1);
  expect(calls).toHaveLength(2);
});

describeRedis('a thousand elections over one store', () => {
  test('renew with at most ten calls of a script', async () => {
    await using redis = await startRedis();
    const { leases, renewAll } = await crowd(redis.url, 'crowd:');
    await renewAll(1500);
    await redis.cli('config', 'resetstat');
    expect(await renewAll(2000)).toBe(RESOURCES);
    const { evalsha = 0, eval: whole = 0 } = await callsOf(redis);
    expect(evalsha + whole).toBeLessThanOrEqual(10);
    expect(evalsha + whole).toBeGreaterThanOrEqual(RESOURCES / RENEWALS_PER_CALL_MAX);
    expect((await leases.inspect('r999', { signal: new AbortController().signal })).record?.beat).toBe(2000);
    await leases.close();
  });

  test('in a cluster do so where their keys share a tag, and in one write to each node where not', async () => {
    await using cluster = await startCluster(3);
    const url = `redis+cluster://127.0.0.1:${cluster.first.port}`;
    const resetAll = () => Promise.all(cluster.nodes.map((node) => node.cli('config', 'resetstat')));
    const together = await crowd(url, '{crowd}:', 300);
    await together.renewAll(1500);
    await resetAll();
    expect(await together.renewAll(2000)).toBe(300);
    const owner = await cluster.owner('{crowd}:r0');
    const { evalsha = 0, eval: whole = 0 } = await callsOf(owner);
    expect(evalsha + whole).toBeLessThanOrEqual(3);
    await together.leases.close();

    const apart = await crowd(url, 'crowd:', 300);
    await apart.renewAll(1500);
    await resetAll();
    expect(await apart.renewAll(2000)).toBe(300);
    const counts = await Promise.all(cluster.nodes.map(callsOf));
    // A script runs in one slot: here each lease has its own.
    const runs = counts.reduce((sum, each) => sum + (each['evalsha'] ?? 0), 0);
    expect(runs).toBeGreaterThan(300 * 0.9);
    await apart.leases.close();
  });
});

describeRedis('one election', () => {
  test('costs what a renewal costs: its bytes, and none of followers that hear it', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    await using leading = redisLeases(proxy.url, trusting);
    await using following = redisLeases(redis.url, trusting);
    const [leader, follower] = [
      new Candidate('leader', leading, leaseMs),
      new Candidate('f', following, leaseMs),
    ];
    let renewals = 0;
    following.watch('billing').subscribe(({ kind }) => (renewals += Number(kind === 'renewed')));
    leading.watch('billing').subscribe(() => {});
    const token = await leader.win();
    await follower.acquire();
    await until('everything is warm', async () => {
      await leader.renew(token, renewals + 1);
      return renewals > 2;
    });
    await redis.cli('config', 'resetstat');
    const before = { ...proxy.bytes };
    const rounds = 6;
    const heard = renewals;
    for (let beat = 100; beat < 100 + rounds; beat += 1) await leader.renew(token, beat);
    await until('all are heard', () => renewals === heard + rounds);
    const calls = await callsOf(redis);
    const { resetstat: _, ...others } = calls as Record<string, number>;
    // The rest is what the script does: nobody sent anything else.
    const inScript = new Set(['exists', 'hmget', 'get', 'set', 'hset', 'pexpire', 'publish', 'time', 'info']);
    const sent = Object.entries(others).filter(
      ([name]) => !inScript.has(name) && !name.startsWith('config|') && name !== 'client|list',
    );
    expect(Object.fromEntries(sent)).toEqual({ evalsha: rounds });
    // Six renewals are a minute at ten seconds each; less than 10 KB each way.
    expect(proxy.bytes.toServer - before.toServer).toBeLessThan(10_000);
    expect(proxy.bytes.toClient - before.toClient).toBeLessThan(10_000);
  });
});
