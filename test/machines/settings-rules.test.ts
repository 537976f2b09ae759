/** What settings mean together: layers, presets, timings, the store that is chosen, modes, and what is refused. */
import { describe, expect, test } from 'vitest';
import { composed, nested, told } from './settings-layers.ts';

const LE = 'high_availability.leader_election';
const memory = { store: 'memory' };
const conclave = (values: Readonly<Record<string, unknown>>) => ({ conclave: nested(values) });

describe('later layers win', () => {
  const file = conclave({ environment: 'high-load', [`${LE}.grace_period_seconds`]: 1 });
  const environment = { LeaderElection__GracePeriodSeconds: '2' };

  test.each([
    ['default', {}, 0, 'default'],
    ['file', { file }, 1000, 'file'],
    ['environment', { file, environment }, 2000, 'environment'],
    ['flag', { file, environment, flags: { grace: '3s' } }, 3000, 'flag'],
  ])('%s', (_, layers, expected, layer) => {
    const { settings, origins } = composed({ flags: memory, ...layers });
    expect(settings.leaderElection.gracePeriodMs).toBe(expected);
    expect(origins.get('leaderElection.gracePeriodMs')?.layer).toBe(layer);
  });

  test('in the environment CONCLAVE_… wins over double underscores, and those over plain names', () => {
    const variables = { POD_NAME: 'a', LeaderElection__InstanceId: 'b', CONCLAVE_ID: 'c' };
    const idOf = (given: Record<string, string>) =>
      composed({ environment: given }).settings.leaderElection.instanceId;
    expect(idOf(variables)).toBe('c');
    expect(idOf({ ...variables, CONCLAVE_ID: '' })).toBe('b');
    expect(idOf({ POD_NAME: 'a' })).toBe('a');
    expect(told(composed({ environment: variables, flags: memory }).problems)).toEqual([]);
  });

  test('an empty text and null say nothing', () => {
    const silent = conclave({ [`${LE}.instance_id`]: '', [`${LE}.grace_period_seconds`]: null });
    const { settings, problems } = composed({
      file: silent,
      environment: { POD_NAME: 'web-1', CONCLAVE_LEASE: ' ' },
      flags: memory,
    });
    expect(problems).toEqual([]);
    expect(settings.leaderElection).toMatchObject({
      instanceId: 'web-1',
      gracePeriodMs: 0,
      leaseDurationMs: 15_000,
    });
  });
});

describe('presets', () => {
  test.each([
    ['development', 15_000, 5000, 'debug'],
    ['staging', 30_000, 10_000, 'debug'],
    ['production', 30_000, 10_000, 'info'],
    ['high-load', 60_000, 15_000, 'info'],
  ])('%s', (environment, lease, renew, level) => {
    const { settings, origins } = composed({ flags: { ...memory, environment } });
    expect(settings.leaderElection).toMatchObject({ leaseDurationMs: lease, renewIntervalMs: renew });
    expect(settings.log.level).toBe(level);
    expect(origins.get('leaderElection.renewIntervalMs')).toEqual({ layer: 'preset', environment });
  });

  test('without one: 15 s, renewed every 5 s, no grace', () => {
    const { settings } = composed({});
    expect(settings.leaderElection).toMatchObject({
      leaseDurationMs: 15_000,
      renewIntervalMs: 5000,
      gracePeriodMs: 0,
    });
  });

  test("a preset's renewal interval goes with its lease", () => {
    const { settings, problems } = composed({ flags: { ...memory, environment: 'production', lease: '6s' } });
    expect(problems).toEqual([]);
    expect(settings.leaderElection).toMatchObject({ leaseDurationMs: 6000, renewIntervalMs: 2000 });
    const renewed = composed({ flags: { ...memory, environment: 'production', renew: '4s' } });
    expect(renewed.settings.leaderElection).toMatchObject({ leaseDurationMs: 30_000, renewIntervalMs: 4000 });
  });
});

describe('the log level', () => {
  test.each([
    ['a level', { file: conclave({ log_level: 'warn' }) }, 'warn'],
    [
      'detailed logging beside a level',
      { file: conclave({ log_level: 'warn', [`${LE}.enable_detailed_logging`]: true }) },
      'warn',
    ],
    [
      '--verbose over a level in the file',
      { file: conclave({ log_level: 'warn' }), flags: { verbose: true } },
      'debug',
    ],
    [
      'a level over detailed logging in the file',
      { file: conclave({ [`${LE}.enable_detailed_logging`]: true }), flags: { 'log-level': 'error' } },
      'error',
    ],
    [
      'no detailed logging over a preset',
      { file: conclave({ environment: 'staging', [`${LE}.enable_detailed_logging`]: false }) },
      'info',
    ],
  ])('of %s', (_, { flags = {}, ...layers }: { file: unknown; flags?: object }, level) => {
    expect(composed({ ...layers, flags: { ...memory, ...flags } }).settings.log.level).toBe(level);
  });
});

