import { type KeyOptions, leaseKeys } from '../lease/redis-lease-keys.ts';
import { type GivenSettings, isGiven } from './given-settings.ts';
import { keysOfLease, storeName, storePath } from './lease-stores.ts';
import type { MemberStatus } from './member-status.ts';

/**
 * Which leases are looked at: those that members of this host compete for, and the one that the settings name, whether or
 * not a member here says so: where somebody was started by other settings, both are shown, and no wrong one alone.
 */

/** One lease: the same resource elsewhere, or under another key, is another one. */
export interface LeasePlace {
  readonly resource: string;
  /** What the store is called, without a secret. */
  readonly store: string;
  /** How its keys in a Redis are called. */
  readonly keys: KeyOptions;
}

/** What is asked for by flags; members of anything else are none of the question. */
export type LeaseFilter = Partial<LeasePlace>;

/** The lease of the settings. */
export interface NamedPlace extends LeasePlace {
  /** Whether to show it beside what members say: a file describes a member, a variable may be another program's. */
  readonly isCertain: boolean;
  /** Whether its key was chosen; else a member of the same resource knows better. */
  readonly isKeyGiven: boolean;
}

/** Null if the settings say nothing of where members compete. */
export function placeOfSettings(given: GivenSettings | null): NamedPlace | null {
  if (given === null) return null;
  const { leaderElection, store } = given.settings;
  if (store.connection === null || !leaderElection.enabled) return null;
  return {
    resource: leaderElection.resourceName,
    store: storeName(store.connection.text),
    keys: keysOfLease(leaderElection),
    isCertain: given.file !== null || isGiven(given, 'leaderElection.resourceName'),
    isKeyGiven: isGiven(given, 'leaderElection.keyPrefix') || isGiven(given, 'leaderElection.lockKey'),
  };
}

/** None, if neither members nor settings say. */
export function placesToLookAt(
  members: readonly Pick<MemberStatus, 'resource' | 'store' | 'keys'>[],
  filter: LeaseFilter,
  named: NamedPlace | null,
): readonly LeasePlace[] {
  const places = new Map<string, LeasePlace>();
  for (const { resource, store, keys } of members) {
    const place = { resource, store, keys };
    if (isAskedFor(place, filter)) places.set(nameOf(place), place);
  }
  if (named === null || (places.size > 0 && !named.isCertain)) return [...places.values()];
  const { resource, store, keys, isKeyGiven } = named;
  const isTheSame = (place: LeasePlace) => place.resource === resource && place.store === store;
  const isKnown = isKeyGiven ? places.has(nameOf(named)) : [...places.values()].some(isTheSame);
  return isKnown ? [...places.values()] : [...places.values(), { resource, store, keys }];
}

export function isSamePlace(one: LeasePlace, other: LeasePlace): boolean {
  return nameOf(one) === nameOf(other);
}

function isAskedFor(place: LeasePlace, { resource, store, keys }: LeaseFilter): boolean {
  return (
    (resource ?? place.resource) === place.resource &&
    (store ?? place.store) === place.store &&
    (keys === undefined || keyOf(place) === keyOf({ ...place, keys }))
  );
}

const nameOf = (place: LeasePlace): string => JSON.stringify([place.store, place.resource, keyOf(place)]);

/** The key in a Redis; null in any other store, where there is none to choose. */
export function keyOf({ resource, store, keys }: LeasePlace): string | null {
  return store === 'memory' || storePath(store) !== null ? null : leaseKeys(resource, keys).mirror;
}
