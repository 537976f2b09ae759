/**
 * Every key that settings files may hold, written down by hand, with a value and what it comes to. It is what the code's
 * own catalogue is held against.
 */

export interface KeyRow {
  /** Below the root, or from the top where a shape knows no root. */
  readonly key: string;
  readonly written: unknown;
  /** Name in the resolved settings; null if the key has no effect. */
  readonly setting: string | null;
  readonly expected?: unknown;
  /** What else must be there for the value to be taken. */
  readonly beside?: Readonly<Record<string, unknown>>;
}

const row = (
  key: string,
  written: unknown,
  setting: string | null,
  expected?: unknown,
  beside?: KeyRow['beside'],
): KeyRow => ({ key, written, setting, expected, ...(beside && { beside }) });

const HA = 'high_availability';
const LE = `${HA}.leader_election`;
const election = (name: string) => `leaderElection.${name}`;
const REDIS = 'redis://:pass-word@redis.internal:6379';
const REDIS_NAME = 'redis://:***@redis.internal:6379';
const host = { 'redis.host': 'r.internal' };

/** In a root block, `conclave` or `honua`, or without one. */
export const BLOCK_ROWS: readonly KeyRow[] = [
  row('version', '1.0', null),
  row('environment', 'staging', 'environment', 'staging'),
  row('store', 'sqlite:/data/leases.db', 'store.name', 'sqlite:/data/leases.db'),
  row('directory', '/var/lib/conclave', 'directory', '/var/lib/conclave'),
  row('log_level', 'warn', 'log.level', 'warn'),
  row('drain_timeout_seconds', 4, 'drainTimeoutMs', 4000),
  row(`${HA}.enabled`, false, 'highAvailability', false),
  row(`${HA}.enable_detailed_logging`, true, 'log.level', 'debug'),
  row(`${HA}.redis_connection_string`, REDIS, 'store.name', REDIS_NAME),
  row(`${HA}.configuration_channel`, 'my:changes', 'configuration.channel', 'my:changes'),
  row(`${HA}.connection_timeout_ms`, 700, 'store.connection', 'redis://r?connect_timeout_ms=700', {
    'redis.connection': 'redis://r',
  }),
  row(`${HA}.auto_reconnect`, false, null),
  row(`${LE}.enabled`, false, election('enabled'), false),
  row(`${LE}.resource_name`, 'my-service', election('resourceName'), 'my-service'),
  row(`${LE}.lease_duration_seconds`, 30, election('leaseDurationMs'), 30_000),
  row(`${LE}.renewal_interval_seconds`, 4, election('renewIntervalMs'), 4000),
  row(`${LE}.renew_interval_seconds`, 4, election('renewIntervalMs'), 4000),
  row(`${LE}.renew_deadline_seconds`, 12, election('renewDeadlineMs'), 12_000),
  row(`${LE}.retry_interval_seconds`, 0.5, election('retryIntervalMs'), 500),
  row(`${LE}.grace_period_seconds`, 3, election('gracePeriodMs'), 3000),
  row(`${LE}.key_prefix`, 'my:leader:', election('keyPrefix'), 'my:leader:'),
  row(`${LE}.lock_key`, 'my:lock', election('lockKey'), 'my:lock'),
  row(`${LE}.instance_id`, 'web-1', election('instanceId'), 'web-1'),
  row(`${LE}.enable_detailed_logging`, true, 'log.level', 'debug'),
  row(`${LE}.paused`, true, election('paused'), true),
  row('redis.connection', REDIS, 'store.name', REDIS_NAME),
  row('redis.connection_string', REDIS, 'store.name', REDIS_NAME),
  row('redis.host', 'r.internal', 'store.connection', 'redis://r.internal'),
  row('redis.port', 7000, 'store.connection', 'redis://r.internal:7000', host),
  row('redis.username', 'app', 'store.connection', 'redis://app:x@r.internal', {
    ...host,
    'redis.password': 'x',
  }),
  row('redis.password', 'p/s@:#', 'store.connection', 'redis://:p%2Fs%40%3A%23@r.internal', host),
  row('redis.database', 3, 'store.connection', 'redis://r.internal/3', host),
  row('redis.tls', true, 'store.connection', 'rediss://r.internal', host),
  row('redis.wait_replicas', 2, 'store.waitReplicas', 2),
  row('cache.redis.enabled', true, 'store.name', REDIS_NAME, { 'cache.redis.connection': REDIS }),
  row('cache.redis.connection', REDIS, 'store.name', REDIS_NAME),
  row('cache.redis.prefix', 'my:', null),
  row('cache.prefix', 'my:', null),
  row('server.address', '0.0.0.0', 'server.address', '0.0.0.0'),
  row('server.port', 9090, 'server.port', 9090),
  row('server.metrics_port', 9091, 'server.metricsPort', 9091),
  row('server.allowed_hosts', ['a.internal', 'B.internal'], 'server.allowedHosts', [
    'a.internal',
    'b.internal',
  ]),
  row('server.tokens', [{ token: 'a-token-for-tests', scopes: ['read', 'reload'] }], 'server.tokens', [
    { token: 'a-token-for-tests', scopes: ['read', 'reload'] },
  ]),
  row('server.follower_status', 'healthy', 'server.followerStatus', 'healthy'),
  row('server.certificates.cert_file', '/tls/cert.pem', 'server.certificates.certFile', '/tls/cert.pem', {
    'server.certificates.key_file': '/tls/key.pem',
  }),
  row('server.certificates.key_file', '/tls/key.pem', 'server.certificates.keyFile', '/tls/key.pem', {
    'server.certificates.cert_file': '/tls/cert.pem',
  }),
  row('metrics.prefix', 'honua', 'metrics.prefix', 'honua'),
  row('journal.path', '/data/journal.db', 'journal.path', '/data/journal.db'),
  row('journal.retention', '1MiB / 1d', 'journal.retentionBytes', 1_048_576),
  row('journal.on_failure', 'stop', 'journal.onFailure', 'stop'),
  row('configuration.path', '/etc/app', 'configuration.path', '/etc/app'),
  row('configuration.mode', 'store', 'configuration.mode', 'store'),
  row('configuration.watching', false, 'configuration.watching', false),
  row('configuration.poll_seconds', 7, 'configuration.pollMs', 7000),
  row('configuration.debounce_milliseconds', 500, 'configuration.debounceMs', 500),
  row('configuration.channel', 'my:changes', 'configuration.channel', 'my:changes'),
];

