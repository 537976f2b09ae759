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

/** Options of `tryAcquire` and `tryRun`. */
export interface TaskOptions {
  /** Gives up waiting for the store's answer, at once. */
  readonly signal?: AbortSignal;
}

/** What became of `tryRun`: the value of the work, or that somebody else runs it. */
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
  if (signal?.aborted) return Promise.reject(signal.reason);
  const resource = `${settings.resource}/${task}`;
  // An id of its own for each try: attempts are counted for each id, and this chart counts from 1.
  const candidateId = `${settings.candidateId}.${settings.randomness.id()}`;
  const stream = `leadership/${resource}/${candidateId}`;
  const journal = settings.taskJournal();
  const own = { resource, candidateId, stream, journal, startPaused: false };
  const driver = new LeadershipDriver({ ...settings, ...own });
  let stopping: Promise<void> | null = null;
  const stop = () => {
    if (stopping === null) {
      const done = Promise.withResolvers<void>();
      // Before anything happens: what it ends may ask for it again.
      stopping = done.promise;
      leaveFor(driver, settings).then(done.resolve, done.reject);
    }
    return stopping;
  };
  let failure: Failure | null = null;
  driver.actor.on('storeUnavailable', ({ error }) => (failure = error));
  return new Promise((resolve, reject) => {
    const answered = () => {
      subscription.unsubscribe();
      signal?.removeEventListener('abort', onAbort);
    };
    const leave = (settle: () => void) => {
      answered();
      void stop().then(settle, reject);
    };
    const fail = (error: unknown) => {
      answered();
      reject(error);
    };
    const onAbort = () => {
      // Nobody waits for the store: a lease it may still grant is handed over in the background.
      fail(signal?.reason);
      void stop().catch(() => {});
    };
    const next = (snapshot: SnapshotFrom<typeof leadershipMachine>) => {
      const { context } = snapshot;
      if (snapshot.matches('leader')) {
        const term = driver.term;
        if (term === null) return leave(() => resolve({ holder: null }));
        answered();
        // A lease that was lost is not contended for again: this is one term, and its holder knows no other.
        driver.actor.on('lostLeadership', () => void stop().catch(() => {}));
        resolve({ lease: { resource, term, release: stop, [Symbol.asyncDispose]: stop } });
      } else if (snapshot.matches({ follower: 'backingOff' })) {
        leave(() => reject(unavailable(resource, failure)));
      } else if (snapshot.matches('follower') && context.attempt > 0) {
        leave(() => resolve({ holder: context.known?.holder ?? null }));
      }
    };
    const subscription = driver.actor.subscribe({ next, error: fail });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      driver.start();
    } catch (error) {
      fail(error);
    }
  });
}

/** Ends the term, hands the lease over, closes the stream. */
async function leaveFor(driver: LeadershipDriver, { clock }: ElectionSettings): Promise<void> {
  driver.tell({ type: 'stop', at: clock.monotonicMs() });
  await new Promise<void>((resolve) => {
    if (driver.actor.getSnapshot().status !== 'active') return resolve();
    driver.actor.subscribe({ error: () => resolve(), complete: resolve });
  });
  await driver.dispose();
}

function unavailable(resource: string, failure: Failure | null): StoreUnavailableError {
  const message = `The lease store could not be asked for "${resource}": ${failure?.message ?? 'no reason given.'}`;
  return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: true });
}
