/** Elections over leases in Redis: what a member does when somebody meddles with the keys, and when nothing happens. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLeaderElection, type LeaderElection } from '../../src/index.ts';
import { redisLeases } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy } from '../redis/proxy.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';

const timings = { leaseDurationMs: 3000, renewIntervalMs: 500 };

describeRedis('an election over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  /** Joins an election; its store goes with it. */
  async function member(owned: AsyncDisposableStack, candidateId: string, resource: string, url = redis.url) {
    const leases = owned.use(redisLeases(url, { freshStore: 'trust' }));
    const election = owned.use(createLeaderElection({ resource, candidateId, leases, ...timings }));
    await election.start();
    return election;
  }

  const leads = (election: LeaderElection) =>
    until(`${election.candidateId} leads`, () => election.isLeader, { everyMs: 5 });

  test.concurrent('begins a new term, of whoever is first, when its key is deleted by hand', async () => {
    await using owned = new AsyncDisposableStack();
    const a = await member(owned, 'a', 'by-hand');
    await leads(a);
    const b = await member(owned, 'b', 'by-hand');
    await until('b knows the leader', () => b.currentLeader === a.candidateId);
    const lost: { readonly cause: string; readonly token: bigint }[] = [];
    const begun: bigint[] = [];
    a.on('lostLeadership', (event) => lost.push(event));
    for (const each of [a, b]) each.on('becameLeader', ({ token }) => begun.push(token));
    await redis.cli('del', 'conclave:leader:by-hand');
    await until('a new term has begun', () => begun.length > 0);
    expect(lost).toMatchObject([{ cause: 'denied' }]);
    expect(begun[0]).toBeGreaterThan(lost[0]?.token ?? 0n);
    const leader = a.isLeader ? a : b;
    expect(await redis.cli('get', 'conclave:leader:by-hand')).toBe(leader.candidateId);
    expect([a, b].filter(({ isLeader }) => isLeader)).toEqual([leader]);
  });

  test.concurrent('goes to another at once when its leader leaves', async () => {
    await using owned = new AsyncDisposableStack();
    const a = await member(owned, 'a', 'leaving');
    await leads(a);
    const b = await member(owned, 'b', 'leaving');
    await until('b knows the leader', () => b.currentLeader === a.candidateId);
    const left = performance.now();
    await a.stop();
    await leads(b);
    // Told, not waited for.
    expect(performance.now() - left).toBeLessThan(timings.leaseDurationMs / 2);
  });

  test.concurrent(
    'is not held beside a key that is somebody else’s, nor asked for without a pause',
    async () => {
      await using owned = new AsyncDisposableStack();
      const key = 'conclave:leader:foreign';
      await redis.cli('set', key, 'other-program');
      const proxy = owned.use(await startProxy(redis));
      const refusals: string[] = [];
      const leases = owned.use(redisLeases(proxy.url, { freshStore: 'trust' }));
      const a = owned.use(createLeaderElection({ resource: 'foreign', leases, ...timings }));
      a.on('storeUnavailable', ({ error }) => refusals.push(error.code));
      let attempts = 0;
      a.on('electionStarted', () => (attempts += 1));
      await a.start();
      await until('it was tried more than once', () => attempts >= 5);
      const before = { attempts, at: performance.now() };
      await until('it was tried again', () => attempts >= before.attempts + 1);
      expect(refusals).toEqual(['STORE_KEY_FOREIGN']);
      expect(performance.now() - before.at).toBeGreaterThan(100);
      expect(await redis.cli('get', key)).toBe('other-program');
      await redis.cli('del', key);
      await leads(a);
    },
  );

  test.concurrent('costs a follower nothing while its leader renews', async () => {
    await using owned = new AsyncDisposableStack();
    const a = await member(owned, 'a', 'idle');
    await leads(a);
    const proxy = owned.use(await startProxy(redis));
    const b = await member(owned, 'b', 'idle', proxy.url);
    await until('b knows the leader', () => b.currentLeader === a.candidateId);
    let renewals = 0;
    a.on('renewed', () => (renewals += 1));
    await until('it is quiet', () => renewals >= 2);
    const { toServer, toClient } = proxy.bytes;
    await until('longer than the lease has passed', () => renewals >= 9, { withinMs: 60_000 });
    expect(proxy.bytes.toServer - toServer).toBe(0);
    expect(proxy.bytes.toClient - toClient).toBeGreaterThan(0);
    expect(b.currentLeader).toBe(a.candidateId);
  });
});
