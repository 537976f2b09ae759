import { existsSync } from 'node:fs';
import type { LeaseStore, LeaseView } from '../lease/lease-store.ts';
import type { KeyOptions } from '../lease/redis-lease-keys.ts';
import { systemClock } from '../runtime/system-clock.ts';
import {
  isSamePlace,
  keyOf,
  type LeaseFilter,
  type LeasePlace,
  type NamedPlace,
  placesToLookAt,
} from './lease-places.ts';
import { openLeases, storePath, textOfStore } from './lease-stores.ts';
import { liveMembers, type LocalMember } from './local-members.ts';
import { codeOf } from './member-places.ts';

/** Who leads what, as far as one can tell here: the store's word, and what each local member says of itself. */
export interface LeaseOverview {
  readonly resource: string;
  /** What the store is called, without a secret. */
  readonly store: string;
  /** Its key in a Redis; null in any other store. */
  readonly key: string | null;
  /** Holder id of whoever holds a lease that has not ended. */
  readonly leader: string | null;
  /** The record as the store has it; null if it holds none or cannot be read from here. */
  readonly lease: LeaseView | null;
  /** Why the store could not be read. */
  readonly problem: string | null;
  readonly members: readonly LocalMember[];
}

export interface OverviewOptions {
  /** Where members keep their things. */
  readonly directory: string;
  /** What is asked for by flags. */
  readonly filter: LeaseFilter;
  /** The lease of the settings. */
  readonly named: NamedPlace | null;
  /** What is looked at where nobody says anything. */
  readonly otherwise: LeasePlace;
  /** Connection strings that are known, to open by them what others only call by its name. */
  readonly connections: readonly string[];
}

const READ_TIMEOUT_MS = 2000;
/** Members do not tell it. */
const PASSWORD_UNKNOWN = 'its password is not known here; give it by --store';

/** Reads stores without making any, and keeps them open from one look to the next. */
export class Overseer implements AsyncDisposable {
  readonly #options: OverviewOptions;
  readonly #stores = new Map<string, LeaseStore>();

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores.values()) await store.close();
  }

  /** One overview for each lease that members or settings are about, else one of the default lease. */
  async look(): Promise<LeaseOverview[]> {
    const { directory, filter, named, otherwise } = this.#options;
    const members = await liveMembers(directory);
    const known = members.flatMap(({ status }) => status ?? []);
    const places = placesToLookAt(known, filter, named);
    return Promise.all(
      (places.length > 0 ? places : [otherwise]).map((place) =>
        this.#overview(
          place,
          members.filter(({ status }) => status === null || isSamePlace(status, place)),
        ),
      ),
    );
  }

  async #overview(place: LeasePlace, members: readonly LocalMember[]): Promise<LeaseOverview> {
    const { resource, store, keys } = place;
    const seen = { resource, store, key: keyOf(place), members };
    const text = this.#textOf(store);
    if (text === null) {
      const problem = store === 'memory' ? null : PASSWORD_UNKNOWN;
      return { ...seen, leader: leaderBy(members), lease: null, problem };
    }
    const path = storePath(store);
    const problem = path !== null && !existsSync(path) ? 'no such file' : null;
    try {
      const lease = problem === null ? await this.#read(text, resource, keys) : null;
      const leader = lease !== null && lease.remainingMs > 0 ? lease.holder : null;
      return { ...seen, leader, lease, problem };
    } catch (error) {
      const why = error instanceof Error ? error.message : codeOf(error);
      return { ...seen, leader: null, lease: null, problem: why };
    }
  }

  /** What to open a store by; null for one in a member's memory, and where a password is missing. */
  #textOf(name: string): string | null {
    if (name === 'memory') return null;
    return textOfStore(name, process.env, this.#options.connections);
  }

  async #read(store: string, resource: string, keys: KeyOptions): Promise<LeaseView | null> {
    // The same place under other names is another store.
    const name = `${store} ${JSON.stringify(keys)}`;
    const leases = this.#stores.get(name) ?? openLeases(store, undefined, keys);
    this.#stores.set(name, leases);
    const patience = new AbortController();
    const timer = systemClock.setTimeout(() => patience.abort(), READ_TIMEOUT_MS);
    try {
      return await leases.read(resource, { signal: patience.signal });
    } finally {
      systemClock.clearTimeout(timer);
    }
  }
}

/** Where the store cannot be read from here, the members know: the leader itself, or whoever watches its lease. */
function leaderBy(members: readonly LocalMember[]): string | null {
  const leading = members.find(({ status }) => status?.role === 'leader');
  const watched = members.flatMap(
    ({ status }) => ((status?.remainingMs ?? 0) > 0 ? status?.currentLeader : null) ?? [],
  );
  return leading?.member ?? watched[0] ?? null;
}
