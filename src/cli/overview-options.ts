import type { KeyOptions } from '../lease/redis-lease-keys.ts';
import type { AskedSettings, SettingOptions } from './given-settings.ts';
import type { OverviewOptions } from './lease-overview.ts';
import { placeOfSettings } from './lease-places.ts';
import { keysOfLease, resolveStore, storeName } from './lease-stores.ts';
import { defaultResource, placesIn } from './member-places.ts';

/**
 * What to look at, out of settings and flags.
 *
 * @param only resource that alone is meant
 * @throws SettingsError for a store there is not
 */
export function overviewOptions(
  { directory, given }: Pick<AskedSettings, 'directory' | 'given'>,
  flags: SettingOptions,
  only: string | undefined = flags.resource,
): OverviewOptions {
  const lease = given?.settings.leaderElection;
  const resource = only ?? lease?.resourceName ?? defaultResource();
  const store = flags.store === undefined ? null : resolveStore(flags.store);
  const keys = keysOfFlags(flags, resource);
  // A whole key is that of one resource.
  const filtered = flags.lockKey === undefined ? only : resource;
  const own = given?.settings.store.connection?.text;
  return {
    directory,
    filter: {
      ...(filtered !== undefined && { resource: filtered }),
      ...(store !== null && { store: storeName(store) }),
      ...(keys !== null && { keys }),
    },
    named: placeOfSettings(given),
    otherwise: {
      resource,
      store: store === null ? `sqlite:${placesIn(directory).leases}` : storeName(store),
      keys: keys ?? (lease === undefined ? {} : keysOfLease(lease)),
    },
    connections: [...(store === null ? [] : [store]), ...(own === undefined ? [] : [own])],
  };
}

function keysOfFlags({ keyPrefix, lockKey }: SettingOptions, resource: string): KeyOptions | null {
  if (lockKey !== undefined) return { keys: { [resource]: lockKey } };
  return keyPrefix === undefined ? null : { keyPrefix };
}
