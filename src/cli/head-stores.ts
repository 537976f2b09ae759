import { dirname, join } from 'node:path';
import type { HeadStore } from '../config/head-store.ts';
import { SettingsError } from '../errors.ts';
import { redisHead } from '../redis.ts';
import type { Settings } from '../settings/settings.ts';
import { sqliteHead } from '../sqlite.ts';
import { resolveStore, storePath } from './lease-stores.ts';
import type { Sharing } from './member-settings.ts';

/** Stores of what members share of their configuration, by name, as `--store` takes them. */

/**
 * @param channel one more channel of a Redis on which anybody may say "look now"
 * @throws SettingsError for a store that cannot be shared
 */
export function openHead(text: string, namespace: string, channel?: string): HeadStore {
  const store = resolveStore(text);
  const path = storePath(store);
  if (path !== null) return sqliteHead({ path, namespace });
  if (store !== 'memory') return redisHead(store, { namespace, ...(channel !== undefined && { channel }) });
  throw new SettingsError('SETTINGS_INVALID', 'The store is memory, which only its own process can see.');
}

/** Where members that compete in a lease store agree on their configuration: in the same Redis, or beside the file. */
export function headBeside(leases: string): string {
  const path = storePath(leases);
  return path === null ? leases : `sqlite:${join(dirname(path), 'config.db')}`;
}

/** The name of a resource as a namespace, which may hold fewer characters. */
export function namespaceOf(resource: string): string {
  return resource.replaceAll(/[^A-Za-z0-9._:/-]/g, '-');
}

/** What members share by their settings; null where nothing is: a store in the memory of one process cannot be. */
export function sharingOf({
  configuration: { mode, channel },
  store,
  leaderElection,
}: Settings): Sharing | null {
  if ((mode !== 'file' && mode !== 'store') || store.connection === null || store.kind === 'memory')
    return null;
  const namespace = namespaceOf(leaderElection.resourceName);
  return { mode, store: headBeside(store.connection.text), namespace, channel };
}
