/**
 * Failovers: Sentinel and Cluster, planned and not. With `waitReplicas` no two members believe at the same time, also
 * if the failover loses the last writes and if the old primary goes on taking some.
 */
import { expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { startCluster } from '../redis/redis-cluster.ts';
import { startProxy } from '../redis/proxy.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { startSentinel } from '../redis/redis-sentinel.ts';
import { until } from '../redis/until.ts';
import { Members, RECORD, STEADY, tokenOf } from './redis-members.ts';

/** Confirmed by a replica before it counts. */
const safe = { leases: { waitReplicas: 1 } };

describeRedis.concurrent('under Sentinel', () => {
  test('a planned failover keeps the term or ends it, and there is one leader', async () => {
    await using group = await startSentinel({ password: 'data', sentinelPassword: 'watch' });
    await using members = await Members.start({ urls: group.url, ...safe });
    const token = tokenOf(await members.settled());
    await group.failover();
    const leader = await members.leadsSince(performance.now());
    expect(tokenOf(leader)).toBeGreaterThanOrEqual(token);
    const primary = await group.primary();
    expect(await primary.cli('hget', RECORD, 'holder')).toBe(leader.election.candidateId);
    await members.verdict();
  });

  test('a primary that dies leaves its lease to nobody before its time', async () => {
    await using group = await startSentinel();
    await using members = await Members.start({ urls: group.url, ...safe });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const before = await group.primary();
    await before.kill('SIGKILL');
    await group.anotherThan(before);
    expect(tokenOf(await members.leadsSince(performance.now()))).toBeGreaterThanOrEqual(token);
    await members.verdict();
  });

  test('a failover that loses the last writes makes no two leaders', async () => {
    await using group = await startSentinel({ replicas: 1 });
    await using members = await Members.start({ urls: group.url, ...safe });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const before = await group.primary();
    const [replica] = await group.replicas();
    // From here on the primary takes writes that no replica will ever have: a hand-over among them.
    await replica?.freeze();
    await leader.election.resign();
    await before.freeze();
    await replica?.thaw();
    await group.anotherThan(before);
    // The new primary has nobody to confirm anything until the old one has become its replica.
    expect(members.leader).toBeNull();
    await before.thaw();
    await members.successorOf(token);
    await members.verdict();
  });
});

/**
 * A primary with two replicas is cut off from all but the leader: the others are led to the replica that was promoted,
 * while the leader goes on renewing at the old place, which goes on taking writes.
 */
async function overlapsAfterSplit(options: { args?: readonly string[]; waitReplicas?: number }) {
  const { args = [], waitReplicas = 0 } = options;
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(await startRedis({ args }));
  const promoted = stack.use(await startRedis({ args, replicaOf: primary }));
  const replica = stack.use(await startRedis({ args, replicaOf: primary }));
  const followed = (server: RedisServer, count: number) =>
    until('replicas follow', async () => {
      const lines = (await server.cli('info', 'replication')).split(/\r?\n/);
      return lines.filter((line) => /^slave\d+:.*state=online/.test(line)).length === count;
    });
  await followed(primary, 2);
  const proxies = [await startProxy(primary), await startProxy(primary), await startProxy(primary)];
  for (const proxy of proxies) stack.use(proxy);
  const urls = proxies.map(({ url }) => url);
  const members = stack.use(await Members.start({ urls, leases: { waitReplicas } }));
  const leader = await members.settled();
  const token = tokenOf(leader);
  await promoted.cli('replicaof', 'no', 'one');
  await replica.cli('replicaof', promoted.host, String(promoted.port));
  for (const [index, proxy] of proxies.entries()) if (members.all[index] !== leader) proxy.leadTo(promoted);
  await followed(promoted, 1);
  await members.until('another leads at the new place', () =>
    members.all.find(({ election }) => (election.term?.token ?? 0n) > token),
  );
  return await members.overlaps();
}

describeRedis.concurrent('an old primary that goes on taking writes', () => {
  test('makes no second leader where grants and renewals wait for a replica', async () => {
    expect(await overlapsAfterSplit({ waitReplicas: 1 })).toEqual([]);
  });

  test('makes no second leader where servers without replicas take no writes', async () => {
    const args = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '1'];
    expect(await overlapsAfterSplit({ args })).toEqual([]);
  });

  test('makes a second leader where there is neither, as the documentation says', async () => {
    expect(await overlapsAfterSplit({})).toHaveLength(1);
  });
});

describeRedis.concurrent('in a cluster', () => {
  test('moving the slot of the lease to another node does not end the term', async () => {
    await using cluster = await startCluster(3);
    await using members = await Members.start({ urls: cluster.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    const to = await cluster.moveSlot(RECORD);
    const since = performance.now();
    await members.told(leader, 'renewed', { since });
    expect(tokenOf(leader)).toBe(token);
    expect(await to.cli('hget', RECORD, 'holder')).toBe(leader.election.candidateId);
    // The others have learnt where to ask: when the leader goes, one of them leads at the new place.
    await leader.election.resign();
    await members.successorOf(token);
    await members.verdict();
  });

  test('a planned failover of the node that has the lease makes no two leaders', async () => {
    await using cluster = await startCluster(6);
    await using members = await Members.start({ urls: cluster.url, ...safe });
    const token = tokenOf(await members.settled());
    const to = await cluster.failover(RECORD);
    const leader = await members.leadsSince(performance.now());
    expect(tokenOf(leader)).toBeGreaterThanOrEqual(token);
    expect(await to.cli('hget', RECORD, 'holder')).toBe(leader.election.candidateId);
    await members.verdict();
  });

  test('a node that dies with the lease makes no two leaders', async () => {
    await using cluster = await startCluster(6, { nodeTimeoutMs: 1000 });
    await using members = await Members.start({ urls: cluster.url, ...safe });
    const token = tokenOf(await members.settled());
    const owner = await cluster.owner(RECORD);
    await owner.kill('SIGKILL');
    await until('its replica has taken over', async () => (await cluster.owner(RECORD)) !== owner);
    // Confirms what the new owner writes: with `waitReplicas: 1` and one replica, nobody leads while it is away.
    await owner.restart();
    expect(tokenOf(await members.leadsSince(performance.now()))).toBeGreaterThanOrEqual(token);
    await members.verdict();
  });
});
