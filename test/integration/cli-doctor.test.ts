/** `conclave doctor` and `conclave release` as a user runs them, and `checkRedis` on real servers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLeaderElection } from '../../src/index.ts';
import { checkRedis, redisLeases, type CheckRedisOptions, type RedisFinding } from '../../src/redis.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startCluster } from '../redis/redis-cluster.ts';
import { startSentinel } from '../redis/redis-sentinel.ts';
import { startRedis } from '../redis/redis-server.ts';
import { freePort } from '../redis/ports.ts';
import { until } from '../redis/until.ts';
import { conclave, Running } from './conclave-program.ts';

const says = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** The findings by the name of their check. */
async function checked(url: string, options: CheckRedisOptions = {}) {
  const { findings, location } = await checkRedis(url, { resource: 'billing', ...options });
  expect(location).not.toContain('secret');
  const byName: Record<string, RedisFinding> = {};
  for (const finding of findings) byName[finding.check] = finding;
  return { findings, byName };
}

/** The rights that the documentation says are enough. */
function documentedRights(password: string): string[] {
  const page = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const line = /^ACL SETUSER conclave (.*)$/m.exec(page)?.[1] ?? '';
  return line.replace('>PASSWORD', `>${password}`).split(' ');
}

describeRedis.concurrent('the doctor', () => {
  test('finds nothing worse than notes on a server of its own, and changes nothing there', async () => {
    await using redis = await startRedis({ password: 'secret' });
    const { findings } = await checked(redis.url, { leaseDurationMs: 60_000 });
    const severities = new Set(findings.map(({ severity }) => severity));
    expect([...severities].toSorted()).toEqual(['note', 'ok']);
    expect(await redis.cli('dbsize')).toBe('0');
    await until('it has left', async () => (await redis.info('connected_clients')) === '1');
  });

  test('sees eviction, idle time-outs and stalls as the server has them', async () => {
    const eviction = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'];
    await using redis = await startRedis({
      args: [
        ...eviction,
        '--timeout',
        '2',
        '--latency-monitor-threshold',
        '10',
        '--enable-debug-command',
        'yes',
      ],
    });
    await redis.cli('debug', 'sleep', '0.2');
    const { byName } = await checked(redis.url, { leaseDurationMs: 1000 });
    expect(byName['eviction']).toMatchObject({
      severity: 'danger',
      seen: says(/allkeys-lru.*50 MB/),
    });
    expect(byName['idle']).toMatchObject({ severity: 'note', seen: says(/after 2 s/) });
    expect(byName['stalls']).toMatchObject({
      severity: 'warning',
      seen: says(/command \d{3,} ms/),
    });
  });

  test('names the missing rights, and what it could not ask', async () => {
    await using redis = await startRedis({
      acl: ['user app on >secret ~* &* +@all -publish -subscribe -config'],
    });
    const { byName } = await checked(`redis://app:secret@127.0.0.1:${redis.port}`);
    expect(byName['rights']).toMatchObject({
      severity: 'danger',
      seen: says(/may not: publish, subscribe$/),
    });
    expect(byName['idle']).toMatchObject({ severity: 'unknown', seen: says(/NOPERM/) });
  });

  test('takes the documented rights for enough, and so does a leader', async () => {
    await using redis = await startRedis();
    await redis.cli('acl', 'setuser', 'conclave', ...documentedRights('secret'));
    const url = `redis://conclave:secret@127.0.0.1:${redis.port}`;
    const { byName } = await checked(url);
    expect(byName['rights']).toMatchObject({ severity: 'ok' });
    await using leases = redisLeases(url, { freshStore: 'trust' });
    await using election = createLeaderElection({ resource: 'billing', leases });
    await election.start();
    await election.whenLeader();
    const held = await checked(url);
    expect(held.byName['lease']?.seen).toMatch(new RegExp(`held by ${election.candidateId}, term 1`));
    const right = documentedRights('secret').find((each) => each === '+hset') ?? '';
    await redis.cli('acl', 'setuser', 'conclave', right.replace('+', '-'));
    expect((await checked(url)).byName['rights']?.seen).toMatch(/may not: hset$/);
  });

  test('tells a key that is of somebody else', async () => {
    await using redis = await startRedis();
    await redis.cli('set', 'conclave:leader:billing', 'a lock of another library');
    await redis.cli('lpush', '{conclave:leader:other}:lease', 'x');
    const { byName } = await checked(redis.url);
    expect(byName['lease']).toMatchObject({
      severity: 'danger',
      seen: says(/a lock of another library/),
    });
    const other = await checked(redis.url, { resource: 'other' });
    expect(other.byName['lease']).toMatchObject({ severity: 'danger' });
  });

  test('knows a replica from its primary, and what a failover would do', async () => {
    await using primary = await startRedis();
    await using replica = await startRedis({ replicaOf: primary });
    await until('the replica is in step', async () => (await replica.info('master_link_status')) === 'up');
    expect((await checked(replica.url)).byName['role']).toMatchObject({ severity: 'danger' });
    const { byName } = await checked(primary.url);
    expect(byName['failover']).toMatchObject({
      severity: 'danger',
      seen: says(/^1 of 1 replicas in step/),
    });
    const waiting = await checked(primary.url, { waitReplicas: 1 });
    expect(waiting.byName['failover']).toMatchObject({ severity: 'ok' });
    const tooMany = await checked(primary.url, { waitReplicas: 2 });
    expect(tooMany.byName['failover']).toMatchObject({ severity: 'danger' });
  });

  test('asks the Sentinels how soon they promote another', async () => {
    await using group = await startSentinel({
      sentinelPassword: 'of-sentinels',
      replicas: 1,
      downAfterMs: 5000,
    });
    const hosts = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const url = `redis+sentinel://${hosts}/${group.name}?sentinel_password=of-sentinels`;
    const before = await checked(url);
    expect(before.byName['sentinels']).toMatchObject({
      severity: 'ok',
      seen: '3 Sentinels, quorum 2, down-after-milliseconds 5000',
    });
    expect(before.byName['failover']).toMatchObject({ severity: 'danger' });
    const primary = await group.primary();
    await primary.cli('config', 'set', 'min-replicas-to-write', '1');
    await primary.cli('config', 'set', 'min-replicas-max-lag', '2');
    expect((await checked(url)).byName['failover']).toMatchObject({ severity: 'ok' });
  });

  test('finds the slot and its owner in a cluster', async () => {
    await using cluster = await startCluster(3);
    const { byName } = await checked(`redis+cluster://127.0.0.1:${cluster.first.port}`);
    const slot = await cluster.first.cli('cluster', 'keyslot', '{conclave:leader:billing}:lease');
    const owner = await cluster.owner('{conclave:leader:billing}:lease');
    expect(byName['cluster']).toMatchObject({
      severity: 'warning',
      seen: says(new RegExp(`state ok, slot ${slot} at 127.0.0.1:${owner.port}, 0 replicas`)),
    });
  });

  test('says why there is no connection, and nothing else', async () => {
    const port = await freePort();
    const { findings } = await checked(`redis://:secret@127.0.0.1:${port}`, { patienceMs: 300 });
    expect(findings).toMatchObject([{ check: 'connection', severity: 'danger' }]);
    expect(findings[0]?.seen).toMatch(/nothing listens there/);
  });
});

