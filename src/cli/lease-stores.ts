import { resolve } from 'node:path';
import { SettingsError } from '../errors.ts';
import { memoryLeases } from '../lease/memory-lease-store.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { KeyOptions } from '../lease/redis-lease-keys.ts';
import type { RedisLeaseOptions } from '../lease/redis-lease-options.ts';
import { describeRedis, parseRedis, redisLeases } from '../redis.ts';
import type { LeaderElectionSettings } from '../settings/settings.ts';
import { sqliteLeases } from '../sqlite.ts';

/** Lease stores by name, as `--store` takes them. */

/** How keys are called, and how many replicas must confirm a lease. */
export type RedisOptions = Pick<RedisLeaseOptions, 'keyPrefix' | 'keys' | 'waitReplicas'>;

/** The keys of the one lease that settings are about. */
export function keysOfLease({
  resourceName,
  keyPrefix,
  lockKey,
}: Pick<LeaderElectionSettings, 'resourceName' | 'keyPrefix' | 'lockKey'>): KeyOptions {
  return lockKey === null ? { keyPrefix } : { keys: { [resourceName]: lockKey } };
}

export const STORE_FORMS = 'sqlite:PATH, memory, or a Redis connection string such as redis://HOST';

/**
 * The same name with an absolute path, so that it means the same anywhere. That of a Redis still has its password in
 * it: `storeName` is for telling.
 *
 * @throws SettingsError for a store there is not
 */
export function resolveStore(text: string, flag = '--store'): string {
  if (text === 'memory') return text;
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (path !== undefined) return `sqlite:${resolve(path)}`;
  if (!isRedis(text))
    throw new SettingsError(
      'SETTINGS_INVALID',
      `${flag} is "${text}", but must be ${STORE_FORMS}, for example sqlite:.conclave/leases.db.`,
    );
  try {
    parseRedis(text);
    return text;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new SettingsError(error.code, `${flag}: ${error.message}`, { cause: error });
  }
}

/** Words and paths alone are taken for slips of the keyboard, although they could be a host or a socket. */
function isRedis(text: string): boolean {
  return /^[a-z][a-z0-9+-]*:\/\/|^(redis[+-])?unix:|[,=@]|^[^/]+:\d+$/i.test(text);
}

/** The path of an embedded store, or null for any other. */
export function storePath(store: string): string | null {
  return store.startsWith('sqlite:') ? store.slice('sqlite:'.length) : null;
}

/** What a store is called where others see it: without a secret, and the same for the same place. */
export function storeName(store: string): string {
  return store === 'memory' || storePath(store) !== null ? store : describeRedis(parseRedis(store));
}

/** Where a member is given a store, password and all, besides flags and files. */
const STORE_VARIABLES = ['CONCLAVE_STORE', 'REDIS_CONNECTION_STRING'];

/**
 * What to open a store by that others call by this name; null where a password was taken out of it, and what stands in
 * the environment is not the same: beside a member, as in its container, it is what that was started with.
 *
 * @param known connection strings that were given otherwise
 */
export function textOfStore(
  name: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  known: readonly string[] = [],
): string | null {
  const given = known.find((text) => isNamed(text, name));
  if (given !== undefined) return given;
  if (!name.includes('***@')) return name;
  return STORE_VARIABLES.map((each) => environment[each]).find((text) => isNamed(text, name)) ?? null;
}

function isNamed(text: string | undefined, name: string): text is string {
  try {
    return text !== undefined && storeName(resolveStore(text)) === name;
  } catch {
    return false;
  }
}

/**
 * Opens a store by its name.
 *
 * @param onNotice Told about what is worth a log line.
 * @param redis What matters in a Redis only.
 *
 * @throws SettingsError if there is no such store, or its file cannot be one
 */
export function openLeases(
  text: string,
  onNotice: (message: string) => void = () => {},
  redis: RedisOptions = {},
): LeaseStore {
  const store = resolveStore(text);
  const path = storePath(store);
  if (store === 'memory') return memoryLeases();
  if (path === null) return redisLeases(store, { ...redis, onNotice: ({ message }) => onNotice(message) });
  return sqliteLeases({ path, onNotice: ({ message }) => onNotice(message) });
}
