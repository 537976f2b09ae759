import type { Backoff } from './topology-backoff.ts';
import type { RedisSettings } from './settings-shape.ts';

/**
 * How ioredis is told to behave. Its defaults are made for caches: they keep what could not be sent, send again what
 * was not answered and so carry out late what a caller has given up. A lease that is acquired late is a lease nobody
 * knows of; here a request is sent at once or not at all, and never twice.
 */

/** Asking a Sentinel must not outlast a lease. */
const SENTINEL_COMMAND_TIMEOUT_MAX_MS = 2000;
const LOADING_RETRY_MS = 1000;

/** What holds for a connection to a server, however it is found. */
export function connectionOptions(
  settings: RedisSettings,
  tls: Readonly<Record<string, unknown>> | null,
): Record<string, unknown> {
  // Those of a function are set before each connect.
  const credentials = typeof settings.credentials === 'function' ? null : settings.credentials;
  return {
    username: credentials?.username ?? null,
    password: credentials?.password ?? null,
    ...(tls !== null && { tls }),
    connectTimeout: settings.connectTimeoutMs,
    commandTimeout: settings.commandTimeoutMs,
    keepAlive: settings.keepAliveMs === 0 ? null : settings.keepAliveMs,
    noDelay: true,
    connectionName: settings.clientName,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A subscription that fails after a reconnect would be a rejection nobody handles; the subscriber does it itself.
    autoResubscribe: false,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    // The same in version 5, which knows no other, and 6.
    protocol: 2,
    reconnectOnError: leadsElsewhere,
  };
}

/** Answers of a server that is not the primary any more: connecting anew finds the one that is. */
function leadsElsewhere({ message }: Error): boolean {
  return message.startsWith('READONLY');
}

/** For one server or Sentinels, on top of `connectionOptions`. */
export function serverOptions(settings: RedisSettings, backoff: Backoff): Record<string, unknown> {
  return { db: settings.database, lazyConnect: true, retryStrategy: () => backoff.nextMs() };
}

export function sentinelOptions(
  { topology, connectTimeoutMs, tls }: RedisSettings,
  sentinelTls: Readonly<Record<string, unknown>> | null,
  backoff: Backoff,
): Record<string, unknown> {
  if (topology.kind !== 'sentinel') return {};
  return {
    sentinels: topology.sentinels.map((endpoint) => ({ ...endpoint })),
    name: topology.name,
    role: 'master',
    sentinelUsername: topology.username,
    sentinelPassword: topology.password,
    ...(sentinelTls !== null && { sentinelTLS: sentinelTls }),
    enableTLSForSentinelMode: tls !== null,
    // Sentinels tell each other's addresses, which no certificate is made out to.
    updateSentinels: topology.tls === null,
    sentinelCommandTimeout: Math.min(connectTimeoutMs, SENTINEL_COMMAND_TIMEOUT_MAX_MS),
    sentinelRetryStrategy: () => backoff.nextMs(),
  };
}

/** For a cluster; `redisOptions` are those of `connectionOptions`. */
export function clusterOptions(
  settings: RedisSettings,
  redisOptions: Readonly<Record<string, unknown>>,
  backoff: Backoff,
  onFailure: (reason: unknown) => void,
): Record<string, unknown> {
  return {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue: false,
    // Asks a node for the state of the cluster before any is connected; a cluster that is down says so itself.
    enableReadyCheck: false,
    clusterRetryStrategy: (_: number, reason?: unknown) => {
      // A name that cannot be resolved is told nowhere else.
      if (reason instanceof Error) onFailure(reason);
      return backoff.nextMs();
    },
    slotsRefreshTimeout: settings.connectTimeoutMs,
    // Commands wait nowhere: what cannot be done now is an error now.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    maxRedirections: 4,
    // Certificates are made out to names.
    ...(settings.tls !== null && {
      dnsLookup: (host: string, done: (error: null, address: string) => void) => done(null, host),
    }),
  };
}
