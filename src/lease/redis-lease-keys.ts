import { SettingsError } from '../errors.ts';

/** Before the resource's name, unless a store is told otherwise. */
export const DEFAULT_KEY_PREFIX = 'conclave:leader:';
/** Longest key; what is longer is a mistake. */
const KEY_LENGTH_MAX = 1000;

/** The names of a lease in Redis. All in one slot of a cluster. */
export interface LeaseKeys {
  /** Holds the holder's id, for people and other tools. */
  readonly mirror: string;
  /** Holds the record, which is what counts. */
  readonly record: string;
}

export interface KeyOptions {
  /** Put before the resource's name. Default `conclave:leader:`. */
  readonly keyPrefix?: string;
  /** The whole key for each of these resources, instead of prefix and name: `{ billing: 'app:billing:lock' }`. */
  readonly keys?: Readonly<Record<string, string>>;
}

/**
 * Which keys a resource has. A key with one hash tag keeps it, any other becomes the tag of its record; braces that
 * leave open what the tag is are refused, for the two keys could end up in different slots.
 *
 * @throws SettingsError `SETTINGS_INVALID`
 */
export function leaseKeys(resource: string, { keyPrefix = DEFAULT_KEY_PREFIX, keys }: KeyOptions): LeaseKeys {
  const whole = keys !== undefined && Object.hasOwn(keys, resource) ? keys[resource] : undefined;
  const mirror = whole ?? `${keyPrefix}${resource}`;
  if (mirror === '' || mirror.length > KEY_LENGTH_MAX)
    throw refused(resource, mirror, `must have 1 to ${KEY_LENGTH_MAX} characters`);
  const namesake = Object.entries(keys ?? {}).find(([other, key]) => other !== resource && key === mirror);
  if (namesake)
    throw refused(
      resource,
      mirror,
      `is given to "${namesake[0]}", too: each resource needs a key of its own`,
    );
  if (/^[^{}]*$/.test(mirror)) return { mirror, record: `{${mirror}}:lease` };
  // Else the records of `a` and `{a}` would be one key, or one resource's mirror another's record.
  if (/^\{[^{}]+\}$|\}.*:lease$/s.test(mirror))
    throw refused(resource, mirror, 'could be taken for the record of another lease: put a prefix before it');
  if (/^[^{}]*\{[^{}]+\}[^{}]*$/.test(mirror)) return { mirror, record: `${mirror}:lease` };
  throw refused(
    resource,
    mirror,
    'has braces that are no hash tag: use none, or one pair with a name in it, as in {billing}:leader:',
  );
}

/**
 * Where a lease's changes are told. Pub/sub knows no databases, so that all but 0 have a suffix, and a key that ends like
 * one has it in 0 as well; `announce` in `record.lua` does the same.
 */
export function leaseChannel({ mirror }: LeaseKeys, database: number): string {
  return database !== 0 || /@\d+$/.test(mirror) ? `${mirror}@${database}` : mirror;
}

function refused(resource: string, key: string, why: string): SettingsError {
  const shown = JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key);
  return new SettingsError('SETTINGS_INVALID', `The key ${shown} of the resource "${resource}" ${why}.`);
}
