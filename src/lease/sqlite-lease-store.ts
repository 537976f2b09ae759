import { extname, resolve } from 'node:path';
import { Observable, Subject } from 'rxjs';
import { SettingsError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { LeaseSignal, LeaseStore, LeaseStoreDescription } from './lease-store.ts';
import { readClockDomain, sharesClock } from './sqlite-clock-domain.ts';
import { checkLeasePath, makeDirectory, realFileSystem } from './sqlite-file-system.ts';
import { SqliteLeaseClient } from './sqlite-lease-client.ts';
import { checkLeaseFile } from './sqlite-lease-database.ts';

/**
 * Leases in one file, for members in several processes of one host.
 *
 * What it promises: one transaction decides, synchronised to disk before the answer; time is the host's monotonic
 * clock, so that no step of the wall clock matters; leases written under another boot or time namespace are waited
 * out on one's own clock; a file that was deleted, moved or replaced is noticed at the next call and counts as a
 * loss of data. All waiting for the disk and for locks happens in a worker thread: a stalled disk makes calls fail,
 * it does not hold up the thread that must step down in time.
 *
 * What it does not: it does not reach beyond one host, and refuses network file systems.
 */
export interface SqliteLeaseOptions {
  /** The file, on a local disk. Made if it is not there, and its directory too if only that one is missing. */
  readonly path: string;
  /**
   * Whether a new file is trusted (`trust`, the default), or the first term of each resource in it waits for one
   * lease, in case that the file was deleted while somebody led (`wait`).
   */
  readonly freshStore?: 'wait' | 'trust';
  /** Time of this thread's own waits; default the system's. Leases live on the host's clock in any case. */
  readonly clock?: Clock;
  /** Told about what is worth a log line. */
  readonly onNotice?: (notice: SqliteLeaseNotice) => void;
}

/**
 * - `replaced`: the path leads to another file than before.
 * - `worker-lost`: the thread that asks the disk died and is started again.
 * - `watch-lost`, `watch-restored`: the system does not tell of changes of the file; waiting members ask when the
 *   lease they know of ends.
 */
export interface SqliteLeaseNotice {
  readonly kind: 'replaced' | 'worker-lost' | 'watch-lost' | 'watch-restored';
  readonly message: string;
}

/**
 * Opens leases in a SQLite file.
 *
 * @throws SettingsError `SETTINGS_INVALID`, `DIRECTORY_UNWRITABLE`, `STORE_ON_NETWORK_FS`, `STORE_NOT_A_DATABASE`;
 * calls reject with these too, if the path becomes unusable later
 * @example
 * await using leases = sqliteLeases({ path: '/var/lib/billing/leases.db' });
 * await using election = createLeaderElection({ resource: 'billing', leases });
 */
export function sqliteLeases(options: SqliteLeaseOptions): LeaseStore {
  return new SqliteLeaseStore(options);
}

class SqliteLeaseStore implements LeaseStore {
  readonly #path: string;
  readonly #freshStore: 'wait' | 'trust';
  readonly #client: SqliteLeaseClient;
  readonly #signals = new Subject<LeaseSignal>();
  /** How many watch each resource. */
  readonly #watchers = new Map<string, number>();

  constructor({ path, freshStore = 'trust', clock = systemClock, onNotice = () => {} }: SqliteLeaseOptions) {
    if (path === '')
      throw new SettingsError('SETTINGS_INVALID', 'path is empty; name a file, such as leases.db.');
    this.#path = resolve(path);
    this.#freshStore = freshStore;
    makeDirectory(this.#path);
    if (checkLeasePath(this.#path, realFileSystem) === 'there') checkLeaseFile(this.#path);
    this.#client = new SqliteLeaseClient({
      worker: new URL(`./sqlite-lease-worker${extname(import.meta.url)}`, import.meta.url),
      options: { path: this.#path, freshStore },
      clock,
      onNotice,
      onSignal: (signal) => this.#signals.next(signal),
    });
  }

  readonly acquire: LeaseStore['acquire'] = (request, { signal }) =>
    this.#client.call('acquire', request, signal);

  readonly renew: LeaseStore['renew'] = (request, { signal }) => this.#client.call('renew', request, signal);

  readonly release: LeaseStore['release'] = (request, { signal }) =>
    this.#client.call('release', request, signal);

  readonly read: LeaseStore['read'] = (resource, { signal }) =>
    this.#client.call('read', { resource }, signal);

  watch(resource: string): Observable<LeaseSignal> {
    return new Observable((subscriber) => {
      const told = this.#signals.subscribe({
        next: (signal) => {
          if (signal.resource === resource) subscriber.next(signal);
        },
        complete: () => subscriber.complete(),
      });
      this.#count(resource, 1);
      return () => {
        told.unsubscribe();
        this.#count(resource, -1);
      };
    });
  }

  describe(): LeaseStoreDescription {
    const caveats: string[] = [];
    if (this.#freshStore === 'trust') {
      caveats.push(
        'A member that has seen no leader yet trusts a new file: deleting the file while another leads makes two ' +
          "leaders for at most one lease. freshStore: 'wait' waits that lease at the first start instead.",
      );
    }
    if (!sharesClock(readClockDomain())) {
      caveats.push(
        'This system does not tell which boot it is in: a lease that its leader did not release ends only when it ' +
          'was watched unchanged for as long as it lasts.',
      );
    }
    return { kind: 'sqlite', location: this.#path, scope: 'host', push: true, caveats };
  }

  async close(): Promise<void> {
    await this.#client.close();
    this.#signals.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #count(resource: string, change: 1 | -1): void {
    const watchers = (this.#watchers.get(resource) ?? 0) + change;
    const others = this.#watchers.size;
    if (watchers === 0) this.#watchers.delete(resource);
    else this.#watchers.set(resource, watchers);
    if (this.#watchers.size !== others) this.#client.watch([...this.#watchers.keys()]);
  }
}
