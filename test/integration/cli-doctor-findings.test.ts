import { describe, expect, test } from 'vitest';
import { judge } from '../../src/redis/doctor.ts';
import type { RedisFacts } from '../../src/redis/doctor-facts.ts';
import { percentile, safeLeaseMs } from '../../src/redis/doctor-time.ts';
import { parseRedis } from '../../src/redis/settings.ts';

/** A server on which nothing is wrong, as it tells about itself. */
const INFO = [
  'redis_version:7.2.4',
  'run_id:aa',
  'master_replid:bb',
  'role:master',
  'maxmemory:0',
  'maxmemory_policy:noeviction',
  'used_memory:1000000',
  'aof_enabled:1',
  'connected_clients:3',
  'maxclients:10000',
];
const CONFIG = { save: '', appendfsync: 'everysec', timeout: '0', 'min-replicas-to-write': '0' };

const SECOND = 1000;
/** What leaves something to do. */
const CURABLE: ReadonlySet<string> = new Set(['danger', 'warning', 'unknown']);
const samples = (gain = 0, jumpAt = -1, jumpMs = 0) => ({
  rttMs: Array.from({ length: 100 }, (_, n) => 0.2 + n / 1000),
  clock: Array.from({ length: 6 }, (_, n) => ({
    serverMs: 1_000_000 + n * 200 * (1 + gain) + (n >= jumpAt && jumpAt >= 0 ? jumpMs : 0),
    wallMs: 1_000_000 + n * 200,
    monotonicMs: n * 200,
    uncertainMs: 0.1,
  })),
});

const WELL: RedisFacts = {
  settings: parseRedis('redis://127.0.0.1'),
  plan: { resource: 'billing', leaseMs: 15 * SECOND, renewMs: 5 * SECOND, waitReplicas: 0 },
  info: { answer: INFO.join('\r\n') },
  config: { answer: CONFIG },
  sentinel: null,
  cluster: null,
  lease: {
    answer: {
      keys: { mirror: 'm', record: '{m}:lease' },
      now: 0,
      incarnation: 'aa:bb',
      mirror: null,
      record: null,
      trouble: null,
    },
  },
  denied: { answer: [] },
  modules: { answer: [] },
  stalls: { answer: {} },
  slowestMs: { answer: 0 },
  samples: samples(),
};

const info = (...lines: readonly string[]): Pick<RedisFacts, 'info'> => {
  const names = new Set(lines.map((line) => line.split(':')[0]));
  const kept = INFO.filter((line) => !names.has(line.split(':')[0]));
  return { info: { answer: [...kept, ...lines].join('\r\n') } };
};
const config = (values: Readonly<Record<string, string>>) => ({
  config: { answer: { ...CONFIG, ...values } },
});
const plan = (more: Partial<RedisFacts['plan']>) => ({ plan: { ...WELL.plan, ...more } });
const REPLICA = 'slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0';
const refused = { refused: 'NOPERM this user has no permissions' };
const sentinel = (more: Readonly<Record<string, string>> = {}) => ({
  settings: parseRedis('redis+sentinel://127.0.0.1/main'),
  sentinel: {
    answer: { 'num-other-sentinels': '2', quorum: '2', 'down-after-milliseconds': '5000', ...more },
  },
});
const cluster = (more: Partial<NonNullable<RedisFacts['cluster']>> = {}) => ({
  settings: parseRedis('redis+cluster://127.0.0.1'),
  cluster: { state: 'ok', slot: 7, owner: 'a:1', replicas: ['b:1'], ...more },
});
const lease = (more: object) => ({
  lease: { answer: { ...(WELL.lease as { answer: object }).answer, ...more } } as RedisFacts['lease'],
});
const record = { holder: 'web-1', term: 3, token: 7n, namesake: null };
const minimum = { 'min-replicas-to-write': '1', 'min-replicas-max-lag': '2' };

