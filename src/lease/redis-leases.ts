import { SettingsError } from '../errors.ts';
import { isCluster, type RedisClient, type RedisCluster, type RedisNode } from '../redis/client.ts';
import { subscriberBeside } from '../redis/link-subscription.ts';
import { describeRedis, parseRedis, type RedisSettings, type RedisSettingsInput } from '../redis/settings.ts';
import { openClient } from '../redis/topology.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { clientCaveats, locationOf, prefixOf } from './redis-lease-caveats.ts';
import { resolveLeaseOptions, type RedisLeaseOptions } from './redis-lease-options.ts';
import { RedisLeases, type RedisLeaseStore, type RedisLeaseWiring } from './redis-lease-store.ts';

/** Where leases in Redis are: a connection string, settings, or a client of ioredis that the application has anyway. */
export type RedisPlace = string | RedisSettingsInput | RedisSettings | RedisClient;

/**
 * Opens leases in Redis, for members on several hosts: a single server, Sentinel or Cluster.
 *
 * Given a connection string or settings, it makes two connections of its own, the second for hints. Given a client, it
 * uses that one for commands and never closes or changes it; what of its options is unsafe for leases is told by
 * `describe()` and `onNotice`.
 *
 * @throws SettingsError `SETTINGS_INVALID`, `REDIS_SETTINGS_INVALID`; calls reject with `REDIS_CLIENT_MISSING`,
 * `STORE_SERVER_OLD`, `STORE_KEY_FOREIGN` or `STORE_PROTOCOL_OTHER` where that turns out later
 * @example
 * // One replica, so wait for one: it must be the number of all of them.
 * await using leases = redisLeases('redis://localhost:6379', { waitReplicas: 1 });
 * await using election = createLeaderElection({ resource: 'billing', leases });
 */
export function redisLeases(place: RedisPlace, options: RedisLeaseOptions = {}): RedisLeaseStore {
  const { clock = systemClock, onNotice = () => {} } = options;
  const common = { options: resolveLeaseOptions(options), clock, onNotice };
  return new RedisLeases({ ...(isClient(place) ? given(place) : own(place, common)), ...common });
}

type Wiring = Pick<RedisLeaseWiring, 'link' | 'openSubscriber' | 'database' | 'caveats'>;

/** Connections of our own. */
function own(
  place: string | RedisSettingsInput | RedisSettings,
  { clock, onNotice }: Pick<RedisLeaseWiring, 'clock' | 'onNotice'>,
): Wiring {
  const settings = typeof place === 'object' && 'topology' in place ? place : parseRedis(place);
  for (const message of settings.notes) onNotice({ kind: 'settings', message });
  const tell = (message: string) => onNotice({ kind: 'settings', message });
  let closing: AbortSignal | null = null;
  return {
    link: {
      owned: true,
      location: describeRedis(settings),
      open: (onError, signal) => {
        closing = signal;
        return openClient(settings, 'commands', onError, { clock, signal, onNotice: tell });
      },
    },
    async openSubscriber(client) {
      if (isCluster(client)) {
        await refreshCredentials(client, settings);
        return subscriberBeside(client, systemRandomness);
      }
      // Why it does not stand is what commands are told, too.
      return (await openClient(settings, 'subscriber', () => {}, {
        clock,
        ...(closing && { signal: closing }),
      })) as RedisNode;
    },
    database: settings.database,
    caveats: [],
  };
}

/** What a node connected with may have expired since, and is what another connection to it would begin with. */
async function refreshCredentials(cluster: RedisCluster, { credentials }: RedisSettings): Promise<void> {
  if (typeof credentials !== 'function') return;
  const { username, password } = await credentials();
  for (const node of cluster.nodes('all')) Object.assign(node.options, { username, password });
}

/** An application's own client. */
function given(client: RedisClient): Wiring {
  const prefix = prefixOf(client);
  if (prefix !== '')
    throw new SettingsError(
      'SETTINGS_INVALID',
      `The given client puts ${JSON.stringify(prefix)} before all keys (keyPrefix), which takes the two keys of a lease apart. ` +
        "Give client.duplicate({ keyPrefix: '' }), and redisLeases its own keyPrefix.",
    );
  return {
    link: { owned: false, location: locationOf(client), open: () => client },
    openSubscriber: (opened) => subscriberBeside(opened, systemRandomness),
    database: isCluster(client) ? 0 : (client.options.db ?? 0),
    caveats: isCluster(client) ? clientCaveats(client) : [...clientCaveats(client), SELECTED],
  };
}

const SELECTED =
  'The given client is shared: after a select() of the application, leases would be asked for in another database, where ' +
  'nobody else competes. Never call select() on it, or give redisLeases a client.duplicate().';

function isClient(place: RedisPlace): place is RedisClient {
  return typeof place === 'object' && 'status' in place && 'disconnect' in place;
}