describe('timings', () => {
  const timed = (lease: number, renew: number) =>
    composed({
      file: nested({
        'LeaderElection.LeaseDurationSeconds': lease,
        'LeaderElection.RenewalIntervalSeconds': renew,
      }),
      flags: memory,
    });

  test.each([
    [30, 10],
    [15, 5],
    [60, 15],
    [30, 15],
  ])('%d/%d are accepted', (lease, renew) => {
    const { settings, problems } = timed(lease, renew);
    expect(problems).toEqual([]);
    expect(settings.leaderElection).toMatchObject({
      leaseDurationMs: lease * 1000,
      renewIntervalMs: renew * 1000,
    });
  });

  test('30/35 are refused where the renewal is given, with what would do', () => {
    expect(told(timed(30, 35).problems)).toEqual([
      expect.stringMatching(
        /^LeaderElection\.RenewalIntervalSeconds: Not even one renewal fits into the lease.*Renew every 10000 ms, or lengthen the lease to 105000 ms\.$/,
      ),
    ]);
  });

  test('the controller’s 15/10/2 are a lease of 15 s, a deadline of 10 s, and a renewal every 2 s', () => {
    const file = nested({
      'controller.leader_election.lease_duration': '15s',
      'controller.leader_election.renew_deadline': '10s',
      'controller.leader_election.retry_period': '2s',
    });
    const { settings, problems } = composed({ file, flags: memory });
    expect(problems).toEqual([]);
    expect(settings.leaderElection).toMatchObject({
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      renewIntervalMs: 2000,
    });
  });

  test.each([
    [{ lease: '500ms' }, '--lease', 'the lease duration is 500 ms, below 1000 ms'],
    [
      { grace: '15s' },
      '--grace',
      'the grace period is 15000 ms, but must be shorter than the lease of 15000 ms',
    ],
    [{ lease: '2d' }, '--lease', 'above 86400000 ms, a day'],
    [{ lease: '0s' }, '--lease', 'the lease duration is 0 ms'],
    [{ lease: '15' }, '--lease', 'Which unit?'],
    [{ lease: '-5s' }, '--lease', 'It must be a number and a unit'],
  ])('%j is refused', (flags, where, why) => {
    const [problem = ''] = told(composed({ flags: { ...memory, ...flags } }).problems);
    expect(problem).toContain(`${where}: `);
    expect(problem).toContain(why);
  });
});

