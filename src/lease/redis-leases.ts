import { SettingsError } from '../errors.ts';
import { isCluster, type RedisClient, type RedisNode } from '../redis/client.ts';
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
  return {
    link: {
      owned: true,
      location: describeRedis(settings),
      open: (onError, signal) => openClient(settings, 'commands', onError, { clock, signal, onNotice: tell }),
    },
    async openSubscriber(client) {
      if (isCluster(client)) return subscriberBeside(client, systemRandomness);
      // Why it does not stand is what commands are told, too.
      return (await openClient(settings, 'subscriber', () => {}, { clock })) as RedisNode;
    },
    database: settings.database,
    caveats: [],
  };
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
    caveats: clientCaveats(client),
  };
}

function isClient(place: RedisPlace): place is RedisClient {
  return typeof place === 'object' && 'status' in place && 'disconnect' in place;
}
