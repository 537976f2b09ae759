import { existsSync } from 'node:fs';
import type { LeaseStore, LeaseView } from '../lease/lease-store.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { openLeases, resolveStore, storeName, storePath, textOfStore } from './lease-stores.ts';
import { liveMembers, type LocalMember } from './local-members.ts';
import { codeOf, defaultResource, placesIn } from './member-places.ts';
import type { MemberStatus } from './member-status.ts';

/** Who leads what, as far as one can tell here: the store's word, and what each local member says of itself. */
export interface LeaseOverview {
  readonly resource: string;
  /** What the store is called, without a secret. */
  readonly store: string;
  /** Holder id of whoever holds a lease that has not ended. */
  readonly leader: string | null;
  /** The record as the store has it; null if it holds none or cannot be read from here. */
  readonly lease: LeaseView | null;
  /** Why the store could not be read. */
  readonly problem: string | null;
  readonly members: readonly LocalMember[];
}

export interface OverviewOptions {
  readonly dir: string;
  readonly resource?: string | undefined;
  readonly store?: string | undefined;
}

const READ_TIMEOUT_MS = 2000;
/** Members do not tell it. */
const PASSWORD_UNKNOWN = 'its password is not known here; give it by --store';

/** Reads stores without making any, and keeps them open from one look to the next. */
export class Overseer implements AsyncDisposable {
  readonly #options: OverviewOptions;
  readonly #stores = new Map<string, LeaseStore>();

  /** @throws SettingsError for a store there is not */
  constructor(options: OverviewOptions) {
    const { store } = options;
    this.#options = { ...options, store: store === undefined ? undefined : resolveStore(store) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores.values()) await store.close();
  }

  /**
   * One overview for each resource: the one asked for, else all that local members are in, else the default one.
   */
  async look(): Promise<LeaseOverview[]> {
    const { dir, resource } = this.#options;
    const store = this.#options.store === undefined ? undefined : storeName(this.#options.store);
    const members = await liveMembers(dir);
    const known = members.flatMap(({ status }) => status ?? []);
    const byDefault = store ?? `sqlite:${placesIn(dir).leases}`;
    const places = new Map<string, { resource: string; store: string }>();
    for (const member of known)
      if ((resource ?? member.resource) === member.resource && (store ?? member.store) === member.store)
        places.set(`${member.store} ${member.resource}`, { resource: member.resource, store: member.store });
    if (places.size === 0) places.set('', { resource: resource ?? defaultResource(), store: byDefault });
    return Promise.all(
      [...places.values()].map((place) =>
        this.#overview(
          place,
          members.filter(({ status }) => status === null || belongs(status, place)),
        ),
      ),
    );
  }

  async #overview(
    { resource, store }: { readonly resource: string; readonly store: string },
    members: readonly LocalMember[],
  ): Promise<LeaseOverview> {
    const text = this.#textOf(store);
    if (text === null) {
      const problem = store === 'memory' ? null : PASSWORD_UNKNOWN;
      return { resource, store, leader: leaderBy(members), lease: null, problem, members };
    }
    const path = storePath(store);
    const problem = path !== null && !existsSync(path) ? 'no such file' : null;
    try {
      const keys = members.find(({ status }) => status !== null)?.status?.keys ?? {};
      const lease = problem === null ? await this.#read(text, resource, keys) : null;
      const leader = lease !== null && lease.remainingMs > 0 ? lease.holder : null;
      return { resource, store, leader, lease, problem, members };
    } catch (error) {
      const why = error instanceof Error ? error.message : codeOf(error);
      return { resource, store, leader: null, lease: null, problem: why, members };
    }
  }

  /** What to open a store by; null for one in a member's memory, and where a password is missing. */
  #textOf(name: string): string | null {
    const { store } = this.#options;
    if (name === 'memory') return null;
    if (store !== undefined && storeName(store) === name) return store;
    return textOfStore(name);
  }

  async #read(store: string, resource: string, keys: MemberStatus['keys']): Promise<LeaseView | null> {
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

function belongs(
  status: { readonly resource: string; readonly store: string },
  place: { readonly resource: string; readonly store: string },
): boolean {
  return status.resource === place.resource && status.store === place.store;
}
