import { Observable } from 'rxjs';
import { StoreUnavailableError, UsageError } from '../../src/errors.ts';
import type { CallOptions, LeaseSignal, LeaseStore } from '../../src/lease/lease-store.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Random } from '../../src/simulation/random.ts';
import {
  shippedProtocol,
  type StoreCall,
  type StoreCallKind,
  type StoreModel,
  type StoreModelOptions,
  type StoreReplies,
} from '../../src/simulation/simulated-store.ts';
import type { LeaseStoreContract, LeaseStoreFixture } from './lease-store-fixture.ts';

/** Models of servers behind the port, without any network between. */

/** Short, so that a clock half a percent off is not off by more than rounding. */
export const LEASE_MS = 200;

/** What a model is made with in tests. */
export function modelOptions(clock: VirtualClock, more: Partial<StoreModelOptions> = {}): StoreModelOptions {
  return {
    clock,
    random: new Random('contract'),
    protocol: shippedProtocol,
    leaseMs: LEASE_MS,
    sometimes: () => {},
    ...more,
  };
}

/** The store port of one member, straight to the model. */
export function storeOver(model: StoreModel, member = 'm0'): LeaseStore {
  let closed = false;
  const ended = new Set<() => void>();
  const call = async <K extends StoreCallKind>(
    { signal }: CallOptions,
    request: Extract<StoreCall, { kind: K }>,
  ): Promise<StoreReplies[K]> => {
    if (closed) throw new UsageError('STORE_CLOSED', 'The store was closed.');
    if (signal.aborted)
      throw new StoreUnavailableError('STORE_TIMEOUT', 'Given up before it was made.', {
        outcomeUnknown: false,
      });
    return model.execute(request, member) as StoreReplies[K];
  };
  return {
    acquire: (request, options) => call<'acquire'>(options, { kind: 'acquire', request }),
    renew: (request, options) => call<'renew'>(options, { kind: 'renew', request }),
    release: (request, options) => call<'release'>(options, { kind: 'release', request }),
    read: (resource, options) => call<'read'>(options, { kind: 'read', request: { resource } }),
    watch: (resource) =>
      new Observable<LeaseSignal>((subscriber) => {
        subscriber.add(
          model.signals.subscribe((signal) => {
            if (signal.resource === resource) subscriber.next(signal);
          }),
        );
        const end = () => subscriber.complete();
        ended.add(end);
        subscriber.add(() => ended.delete(end));
      }),
    describe: () => model.description,
    close: async () => {
      closed = true;
      for (const end of ended) end();
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The contract's fixture over a model; `lose` takes its data. */
export function simulatedContract<M extends StoreModel>(
  name: string,
  create: (options: StoreModelOptions & { readonly freshStore: 'wait' | 'trust' }) => M,
  lose: (model: M) => void,
): LeaseStoreContract {
  return {
    name,
    leaseMs: LEASE_MS,
    create: async ({ freshStore }): Promise<LeaseStoreFixture> => {
      const clock = new VirtualClock();
      const model = create({ ...modelOptions(clock), freshStore });
      let members = 0;
      return {
        store: storeOver(model),
        anotherMember: () => storeOver(model, `m${(members += 1)}`),
        advance: async (ms) => clock.advance(ms),
        nowMs: () => clock.nowMs,
        loseData: async () => lose(model),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}