/** What the doctor must say of which facts; the cure is part of it wherever something is wrong. */
const CASES: readonly (readonly [
  what: string,
  facts: Partial<RedisFacts>,
  check: string,
  severity: string,
  says: RegExp,
])[] = [
  ['Redis 6.0', info('redis_version:6.0.16'), 'version', 'danger', /6\.0\.16.*6\.2 or later/],
  ['Redis 6.2', info('redis_version:6.2.14'), 'version', 'warning', /before version 7/i],
  ['Valkey', info('redis_version:7.2.4', 'valkey_version:8.0.1'), 'version', 'ok', /Valkey 8\.0\.1/],
  ['no INFO', { info: refused }, 'info', 'danger', /NOPERM.*\+info/],
  ['merging primaries', { modules: { answer: ['crdt'] } }, 'product', 'danger', /active-active/],
  ['active replicas', info('role:active-replica'), 'product', 'danger', /active-active/],
  ['a compatible server', info('dragonfly_version:1.0'), 'product', 'warning', /never tried/],
  ['an untold incarnation', info('run_id'), 'data-loss', 'warning', /each new connection/],
  [
    'eviction with a limit',
    info('maxmemory:100000000', 'maxmemory_policy:allkeys-lru'),
    'eviction',
    'danger',
    /allkeys-lru.*95\.4 MB.*noeviction/,
  ],
  ['eviction without a limit', info('maxmemory_policy:volatile-ttl'), 'eviction', 'warning', /volatile-ttl/],
  ['full memory', info('maxmemory:1050000'), 'memory', 'warning', /95 %.*Raise maxmemory/],
  ['no persistence', info('aof_enabled:0'), 'persistence', 'note', /neither.*appendonly yes/],
  [
    'snapshots',
    { ...info('aof_enabled:0'), ...config({ save: '3600 1' }) },
    'persistence',
    'note',
    /save 3600 1/,
  ],
  [
    'no CONFIG',
    { config: refused, ...info('aof_enabled:0') },
    'persistence',
    'note',
    /could not be asked for/,
  ],
  ['no CONFIG', { config: refused }, 'idle', 'unknown', /could not be asked: NOPERM/],
  [
    'no CONFIG, but replicas',
    { config: refused, ...info(REPLICA) },
    'failover',
    'unknown',
    /min-replicas-to-write could not be asked/,
  ],
  [
    'a replica',
    info('role:slave', 'master_host:10.0.0.1', 'master_port:6379'),
    'role',
    'danger',
    /replica of 10\.0\.0\.1:6379/,
  ],
  ['one server alone', {}, 'failover', 'note', /nothing to fail over to/],
  [
    'replicas without limits',
    info(REPLICA),
    'failover',
    'danger',
    /min-replicas-to-write 0.*two members may lead.*waitReplicas: 1/,
  ],
  [
    'replicas to wait for',
    { ...info(REPLICA), ...plan({ waitReplicas: 1 }) },
    'failover',
    'ok',
    /waits for 1/,
  ],
  [
    'fewer replicas to wait for than there are',
    { ...info(REPLICA, REPLICA.replace('slave0', 'slave1')), ...plan({ waitReplicas: 1 }) },
    'failover',
    'danger',
    /1 of 2 replicas.*another may be promoted.*waitReplicas: 2/,
  ],
  [
    'a replica that is away, but known to the Sentinels',
    { ...sentinel({ 'num-slaves': '2' }), ...info(REPLICA), ...plan({ waitReplicas: 1 }) },
    'failover',
    'danger',
    /1 of 2 replicas.*waitReplicas: 2/,
  ],
  [
    'a limit below the number of replicas',
    { ...sentinel(), ...info(REPLICA, REPLICA.replace('slave0', 'slave1')), ...config(minimum) },
    'failover',
    'danger',
    /1 of 2 replicas.*min-replicas-to-write 2/,
  ],
  [
    'too few replicas to wait for',
    { ...info(REPLICA), ...plan({ waitReplicas: 2 }) },
    'failover',
    'danger',
    /nobody will lead/,
  ],
  [
    'Sentinels without limits',
    { ...sentinel(), ...info(REPLICA) },
    'failover',
    'danger',
    /two members may lead/,
  ],
  [
    'Sentinels slower than the limit',
    { ...sentinel(), ...info(REPLICA), ...config(minimum) },
    'failover',
    'ok',
    /stops taking writes before/,
  ],
  [
    'Sentinels faster than the limit',
    { ...sentinel({ 'down-after-milliseconds': '1000' }), ...info(REPLICA), ...config(minimum) },
    'failover',
    'danger',
    /for up to 3000 ms.*min-replicas-max-lag 1/,
  ],
  [
    'replicas with a limit, promoted by whom knows',
    { ...info(REPLICA), ...config(minimum) },
    'failover',
    'unknown',
    /was not told/,
  ],
  ['two Sentinels', sentinel({ 'num-other-sentinels': '1' }), 'sentinels', 'warning', /2 Sentinels/],
  ['a quorum that is no majority', sentinel({ quorum: '1' }), 'sentinels', 'warning', /quorum 1/],
  [
    'Sentinels slower than the lease',
    sentinel({ 'down-after-milliseconds': '30000' }),
    'sentinels',
    'note',
    /longer than a lease of 15000 ms/,
  ],
  ['Sentinels that do not tell', { ...sentinel(), sentinel: refused }, 'sentinels', 'unknown', /NOPERM/],
  ['a cluster that is down', cluster({ state: 'fail' }), 'cluster', 'danger', /takes no writes/],
  ['a slot without an owner', cluster({ owner: '' }), 'cluster', 'danger', /at nobody/],
  ['an owner without a replica', cluster({ replicas: [] }), 'cluster', 'warning', /no replica/],
  [
    'a slow cluster',
    { ...cluster(), ...config({ 'cluster-node-timeout': '20000' }) },
    'cluster',
    'note',
    /20000 ms/,
  ],
  [
    'a fast cluster with a limit',
    { ...cluster(), ...info(REPLICA), ...config({ ...minimum, 'cluster-node-timeout': '2000' }) },
    'failover',
    'danger',
    /after 2000 ms/,
  ],
  [
    'missing rights',
    { denied: { answer: ['publish', 'wait'] } },
    'rights',
    'danger',
    /publish, wait.*ACL SETUSER/,
  ],
  ['no EVAL', { denied: refused }, 'rights', 'danger', /NOPERM/],
  [
    'rights on Redis 6',
    { denied: refused, ...info('redis_version:6.2.14') },
    'rights',
    'unknown',
    /before version 7/,
  ],
  [
    'a foreign key',
    lease({ trouble: new Error('The key holds a list.') }),
    'lease',
    'danger',
    /holds a list/,
  ],
  [
    'a mirror of somebody else',
    lease({ mirror: { value: 'redlock', remainingMs: 5 } }),
    'lease',
    'danger',
    /redlock.*nobody holds/,
  ],
  [
    'a mirror that contradicts',
    lease({ record, mirror: { value: 'web-2', remainingMs: 5 } }),
    'lease',
    'danger',
    /web-2.*web-1 holds/,
  ],
  [
    'a lease that is held',
    lease({ record, mirror: { value: 'web-1', remainingMs: 5 } }),
    'lease',
    'ok',
    /held by web-1, term 3/,
  ],
  [
    'two of one name',
    lease({ record: { ...record, namesake: 'web-1b' }, mirror: { value: 'web-1', remainingMs: 5 } }),
    'names',
    'warning',
    /web-1b.*same given id/,
  ],
  ['few connections left', info('connected_clients:9500'), 'connections', 'warning', /9500 of 10000/],
  [
    'connections closed between renewals',
    config({ timeout: '3' }),
    'idle',
    'warning',
    /after 3 s.*each time/,
  ],
  ['connections closed at times', config({ timeout: '300' }), 'idle', 'note', /after 300 s/],
  [
    'plain text over a network',
    { settings: parseRedis('redis://h') },
    'encryption',
    'note',
    /plain text.*rediss/,
  ],
  [
    'certificates that nobody checks',
    { settings: parseRedis('rediss://h?tls_verify=no') },
    'encryption',
    'warning',
    /any certificate/,
  ],
  ['notes of the settings', { settings: parseRedis('h,allowAdmin=true') }, 'settings', 'note', /allowAdmin/],
  ['a lease that is too short', plan({ leaseMs: 500 }), 'timings', 'danger', /below 1000/],
  [
    'a slow way',
    { samples: { ...samples(), rttMs: [3000, 3000] } },
    'round-trip',
    'danger',
    /p99 3000 ms.*--lease 72000ms/,
  ],
  [
    'a way that is just fast enough',
    { samples: { ...samples(), rttMs: [700, 700] } },
    'round-trip',
    'warning',
    /may take 2500 ms/,
  ],
  ['no PING', { samples: { ...samples(), rttMs: [] } }, 'round-trip', 'unknown', /no PING/],
  ['a clock of another rate', { samples: samples(0.02) }, 'clock', 'danger', /rate 2 %/],
  ['a clock that steps', { samples: samples(0, 3, 90) }, 'clock', 'warning', /stepped by 89\.8 ms/],
  ['no TIME', { samples: { ...samples(), clock: [] } }, 'clock', 'unknown', /\+time/],
  ['stalls', { stalls: { answer: { fork: 4000 } } }, 'stalls', 'warning', /fork 4000 ms/],
  ['slow commands', { slowestMs: { answer: 2600 } }, 'stalls', 'warning', /2600 ms/],
  ['no word of stalls', { stalls: refused, slowestMs: refused }, 'stalls', 'unknown', /NOPERM/],
];

