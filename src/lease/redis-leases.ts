import { isCluster, type RedisClient } from '../redis/client.ts';
import { type RedisPlace, wiringOf } from '../redis/place.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { clientCaveats } from './redis-lease-caveats.ts';
import { resolveLeaseOptions, type RedisLeaseOptions } from './redis-lease-options.ts';
import { RedisLeases, type RedisLeaseStore } from './redis-lease-store.ts';

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
  const tell = (message: string) => onNotice({ kind: 'settings', message });
  const wiring = wiringOf(place, {
    clock,
    onNote: tell,
    refusePrefix: (prefix) =>
      `The given client puts ${prefix} before all keys (keyPrefix), which takes the two keys of a lease apart. ` +
      "Give client.duplicate({ keyPrefix: '' }), and redisLeases its own keyPrefix.",
  });
  wiring.notes.forEach(tell);
  return new RedisLeases({ ...wiring, caveats: caveatsOf(wiring.given), ...common });
}

/** What a given client means for leases. */
function caveatsOf(client: RedisClient | null): readonly string[] {
  if (client === null) return [];
  return isCluster(client) ? clientCaveats(client) : [...clientCaveats(client), SELECTED];
}

const SELECTED =
  'The given client is shared: after a select() of the application, leases would be asked for in another database, where ' +
  'nobody else competes. Never call select() on it, or give redisLeases a client.duplicate().';
