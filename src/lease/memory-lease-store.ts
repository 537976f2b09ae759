import { Observable, Subject } from 'rxjs';
import { StoreUnavailableError, UsageError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import {
  decideAcquire,
  decideRelease,
  decideRenew,
  type Decision,
  type StoreMoment,
} from './lease-protocol.ts';
import { viewOf, type LeaseRecord } from './lease-record.ts';
import { signalBetween } from './lease-signal.ts';
import type { CallOptions, LeaseSignal, LeaseStore, LeaseStoreDescription } from './lease-store.ts';

export interface MemoryLeaseOptions {
  /** Default the system's. */
  readonly clock?: Clock;
  /** Whether a resource never seen before may be taken at once. Default `trust`: the data cannot outlive its users. */
  readonly freshStore?: 'wait' | 'trust';
  /** Extra wait after a loss of data, in milliseconds. Default 0. */
  readonly settleMs?: number;
}

/**
 * Leases in the memory of one process: for tests, for elections among parts of one program, and, private to one
 * election, for the disabled mode.
 */
export class MemoryLeaseStore implements LeaseStore {
  readonly #records = new Map<string, LeaseRecord>();
  readonly #signals = new Subject<LeaseSignal>();
  readonly #clock: Clock;
  readonly #options: Required<Omit<MemoryLeaseOptions, 'clock'>>;
  readonly #description: LeaseStoreDescription;
  #incarnation = 1;
  #closed = false;

  constructor(options: MemoryLeaseOptions, description: LeaseStoreDescription) {
    const { clock = systemClock, freshStore = 'trust', settleMs = 0 } = options;
    this.#clock = clock;
    this.#options = { freshStore, settleMs };
    this.#description = description;
  }

  readonly acquire: LeaseStore['acquire'] = async (request, options) =>
    this.#decide(request.resource, options, (before, moment) => decideAcquire(before, request, moment));

  readonly renew: LeaseStore['renew'] = async (request, options) =>
    this.#decide(request.resource, options, (before, moment) => decideRenew(before, request, moment));

  readonly release: LeaseStore['release'] = async (request, options) =>
    this.#decide(request.resource, options, (before) => decideRelease(before, request));

  readonly read: LeaseStore['read'] = async (resource, { signal }) => {
    this.#assertUsable(signal);
    const record = this.#records.get(resource);
    return record ? viewOf(resource, record, this.#clock.monotonicMs()) : null;
  };

  watch(resource: string): Observable<LeaseSignal> {
    return new Observable((subscriber) =>
      this.#signals.subscribe({
        next: (signal) => {
          if (signal.resource === resource) subscriber.next(signal);
        },
        complete: () => subscriber.complete(),
      }),
    );
  }

  describe(): LeaseStoreDescription {
    return this.#description;
  }

  /** Forgets everything, as a server does that restarts empty. For tests. */
  loseData(): void {
    this.#records.clear();
    this.#incarnation++;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#signals.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One decision is one turn of the event loop, and with it atomic. */
  #decide<Reply>(
    resource: string,
    { signal }: CallOptions,
    decide: (before: LeaseRecord | null, moment: StoreMoment) => Decision<Reply>,
  ): Reply {
    this.#assertUsable(signal);
    const now = this.#clock.monotonicMs();
    const before = this.#records.get(resource) ?? null;
    const incarnation = String(this.#incarnation);
    const { reply, record } = decide(before, { now, incarnation, tokenFloor: 0n, ...this.#options });
    if (record) this.#records.set(resource, record);
    const news = signalBetween(resource, before, record, now);
    if (news) this.#signals.next(news);
    return reply;
  }

  #assertUsable(signal: AbortSignal): void {
    if (this.#closed) throw new UsageError('STORE_CLOSED', 'The memory lease store was closed.');
    if (signal.aborted)
      throw new StoreUnavailableError('STORE_TIMEOUT', 'The call was given up before it was made.', {
        outcomeUnknown: false,
        cause: signal.reason,
      });
  }
}

/**
 * Leases in this process's memory. All elections that compete must share the store.
 *
 * @example
 * const leases = memoryLeases();
 * const [a, b] = ['a', 'b'].map((candidateId) => createLeaderElection({ resource: 'r', leases, candidateId }));
 */
export function memoryLeases(options: MemoryLeaseOptions = {}): MemoryLeaseStore {
  return new MemoryLeaseStore(options, {
    kind: 'memory',
    location: 'memory',
    scope: 'process',
    push: true,
    caveats: [],
  });
}

/** A store nobody else uses, so that it always grants: the disabled mode runs the same code path as any other. */
export function disabledLeases(options: MemoryLeaseOptions = {}): MemoryLeaseStore {
  return new MemoryLeaseStore(options, {
    kind: 'disabled',
    location: 'none',
    scope: 'process',
    push: false,
    caveats: ['Leader election is disabled: several replicas in this mode would all lead.'],
  });
}
