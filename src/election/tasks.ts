import type { SnapshotFrom } from 'xstate';
import type { Failure, leadershipMachine } from '../../machines/index.ts';
import { StoreUnavailableError } from '../errors.ts';
import { LeadershipDriver } from './driver.ts';
import type { ElectionSettings } from './options.ts';
import type { LeadershipTerm } from './term.ts';

/** A lease of its own for one task. Give it up by `release()` or `await using`. */
export interface Lease extends AsyncDisposable {
  readonly resource: string;
  readonly term: LeadershipTerm;
  release(): Promise<void>;
}

export interface TaskOptions {
  /** Gives up waiting for the store's answer. */
  readonly signal?: AbortSignal;
}

export type TaskOutcome<T> =
  | { readonly ran: true; readonly value: T }
  /** `holder` is null if the lease is waited out rather than held. */
  | { readonly ran: false; readonly holder: string | null };

type Attempt = { readonly lease: Lease } | { readonly holder: string | null };

/** Takes the task's lease if it is free now, renewing it until it is released; null if it is not. */
export async function tryAcquire(
  settings: ElectionSettings,
  task: string,
  options: TaskOptions,
): Promise<Lease | null> {
  const attempt = await attemptOnce(settings, task, options);
  return 'lease' in attempt ? attempt.lease : null;
}

/** Runs `work` under the task's lease; a throw releases the lease and is passed on. */
export async function tryRun<T>(
  settings: ElectionSettings,
  task: string,
  work: (lease: LeadershipTerm) => Promise<T> | T,
  options: TaskOptions,
): Promise<TaskOutcome<T>> {
  const attempt = await attemptOnce(settings, task, options);
  if (!('lease' in attempt)) return { ran: false, holder: attempt.holder };
  await using lease = attempt.lease;
  const running = (async () => work(lease.term))();
  lease.term.waitUntil(running);
  return { ran: true, value: await running };
}

/**
 * Runs the same chart over the task's resource and leaves it at the first answer that is not a won term.
 *
 * @throws StoreUnavailableError if the store could not be asked
 */
function attemptOnce(settings: ElectionSettings, task: string, { signal }: TaskOptions): Promise<Attempt> {
  const resource = `${settings.resource}/${task}`;
  // An id of its own for each try: attempts are counted for each id, and this chart counts from 1.
  const candidateId = `${settings.candidateId}.${settings.randomness.id()}`;
  const stream = `leadership/${resource}/${candidateId}`;
  const driver = new LeadershipDriver({ ...settings, resource, candidateId, stream, startPaused: false });
  const stop = async () => {
    driver.tell({ type: 'stop', at: settings.clock.monotonicMs() });
    await finished(driver);
    await driver.dispose();
  };
  let failure: Failure | null = null;
  driver.actor.on('storeUnavailable', ({ error }) => (failure = error));
  return new Promise((resolve, reject) => {
    const leave = (settle: () => void) => {
      subscription.unsubscribe();
      signal?.removeEventListener('abort', onAbort);
      void stop().then(settle, reject);
    };
    const onAbort = () => leave(() => reject(signal?.reason));
    const next = (snapshot: SnapshotFrom<typeof leadershipMachine>) => {
      const { context } = snapshot;
      if (snapshot.matches('leader')) {
        subscription.unsubscribe();
        signal?.removeEventListener('abort', onAbort);
        const term = driver.term;
        if (term === null) return leave(() => resolve({ holder: null }));
        resolve({ lease: { resource, term, release: stop, [Symbol.asyncDispose]: stop } });
      } else if (snapshot.matches({ follower: 'backingOff' })) {
        leave(() => reject(unavailable(resource, failure)));
      } else if (snapshot.matches('follower') && context.attempt > 0) {
        leave(() => resolve({ holder: context.known?.holder ?? null }));
      }
    };
    const subscription = driver.actor.subscribe({ next, error: reject });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    try {
      driver.start();
    } catch (error) {
      reject(error);
    }
  });
}

function finished(driver: LeadershipDriver): Promise<void> {
  return new Promise((resolve) => {
    if (driver.actor.getSnapshot().status !== 'active') return resolve();
    driver.actor.subscribe({ error: () => resolve(), complete: resolve });
  });
}

function unavailable(resource: string, failure: Failure | null): StoreUnavailableError {
  const message = `The lease store could not be asked for "${resource}": ${failure?.message ?? 'no reason given.'}`;
  return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: true });
}