/** The older JSON sections, side by side at the top. */
export const OLDER_ROWS: readonly KeyRow[] = [
  row('LeaderElection.Enabled', false, election('enabled'), false),
  row('LeaderElection.ResourceName', 'my-service', election('resourceName'), 'my-service'),
  row('LeaderElection.LockKey', 'my:lock', election('lockKey'), 'my:lock'),
  row('LeaderElection.LeaseDurationSeconds', 30, election('leaseDurationMs'), 30_000),
  row('LeaderElection.RenewalIntervalSeconds', 4, election('renewIntervalMs'), 4000),
  row('LeaderElection.RenewIntervalSeconds', 4, election('renewIntervalMs'), 4000),
  row('LeaderElection.RenewDeadlineSeconds', 12, election('renewDeadlineMs'), 12_000),
  row('LeaderElection.GracePeriodSeconds', 3, election('gracePeriodMs'), 3000),
  row('LeaderElection.KeyPrefix', 'my:leader:', election('keyPrefix'), 'my:leader:'),
  row('LeaderElection.InstanceId', 'web-1', election('instanceId'), 'web-1'),
  row('LeaderElection.EnableDetailedLogging', true, 'log.level', 'debug'),
  row('Redis.ConnectionString', REDIS, 'store.name', REDIS_NAME),
  row('ConnectionStrings.Redis', REDIS, 'store.name', REDIS_NAME),
  row('HighAvailability.Enabled', false, 'highAvailability', false),
  row('HighAvailability.RedisConnectionString', REDIS, 'store.name', REDIS_NAME),
  row('HighAvailability.ConfigurationChannel', 'my:changes', 'configuration.channel', 'my:changes'),
  row('HighAvailability.ConnectionTimeoutMs', 700, 'store.connection', 'redis://r?connect_timeout_ms=700', {
    'Redis.ConnectionString': 'redis://r',
  }),
  row('HighAvailability.AutoReconnect', false, null),
  row('HighAvailability.EnableDetailedLogging', true, 'log.level', 'debug'),
  row('ConfigurationWatcher.EnableFileWatching', false, 'configuration.watching', false),
  row('ConfigurationWatcher.DebounceMilliseconds', 500, 'configuration.debounceMs', 500),
  row('ConfigurationWatcher.LogChangeEvents', true, null),
  row('ConfigurationWatcher.ValidateOnReload', false, null),
  row('Honua.ConfigurationV2.Path', '/etc/app', 'configuration.path', '/etc/app'),
];

