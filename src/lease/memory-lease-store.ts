import { Observable, Subject } from 'rxjs';
import { StoreUnavailableError, UsageError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { LeaseRecord } from './lease-record.ts';
import { decideAcquire, decideRelease, decideRenew, type Decision, type StoreMoment } from './lease-protocol.ts';
import type {
  CallOptions,
  LeaseSignal,
  LeaseStore,
  LeaseStoreDescription,
  LeaseView,
  RenewRequest,
} from './lease-store.ts';

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

  readonly acquire: LeaseStore['acquire'] = async (request, options) => {
    const { reply } = this.#decide(request.resource, options, (before, moment) =>
      decideAcquire(before, request, moment),
    );
    if (reply.kind === 'won') this.#tellHeld('acquired', request.resource);
    return reply;
  };

  readonly renew: LeaseStore['renew'] = async (request: RenewRequest, options) => {
    const { reply } = this.#decide(request.resource, options, (before, moment) =>
      decideRenew(before, request, moment),
    );
    if (reply.kind === 'renewed') this.#tellHeld('renewed', request.resource);
    return reply;
  };

  readonly release: LeaseStore['release'] = async (request, options) => {
    const { reply } = this.#decide(request.resource, options, (before) => decideRelease(before, request));
    const { resource, token } = request;
    if (reply.released) this.#signals.next({ kind: 'released', resource, token });
    return reply;
  };

  readonly read: LeaseStore['read'] = async (resource, { signal }): Promise<LeaseView | null> => {
    this.#assertUsable(signal);
    const record = this.#records.get(resource);
    if (!record) return null;
    const { holder, token, term, beat, leaseMs, expiresAt } = record;
    const remainingMs = holder === null ? 0 : Math.max(0, expiresAt - this.#clock.monotonicMs());
    return { resource, holder, token, term, beat, leaseMs, remainingMs };
  };

  watch(resource: string): Observable<LeaseSignal> {
    return new Observable((subscriber) =>
      this.#signals.subscribe((signal) => {
        if (signal.resource === resource) subscriber.next(signal);
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
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #decide<R>(
    resource: string,
    { signal }: CallOptions,
    decide: (before: LeaseRecord | null, moment: StoreMoment) => Decision<R>,
  ): Decision<R> {
    this.#assertUsable(signal);
    const moment = {
      now: this.#clock.monotonicMs(),
      incarnation: String(this.#incarnation),
      tokenFloor: 0n,
      ...this.#options,
    };
    const decision = decide(this.#records.get(resource) ?? null, moment);
    if (decision.record) this.#records.set(resource, decision.record);
    return decision;
  }

  #tellHeld(kind: 'acquired' | 'renewed', resource: string): void {
    const { holder, token, beat, leaseMs } = this.#records.get(resource) as LeaseRecord;
    if (holder !== null) this.#signals.next({ kind, resource, holder, token, beat, leaseMs, ageMs: 0 });
  }

  #assertUsable(signal: AbortSignal): void {
    if (this.#closed) throw new UsageError('STORE_CLOSED', 'The memory lease store was closed.');
    if (signal.aborted)
      throw new StoreUnavailableError('STORE_UNAVAILABLE', 'The call was given up before it was made.', {
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
