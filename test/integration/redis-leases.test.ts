/** Elections over leases in Redis: what a member does when somebody meddles with the keys, and when nothing happens. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLeaderElection, type LeaderElection } from '../../src/index.ts';
import { redisLeases } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy } from '../redis/proxy.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';

/** Renewed often, and long enough for a machine that stands still meanwhile. */
const timings = { leaseDurationMs: 60_000, renewIntervalMs: 500, retryIntervalMs: 60 };

describeRedis('an election over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  /** Joins an election; its store goes with it. */
  async function member(
    owned: AsyncDisposableStack,
    candidateId: string,
    resource: string,
    { url = redis.url, leaseDurationMs = timings.leaseDurationMs } = {},
  ) {
    const leases = owned.use(redisLeases(url, { freshStore: 'trust' }));
    const own = { resource, candidateId, leases, ...timings, leaseDurationMs };
    const election = owned.use(createLeaderElection(own));
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
    await a.stop();
    // Told, not waited for: the lease would last for longer than this waits.
    await leads(b);
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
      const waits: string[] = [];
      a.on('waiting', ({ reason }) => waits.push(reason));
      const attempts: number[] = [];
      a.on('electionStarted', () => attempts.push(performance.now()));
      await a.start();
      await until('it was tried again and again', () => attempts.length >= 6);
      // A refusal is an answer: nobody leaves the field for a lease as if there were none.
      expect(waits).toEqual([]);
      expect(refusals).toEqual(['STORE_KEY_FOREIGN']);
      const [fifth = 0, sixth = 0] = attempts.slice(4);
      expect(sixth - fifth).toBeGreaterThan(100);
      expect(await redis.cli('get', key)).toBe('other-program');
      await redis.cli('del', key);
      await leads(a);
    },
  );

  test.concurrent('costs a follower nothing while its leader renews', async () => {
    await using owned = new AsyncDisposableStack();
    // As short as can be waited for; renewals that are held up for some seconds do not let it run out.
    const leaseDurationMs = 5000;
    const a = await member(owned, 'a', 'idle', { leaseDurationMs });
    await leads(a);
    const proxy = owned.use(await startProxy(redis));
    const b = await member(owned, 'b', 'idle', { url: proxy.url, leaseDurationMs });
    await until('b knows the leader', () => b.currentLeader === a.candidateId);
    let renewals = 0;
    a.on('renewed', () => (renewals += 1));
    await until('it is quiet', () => renewals >= 2);
    const { toServer, toClient } = proxy.bytes;
    const since = performance.now();
    const isOver = () => renewals > 2 && performance.now() - since > leaseDurationMs;
    await until('longer than the lease has passed', isOver, { withinMs: 60_000 });
    expect(proxy.bytes.toServer - toServer).toBe(0);
    expect(proxy.bytes.toClient - toClient).toBeGreaterThan(0);
    expect(b.currentLeader).toBe(a.candidateId);
  });
});