/** The controller's shape. */
export const CONTROLLER_ROWS: readonly KeyRow[] = [
  row('controller.leader_election.enabled', false, election('enabled'), false),
  row('controller.leader_election.lease_name', 'my-service', election('resourceName'), 'my-service'),
  row('controller.leader_election.lease_duration', '30s', election('leaseDurationMs'), 30_000),
  row('controller.leader_election.renew_deadline', '12s', election('renewDeadlineMs'), 12_000),
  row('controller.leader_election.retry_period', '2s', election('renewIntervalMs'), 2000),
];

/** Flags, by name; each is a `CONCLAVE_…` variable, too. */
export const FLAG_ROWS: readonly (readonly [
  flag: string,
  text: string,
  setting: string,
  expected: unknown,
])[] = [
  ['environment', 'staging', 'environment', 'staging'],
  ['store', 'sqlite:/data/leases.db', 'store.name', 'sqlite:/data/leases.db'],
  ['wait-replicas', '2', 'store.waitReplicas', 2],
  ['dir', '/var/lib/conclave', 'directory', '/var/lib/conclave'],
  ['log-level', 'warn', 'log.level', 'warn'],
  ['verbose', 'true', 'log.level', 'debug'],
  ['json', 'true', 'log.json', true],
  ['journal', '/data/journal.db', 'journal.path', '/data/journal.db'],
  ['journal-retention', '2d', 'journal.retentionMs', 172_800_000],
  ['on-journal-failure', 'stop', 'journal.onFailure', 'stop'],
  ['drain-timeout', '4s', 'drainTimeoutMs', 4000],
  ['inspect', 'ws://127.0.0.1:9000', 'inspect', 'ws://127.0.0.1:9000'],
  ['election', 'false', 'leaderElection.enabled', false],
  ['resource', 'billing', 'leaderElection.resourceName', 'billing'],
  ['key-prefix', 'my:leader:', 'leaderElection.keyPrefix', 'my:leader:'],
  ['lock-key', 'my:lock', 'leaderElection.lockKey', 'my:lock'],
  ['id', 'web-1', 'leaderElection.instanceId', 'web-1'],
  ['lease', '30s', 'leaderElection.leaseDurationMs', 30_000],
  ['renew', '4s', 'leaderElection.renewIntervalMs', 4000],
  ['renew-deadline', '12s', 'leaderElection.renewDeadlineMs', 12_000],
  ['retry', '500ms', 'leaderElection.retryIntervalMs', 500],
  ['grace', '3s', 'leaderElection.gracePeriodMs', 3000],
  ['paused', 'true', 'leaderElection.paused', true],
  ['configuration', '/etc/app', 'configuration.path', '/etc/app'],
  ['configuration-mode', 'store', 'configuration.mode', 'store'],
  ['watching', 'false', 'configuration.watching', false],
  ['poll', '7s', 'configuration.pollMs', 7000],
  ['debounce', '500ms', 'configuration.debounceMs', 500],
  ['channel', 'my:changes', 'configuration.channel', 'my:changes'],
  ['address', '0.0.0.0', 'server.address', '0.0.0.0'],
  ['port', '9090', 'server.port', 9090],
  ['metrics-port', '9091', 'server.metricsPort', 9091],
  ['allowed-hosts', 'a.internal, b.internal', 'server.allowedHosts', ['a.internal', 'b.internal']],
  ['follower-status', 'healthy', 'server.followerStatus', 'healthy'],
  ['cert-file', '/tls/cert.pem', 'server.certificates.certFile', '/tls/cert.pem'],
  ['key-file', '/tls/key.pem', 'server.certificates.keyFile', '/tls/key.pem'],
  ['metrics-prefix', 'honua', 'metrics.prefix', 'honua'],
];