describe('the store', () => {
  const kindOf = (layers: Parameters<typeof composed>[0]) => {
    const { settings, problems } = composed(layers);
    return problems.length === 0 ? settings.store.name : told(problems).join('\n');
  };
  const enabled = conclave({ [`${LE}.enabled`]: true });

  test('without any settings is the embedded one', () => {
    expect(kindOf({})).toBe('sqlite:/app/.conclave/leases.db');
    expect(kindOf({ flags: { resource: 'billing', lease: '30s' } })).toBe('sqlite:/app/.conclave/leases.db');
    expect(kindOf({ environment: { POD_NAME: 'a', POD_NAMESPACE: 'b', PATH: '/bin' } })).toMatch(/^sqlite:/);
  });

  test('in a pod, the embedded one is warned of', () => {
    const { notes } = composed({ environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } });
    expect(told(notes).join()).toContain('each pod would have a leader of its own');
  });

  test.each([
    ['a file', { file: enabled }],
    ['a file that says nothing of elections', { file: conclave({ 'server.port': 9090 }) }],
    ['an empty file', { file: {} }],
    ['a variable', { environment: { LeaderElection__Enabled: 'true' } }],
    ['a variable that is wrong', { environment: { LeaderElection__Enable: 'true' } }],
  ])('must be named once there is %s', (_, layers) => {
    const said = kindOf(layers);
    expect(said).toContain('Leader election is enabled, but no Redis is given.');
    expect(said).toContain('store = "sqlite:.conclave/leases.db"');
  });

  test('may be the embedded one on purpose', () => {
    expect(kindOf({ file: { conclave: { ...enabled.conclave, store: 'sqlite:data/leases.db' } } })).toBe(
      'sqlite:/app/data/leases.db',
    );
    expect(kindOf({ file: enabled, environment: { CONCLAVE_STORE: 'memory' } })).toBe('memory');
  });

  test('is not needed where nobody competes and nothing is shared', () => {
    expect(kindOf({ file: conclave({ [`${LE}.enabled`]: false }) })).toBeNull();
    expect(
      kindOf({ file: conclave({ 'high_availability.enabled': false, [`${LE}.enabled`]: true }) }),
    ).toBeNull();
  });

  test('is needed to share a configuration', () => {
    const file = conclave({
      [`${LE}.enabled`]: false,
      'high_availability.enabled': true,
      'configuration.path': 'app.hcl',
    });
    expect(kindOf({ file })).toContain('The configuration is shared (mode "file"), but no Redis is given.');
  });

  test('that is asked for wins over a Redis that is merely given', () => {
    const layers = {
      file: conclave({ store: 'memory' }),
      environment: { REDIS_CONNECTION_STRING: 'redis://r' },
    };
    expect(kindOf(layers)).toBe('memory');
    expect(told(composed(layers).notes)).toEqual([
      'REDIS_CONNECTION_STRING: This has no effect, because another store is asked for at conclave.store',
    ]);
    expect(kindOf({ ...layers, file: conclave({ store: 'redis' }) })).toBe('redis://r:6379');
  });

  test('of several Redis in one file is the first of the documents, and the others are told', () => {
    const file = nested({
      'ConnectionStrings.Redis': 'redis://b',
      'Redis.ConnectionString': 'redis://a',
      'HighAvailability.RedisConnectionString': 'redis://a',
    });
    expect(kindOf({ file })).toBe('redis://a:6379');
    expect(told(composed({ file }).notes)).toEqual([
      'ConnectionStrings.Redis: Another value of this is used, which stands at Redis.ConnectionString',
    ]);
  });

  test('of a cache that is switched off is not used', () => {
    const file = { ...enabled, cache: { redis: { enabled: false, connection: 'redis://c' } } };
    expect(kindOf({ file })).toContain('no Redis is given');
  });

  test.each([
    ['billing', 'It must be sqlite:PATH, memory, or a Redis connection string'],
    ['redis://:top-secret@h:port', 'Redis'],
  ])('%s is refused without being repeated', (store, why) => {
    const said = kindOf({ flags: { store } });
    expect(said).toContain('--store: ');
    expect(said).toContain(why);
    expect(said).not.toContain(store);
    expect(said).not.toContain('top-secret');
  });

  test.each([
    ['--lock-key', { 'lock-key': '{a}' }, 'could be taken for the record of another lease'],
    ['--key-prefix', { 'key-prefix': 'a}' }, 'has braces that are no hash tag'],
  ])('must be able to keep a lease by this key: %s', (where, flags, why) => {
    const [problem] = told(composed({ flags: { store: 'redis://r', ...flags } }).problems);
    expect(problem).toContain(`${where}: The key `);
    expect(problem).toContain(why);
  });

  test('takes the whole key or prefix and name, and never the prefix of a cache', () => {
    const file = {
      conclave: nested({ store: 'memory', [`${LE}.key_prefix`]: 'a:' }),
      cache: { redis: { prefix: 'c:' } },
    };
    expect(composed({ file }).settings.leaderElection).toMatchObject({ keyPrefix: 'a:', lockKey: null });
    const { settings, notes } = composed({
      file: nested({ 'LeaderElection.LockKey': 'k', 'LeaderElection.KeyPrefix': 'p:' }),
      flags: memory,
    });
    expect(settings.leaderElection.lockKey).toBe('k');
    expect(told(notes)).toEqual([
      'LeaderElection.KeyPrefix: This has no effect, because the whole key is given at LeaderElection.LockKey',
    ]);
  });
});

describe('deployments', () => {
  const redis = { 'Redis.ConnectionString': 'redis://r' };
  test.each([
    [false, true, 'local', true],
    [true, true, 'file', true],
    [true, false, 'file', false],
    [false, false, 'static', false],
  ])('high availability %s and watching %s: %s', (ha, watch, mode, watching) => {
    const file = nested({
      ...redis,
      'HighAvailability.Enabled': ha,
      'ConfigurationWatcher.EnableFileWatching': watch,
    });
    const path = nested({ 'Honua.ConfigurationV2.Path': '/etc/app.hcl' });
    const { settings, problems } = composed({ file: { ...file, ...path } });
    expect(problems).toEqual([]);
    expect(settings.configuration).toMatchObject({ mode, watching });
    // Without a file to share, what is told is what a member does with its own settings file.
    const { settings: bare, origins } = composed({ file });
    expect(bare.configuration).toMatchObject({ mode: watch ? 'local' : 'static', watching });
    expect(origins.get('configuration.mode')).toMatchObject({
      note: 'nothing is shared without configuration.path',
    });
  });

  test('the store is chosen by name only', () => {
    const file = nested({ ...redis, 'HighAvailability.Enabled': true, 'configuration.mode': 'store' });
    expect(composed({ file }).settings.configuration).toMatchObject({ mode: 'store', watching: true });
  });

  test('beside each other the election has its own switch; inside high availability it goes with that', () => {
    const beside = nested({ ...redis, 'HighAvailability.Enabled': false, 'LeaderElection.Enabled': true });
    expect(composed({ file: beside }).settings).toMatchObject({
      highAvailability: false,
      leaderElection: { enabled: true },
    });
    const inside = conclave({ 'high_availability.enabled': false, [`${LE}.enabled`]: true });
    const { settings, notes } = composed({ file: inside });
    expect(settings).toMatchObject({ highAvailability: false, leaderElection: { enabled: false } });
    expect(told(notes)).toEqual([
      'conclave.high_availability.leader_election.enabled: This has no effect, because the block around it is switched off at conclave.high_availability.enabled',
    ]);
  });
});