describeRedis.concurrent('conclave doctor', () => {
  test('tells by its exit code whether all is well, doubtful or dangerous', async () => {
    await using redis = await startRedis({ password: 'secret' });
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const doctor = ['doctor', '--store', redis.url, '--resource', 'billing', '--lease', '60s'];
    const well = await conclave([...doctor, '--json'], { cwd });
    expect(well).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(well.stdout)).toMatchObject({ resource: 'billing', verdict: 'well' });
    await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    const doubts = await conclave(doctor, { cwd });
    expect(doubts).toMatchObject({ code: 3 });
    expect(doubts.stdout).toMatch(/^warning +eviction .*\n.*\n +→ CONFIG SET maxmemory-policy noeviction/m);
    await redis.cli('config', 'set', 'maxmemory', '100mb');
    const danger = await conclave(doctor, { cwd });
    expect(danger).toMatchObject({ code: 1 });
    expect(danger.stdout).toMatch(/^1 danger, /m);
    for (const { stdout } of [well, doubts, danger]) expect(stdout).not.toContain('secret');
  });

  test('refuses what is no Redis, without a word of what may be a password', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const embedded = await conclave(['doctor', '--store', 'sqlite:leases.db'], { cwd });
    expect(embedded).toMatchObject({ code: 2, stderr: says(/only a Redis can be asked/) });
    const wrong = await conclave(['doctor', '--store', 'redis://:hunter2@host:hunter3'], { cwd });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: says(/--store: Redis connection string, column 23/),
    });
    expect(wrong.stderr).not.toMatch(/hunter/);
  });
});

