import type {
  AcquireRequest,
  CallOptions,
  LeaseStore,
  ReleaseRequest,
  RenewRequest,
} from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Instruments } from './instruments.ts';
import { METRICS, type STORE_OUTCOMES } from './metric-catalogue.ts';

/** What stands for all resources but those of observed elections: tasks may be as many as there are orders. */
export const OTHER_RESOURCES = 'others';

export interface MeasuringOptions {
  readonly instruments: Instruments;
  readonly clock: Clock;
  /** Whether a resource is told of by its name. */
  readonly isNamed: (resource: string) => boolean;
}

type Outcomes = typeof STORE_OUTCOMES;
type Outcome<O extends keyof Outcomes> = Outcomes[O][number];

/** The same store, whose calls are timed. What it answers and throws passes through as it is. */
export class MeasuredLeaseStore implements LeaseStore {
  readonly #store: LeaseStore;
  readonly #options: MeasuringOptions;

  constructor(store: LeaseStore, options: MeasuringOptions) {
    this.#store = store;
    this.#options = options;
  }

  acquire(request: AcquireRequest, options: CallOptions) {
    const call = () => this.#store.acquire(request, options);
    return this.#measured('acquire', request.resource, options, call, ({ kind }) => kind);
  }

  renew(request: RenewRequest, options: CallOptions) {
    const call = () => this.#store.renew(request, options);
    return this.#measured('renew', request.resource, options, call, ({ kind }) => kind);
  }

  release(request: ReleaseRequest, options: CallOptions) {
    const call = () => this.#store.release(request, options);
    const outcome = ({ released }: { readonly released: boolean }) =>
      released ? 'released' : 'not_released';
    return this.#measured('release', request.resource, options, call, outcome);
  }

  read(resource: string, options: CallOptions) {
    return this.#measured(
      'read',
      resource,
      options,
      () => this.#store.read(resource, options),
      () => 'read',
    );
  }

  watch(resource: string) {
    return this.#store.watch(resource);
  }

  describe() {
    return this.#store.describe();
  }

  close() {
    return this.#store.close();
  }

  [Symbol.asyncDispose]() {
    return this.#store[Symbol.asyncDispose]();
  }

  async #measured<O extends keyof Outcomes, R>(
    operation: O,
    resource: string,
    { signal }: CallOptions,
    call: () => Promise<R>,
    outcomeOf: (reply: R) => Outcome<O>,
  ): Promise<R> {
    const { clock, instruments, isNamed } = this.#options;
    const sentAt = clock.monotonicMs();
    const tell = (outcome: string) => {
      const attributes = { resource: isNamed(resource) ? resource : OTHER_RESOURCES, operation, outcome };
      const seconds = (clock.monotonicMs() - sentAt) / 1000;
      instruments.record(METRICS.election.storeDuration, seconds, attributes);
    };
    try {
      const reply = await call();
      tell(outcomeOf(reply));
      return reply;
    } catch (error) {
      tell(signal.aborted ? 'given_up' : 'failed');
      throw error;
    }
  }
}
