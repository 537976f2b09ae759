import { StoreUnavailableError, UsageError } from '../errors.ts';
import type { CallOptions, LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { StoreCall, StoreReply } from './simulated-store.ts';

/**
 * What members asked of a lease store and were told, with the times of both: what `checkLeaseHistory` judges. It is
 * collected at the port, so that simulated and real stores are judged alike. All times are of one clock: true time in
 * a simulation, the host's monotonic clock for processes of one host.
 */
export type LeaseOperation = StoreCall & {
  /** Who asked: its holder id, or any name for who only reads. */
  readonly by: string;
  readonly calledAt: number;
  /** Null while nobody knows whether, and how, it was executed. */
  readonly returnedAt: number | null;
  /** Null where `returnedAt` is; a `read` may be answered with `null`, too. */
  readonly reply: StoreReply | null;
};

/** Most operations of one history; what comes later is not kept, and said so by `overflowed`. */
export const HISTORY_MAX = 100_000;

/** Collects operations of any number of members. */
export class LeaseHistory {
  readonly #operations: { operation: LeaseOperation | null }[] = [];
  /** How many were not kept. */
  overflowed = 0;

  /** In the order they were called; those known not to have been executed are left out. */
  get operations(): readonly LeaseOperation[] {
    return this.#operations.flatMap(({ operation }) => operation ?? []);
  }

  /**
   * The store of one member, recorded.
   *
   * @param clock The common one, not the member's own.
   *
   * @example
   * const history = new LeaseHistory();
   * const leases = history.recording(sqliteLeases({ path: 'leases.db' }), systemClock);
   * // … elections over `leases` …
   * checkLeaseHistory(history.operations).violation; // null
   */
  recording(leases: LeaseStore, clock: Clock, reader = 'reader'): LeaseStore {
    const call = <R extends StoreReply>(
      asked: StoreCall,
      by: string,
      execute: () => Promise<R>,
    ): Promise<R> => this.#record({ ...asked, by }, clock, execute);
    return {
      acquire: (request, options: CallOptions) =>
        call({ kind: 'acquire', request }, request.id, () => leases.acquire(request, options)),
      renew: (request, options: CallOptions) =>
        call({ kind: 'renew', request }, request.id, () => leases.renew(request, options)),
      release: (request, options: CallOptions) =>
        call({ kind: 'release', request }, request.id, () => leases.release(request, options)),
      read: (resource, options) =>
        call({ kind: 'read', request: { resource } }, reader, () => leases.read(resource, options)),
      watch: (resource) => leases.watch(resource),
      describe: () => leases.describe(),
      close: () => leases.close(),
      [Symbol.asyncDispose]: () => leases.close(),
    };
  }

  async #record<R extends StoreReply>(
    asked: StoreCall & { readonly by: string },
    clock: Clock,
    execute: () => Promise<R>,
  ): Promise<R> {
    const kept: { operation: LeaseOperation | null } = {
      operation: { ...asked, calledAt: clock.monotonicMs(), returnedAt: null, reply: null },
    };
    if (this.#operations.length < HISTORY_MAX) this.#operations.push(kept);
    else this.overflowed += 1;
    try {
      const reply = await execute();
      if (kept.operation) kept.operation = { ...kept.operation, returnedAt: clock.monotonicMs(), reply };
      return reply;
    } catch (error) {
      const refused =
        error instanceof StoreUnavailableError ? !error.outcomeUnknown : error instanceof UsageError;
      if (refused) kept.operation = null;
      throw error;
    }
  }
}
