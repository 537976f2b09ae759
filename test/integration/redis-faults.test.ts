/**
 * Real faults of a real Redis and of the links to it, over the handle as it is shipped. Whatever is done: no two
 * members believe at the same time, tokens grow, and somebody leads again once it is possible.
 */
import { expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import {
  LEASE_MS,
  type Member,
  Members,
  MIRROR,
  RECORD,
  startApart,
  STEADY,
  tokenOf,
} from './redis-members.ts';

describeRedis.concurrent("the leader's link", () => {
  test('that loses everything without a word ends its term in time, and another leads', async () => {
    await using redis = await startRedis();
    await using apart = await startApart(redis);
    const { members } = apart;
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    apart.linkOf(leader).drop();
    const dropped = performance.now();
    const { event } = await members.told(leader, 'lostLeadership', { since });
    expect(event).toMatchObject({ cause: 'expired', token });
    expect(members.lastLed(leader) - dropped).toBeLessThan(LEASE_MS);
    const next = await members.successorOf(token);
    expect(next).not.toBe(leader);
    apart.linkOf(leader).heal();
    await members.settled();
    expect((await members.verdict()).map(({ before }) => before.token)).toContain(String(token));
  });

  test('that loses replies only ends its term too, however often the store is renewed', async () => {
    await using redis = await startRedis();
    await using apart = await startApart(redis);
    const { members } = apart;
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    apart.linkOf(leader).drop('toClient');
    const { event } = await members.told(leader, 'lostLeadership', { since });
    expect(event).toMatchObject({ cause: 'expired', token });
    expect(await members.successorOf(token)).not.toBe(leader);
    await members.verdict();
  });

  test('that is cut after a renewal was executed costs nothing', async () => {
    await using redis = await startRedis();
    await using apart = await startApart(redis, STEADY);
    const { members } = apart;
    const leader = await members.settled();
    const token = tokenOf(leader);
    await apart.linkOf(leader).cutAfter(/evalsha/i);
    const since = performance.now();
    await members.told(leader, 'renewed', { since });
    expect(tokenOf(leader)).toBe(token);
    expect(await members.verdict()).toEqual([]);
  });
});

describeRedis.concurrent('Redis', () => {
  test('that is killed ends the term in time, and somebody leads once it is back', async () => {
    await using redis = await startRedis({ durable: true });
    await using members = await Members.start({ urls: redis.url });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    await redis.kill('SIGKILL');
    const killed = performance.now();
    const { event } = await members.told(leader, 'lostLeadership', { since });
    expect(event).toMatchObject({ cause: 'expired' });
    expect(members.lastLed(leader) - killed).toBeLessThan(LEASE_MS);
    expect(members.leader).toBeNull();
    await redis.restart();
    await members.successorOf(token);
    await members.verdict();
  });

  test('that comes back empty is given the term again by its leader', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    await redis.restart({ empty: true });
    await members.renewed(leader);
    expect(await redis.cli('hget', RECORD, 'token')).toBe(String(token));
    expect(tokenOf(leader)).toBe(token);
    expect(await members.verdict()).toEqual([]);
  });

  test('that comes back empty after its leader has died grants nothing for a lease', async () => {
    await using redis = await startRedis();
    await using apart = await startApart(redis);
    const { members } = apart;
    const leader = await members.settled();
    const token = tokenOf(leader);
    apart.linkOf(leader).refuse();
    await redis.kill('SIGKILL');
    const emptied = performance.now();
    await redis.restart({ empty: true });
    const next = await members.successorOf(token);
    expect(performance.now() - emptied).toBeGreaterThan(LEASE_MS);
    expect(next).not.toBe(leader);
    await members.verdict();
  });

  test.each([
    ['all its data', ['flushall']],
    ['the record', ['del', RECORD]],
    ['record and mirror', ['del', RECORD, MIRROR]],
  ])('that loses %s while a leader lives has the same term again', async (_what, command) => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    await redis.cli(...command);
    await members.renewed(leader);
    expect(await redis.cli('hget', RECORD, 'token')).toBe(String(token));
    expect(await redis.cli('get', MIRROR)).toBe(leader.election.candidateId);
    expect(await members.verdict()).toEqual([]);
  });

  test('whose mirror key is deleted by hand gets another leader before the lease has ended', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    await redis.cli('del', MIRROR);
    await members.told(leader, 'lostLeadership', { since });
    await members.successorOf(token);
    expect(performance.now() - since).toBeLessThan(10_000);
    await members.verdict();
  });

  test('that drops its subscribers makes nobody miss a hand-over', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, leaseMs: 60_000 });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    // Nobody has subscribed again when the release is announced: only reading can make up for that.
    expect(Number(await redis.cli('client', 'kill', 'type', 'pubsub'))).toBeGreaterThanOrEqual(3);
    await leader.election.resign();
    await members.successorOf(token);
    // The next renewal, or the end of the lease, would tell them much later.
    expect(performance.now() - since).toBeLessThan(8000);
    await members.verdict();
  });

  test('that forgets its scripts is taught them again', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    await redis.cli('script', 'flush');
    const since = performance.now();
    await members.told(leader, 'renewed', { since });
    await redis.cli('script', 'flush');
    await leader.election.resign();
    await members.successorOf(token);
    await members.verdict();
  });

  test('that is busy with a script for longer than a lease has no leader meanwhile, and one afterwards', async () => {
    await using redis = await startRedis({ args: ['--busy-reply-threshold', '100'] });
    await using members = await Members.start({ urls: redis.url });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    const busy = redis.cli('eval', 'while true do end', '0').catch(() => {});
    await members.told(leader, 'lostLeadership', { since });
    await until('the script is killed', () => redis.cli('script', 'kill'));
    await busy;
    await members.successorOf(token);
    await members.verdict();
  });

  test('whose memory is full keeps its leader, lets it hand over, and grants again when there is room', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    // Told once, by whoever asks first from here on: that may be while the command still returns.
    const since = performance.now();
    await redis.cli('config', 'set', 'maxmemory', '1');
    await members.renewed(leader);
    expect(tokenOf(leader)).toBe(token);
    await leader.election.resign();
    const other = members.all.find((member) => member !== leader) as Member;
    const { event } = await members.told(other, 'storeUnavailable', { since });
    expect(JSON.stringify(event)).toMatch(/memory/i);
    expect(members.leader).toBeNull();
    await redis.cli('config', 'set', 'maxmemory', '0');
    await members.successorOf(token);
    await members.verdict();
  });

  test('that stands still for longer than a lease has no leader when it goes on, and one soon after', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    await redis.freeze();
    await members.told(leader, 'lostLeadership', { since });
    expect(members.leader).toBeNull();
    await redis.thaw();
    await members.successorOf(token);
    await members.verdict();
  });

  test('that becomes read-only ends the term, and has a leader when it takes writes again', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const since = performance.now();
    await redis.cli('replicaof', '127.0.0.1', '1');
    await members.told(leader, 'lostLeadership', { since });
    await redis.cli('replicaof', 'no', 'one');
    await members.successorOf(token);
    await members.verdict();
  });
});

describeRedis.concurrent('what an earlier leader still has on its way', () => {
  test('changes nothing when it arrives: its renewal is denied, its release releases nothing', async () => {
    await using redis = await startRedis();
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const { signal } = new AbortController();
    const leader = await members.settled();
    const token = tokenOf(leader);
    const id = leader.election.candidateId;
    const common = { resource: 'faults', id, token };
    await leader.election.resign();
    const next = await members.successorOf(token);
    const renewal = { ...common, leaseMs: LEASE_MS, graceMs: 0, beat: 1_000_000, term: 1 };
    expect(await leader.leases.renew(renewal, { signal })).toMatchObject({
      kind: 'denied',
      holder: next.election.candidateId,
    });
    expect(await leader.leases.release(common, { signal })).toEqual({ released: false });
    expect(await redis.cli('hget', RECORD, 'holder')).toBe(next.election.candidateId);
    expect(await redis.cli('get', MIRROR)).toBe(next.election.candidateId);
    await members.verdict();
  });
});