describe('conclave release', () => {
  test('refuses without --force, and where nobody confirms', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    await using member = new Running(['up', '--resource', 'billing', '--id', 'web-1'], { cwd });
    await member.says(/Leadership acquired/);
    const store = `sqlite:${join('.conclave', 'leases.db')}`;
    const without = await conclave(['release', '--resource', 'billing', '--store', store], { cwd });
    expect(without).toMatchObject({
      code: 2,
      stderr: says(/conclave resign --resource billing.*--force/),
    });
    const unconfirmed = await conclave(['release', '--force', '--resource', 'billing', '--store', store], {
      cwd,
    });
    expect(unconfirmed.code).toBe(2);
    expect(unconfirmed.stderr).toMatch(
      /held by web-1-\w+ \(term 1.*leads for up to 15s beside the next one.*--yes/,
    );
    expect((await conclave(['status', '--json'], { cwd })).code).toBe(0);
  });

  test('takes the lease of a leader that was killed, so that the next leads at once', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const up = ['up', '--resource', 'billing', '--lease', '60s'];
    await using dead = new Running([...up, '--id', 'web-1'], { cwd });
    await dead.says(/Leadership acquired/);
    await using next = new Running([...up, '--id', 'web-2'], { cwd });
    await next.says(/New leader observed: web-1/);
    dead.kill('SIGKILL');
    await dead.ended;
    const store = `sqlite:${join('.conclave', 'leases.db')}`;
    const released = await conclave(
      ['release', '--force', '--yes', '--resource', 'billing', '--store', store, '--json'],
      { cwd },
    );
    expect(released).toMatchObject({ code: 0 });
    expect(JSON.parse(released.stdout)).toMatchObject({ released: true, term: 1 });
    await next.says(/Leadership acquired \(term 2/, 20_000);
  });

  test('makes no store, and finds nothing to release where nobody leads', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const missing = await conclave(
      ['release', '--force', '--yes', '--resource', 'billing', '--store', 'sqlite:none.db'],
      { cwd },
    );
    expect(missing).toMatchObject({ code: 2, stderr: says(/There is no store .*none\.db/) });
    expect(existsSync(join(cwd, 'none.db'))).toBe(false);
  });
});

describeRedis('conclave release on a Redis', () => {
  test('leaves a released record, tells the others, and the living leader steps down', async () => {
    await using redis = await startRedis();
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const release = ['release', '--force', '--yes', '--resource', 'billing', '--store', redis.url];
    const nobody = await conclave(release, { cwd });
    expect(nobody).toMatchObject({ code: 0, stdout: says(/nothing to release/) });
    await using leases = redisLeases(redis.url, { freshStore: 'trust' });
    await using other = redisLeases(redis.url);
    const timings = { resource: 'billing', leaseDurationMs: 60_000, renewIntervalMs: 1000 };
    await using leader = createLeaderElection({ ...timings, leases });
    await leader.start();
    const token = (await leader.whenLeader())?.token ?? 0n;
    await using follower = createLeaderElection({ ...timings, leases: other });
    await follower.start();
    await until('the follower follows', () => follower.currentLeader === leader.candidateId);
    expect(await conclave(release, { cwd })).toMatchObject({
      code: 0,
      stdout: says(new RegExp(`for ${leader.candidateId} \\(term 1, token ${token}\\)`)),
    });
    expect((await follower.whenLeader())?.token).toBeGreaterThan(token);
    await until('the former leader has stepped down', () => !leader.isLeader);
  });
});