describe('what the doctor says', () => {
  test('of a server on which nothing is wrong: that it is alone, and no more', () => {
    const findings = judge(WELL).filter(({ severity }) => severity !== 'ok');
    expect(findings).toMatchObject([{ check: 'failover', severity: 'note' }]);
  });

  test.for(CASES)('of %s', ([, facts, check, severity, says]) => {
    const found = judge({ ...WELL, ...facts }).find((finding) => finding.check === check);
    expect(found).toMatchObject({ severity });
    expect(`${found?.seen} ${found?.why} ${found?.cure}`).toMatch(says);
    // Of timings the reason says what would do.
    if (CURABLE.has(severity) && check !== 'timings') expect(found?.cure).toMatch(/.{10,}/);
  });

  test('puts the worst first', () => {
    const severities = judge({ ...WELL, denied: refused, config: refused }).map(({ severity }) => severity);
    const order: string[] = ['danger', 'warning', 'unknown', 'note', 'ok'];
    expect(severities).toEqual(severities.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    expect(severities[0]).toBe('danger');
  });

  test('suggests a lease for which the slowest round trips are no trouble', () => {
    expect(safeLeaseMs(0.3, 1)).toBe(1000);
    expect(safeLeaseMs(200, 300)).toBe(5000);
    expect(safeLeaseMs(20, 2000)).toBe(12_000);
    const sorted = Array.from({ length: 200 }, (_, n) => n + 1);
    expect([percentile(sorted, 0.5), percentile(sorted, 0.99), percentile([], 0.5)]).toEqual([100, 198, 0]);
  });
});
