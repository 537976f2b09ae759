import type { AnyStateMachine, Snapshot } from 'xstate';
import { JournalError } from '../errors.ts';
import { chainAfter } from '../journal/checkpoint.ts';
import { formatDivergence } from '../journal/divergence.ts';
import type { Journal } from '../journal/journal.ts';
import type { PendingTimer } from '../journal/pending-timers.ts';
import { foldStream, type SnapshotCache } from '../journal/snapshot-cache.ts';
import { encodeValue } from '../journal/values.ts';
import type { Clock } from './clock.ts';
import { eventSourced, resumedFrom, type EventSourcedOptions } from './event-sourced.ts';
import { bootId } from './identity.ts';
import { systemClock } from './system-clock.ts';
import { persistState } from './xstate-shapes.ts';

/**
 * Recovery of an actor from its journal, where XState's own restore forgets timers: state and context are those after
 * the last record, timers wait for what was left of them, and the journal goes on with the next number.
 *
 * Of the actors it had started it guarantees this: each that had not ended begins anew with the input it had. A
 * promise is thus executed again (at least once in all), a callback or observable is subscribed again, a child machine
 * starts from its beginning, and from its own journal if it is recovered by itself. A child that had ended is not
 * started again.
 */
export interface RecoverOptions extends EventSourcedOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Snapshots to begin with instead of the first record, where one fits. */
  readonly cache?: SnapshotCache;
}

/** What `recover` made of a stream: all that `createActor` needs to go on. */
export interface Recovered<TMachine> {
  /** Give this to `createActor`. */
  readonly logic: TMachine;
  /** Spread these into its options; empty when the stream is. */
  readonly options: { readonly snapshot?: Snapshot<unknown>; readonly id?: string };
  /** Sequence number the actor goes on from; 0 for a fresh one. */
  readonly seq: number;
  /** How many records had to be folded. */
  readonly folded: number;
  /** Whether a cached snapshot spared the rest. */
  readonly fromSnapshot: boolean;
  /** How the actor had ended, and then it ends again as soon as it starts; null for one that goes on. */
  readonly ended: 'done' | 'error' | null;
  /** What is left of its timers, in milliseconds, in the order they are due. */
  readonly timers: readonly { readonly type: string; readonly id: string | null; readonly leftMs: number }[];
  /**
   * Delayed messages to other actors that were due before now: whether they were sent cannot be told, so they are not
   * sent again.
   */
  readonly inDoubt: readonly { readonly type: string; readonly to: string }[];
}

/**
 * Reads an actor's stream and prepares what `createActor` needs to go on where it ends. An empty stream makes a fresh
 * actor.
 *
 * @throws JournalError `REPLAY_DIVERGED` when this chart does not reproduce what was recorded, `REPLAY_INCOMPATIBLE`
 *   when secrets were taken out of the records: what is not there cannot be restored.
 * @example
 * const { logic, options } = await recover(orderMachine, { journal, stream: 'orders/17', recovery: 'resume' });
 * const actor = createActor(logic, { ...options, clock: systemClock, input }).start();
 */
export async function recover<TMachine extends AnyStateMachine>(
  machine: TMachine,
  options: RecoverOptions,
): Promise<Recovered<TMachine>> {
  const { journal, stream, cache, clock = systemClock, boot = bootId() } = options;
  const { replayer, last, folded, begunAt, redacted } = await foldStream(
    journal,
    stream,
    machine,
    cache ?? null,
  );
  const { fold } = replayer;
  if (last === null || fold.snapshot === null) {
    const fresh = { seq: 0, folded: 0, fromSnapshot: false, ended: null, timers: [], inDoubt: [] };
    return { logic: eventSourced(machine, options), options: {}, ...fresh };
  }
  refuse(replayer.result().divergence, redacted, stream);
  const { snapshot, named } = fold;
  const { status } = snapshot;
  const due = fold.timers
    .map((timer) => ({ timer, ...leftOf(timer, clock, boot) }))
    .toSorted((a, b) => a.dueMs - b.dueMs);
  const kept = due.filter(({ timer, leftMs }) => timer.to === null || leftMs > 0);
  const lost = due.filter(({ timer, leftMs }) => timer.to !== null && leftMs === 0);
  const state = encodeValue(persistState(snapshot, fold.endedChildren));
  const head = { seq: last.seq, chain: chainAfter(last) };
  const timers = kept.map(({ timer, leftMs }) => ({
    timer: { ...timer, event: encodeValue(timer.event) },
    leftMs,
  }));
  const resume = { head, timers, state, logicOf: fold.logicOf };
  return {
    logic: resumedFrom(machine, options, resume),
    options: { snapshot: { status: 'active', output: undefined, error: undefined }, id: named.actor },
    seq: last.seq,
    folded,
    fromSnapshot: begunAt !== null,
    ended: status === 'done' || status === 'error' ? status : null,
    timers: kept.map(({ timer, leftMs }) => ({ type: typeOf(timer), id: timer.id, leftMs })),
    inDoubt: lost.map(({ timer }) => ({ type: typeOf(timer), to: timer.to ?? '' })),
  };
}

/**
 * What is left of a timer: within a boot by the monotonic clock, across boots by the wall clock, since that is all the
 * two have in common. Never less than nothing, never more than there was.
 */
export function leftOf(
  { delayMs, mono, wall, boot: setIn }: PendingTimer,
  clock: Clock,
  boot: string,
): { readonly leftMs: number; readonly dueMs: number } {
  const elapsedMs = setIn === boot ? clock.monotonicMs() - mono : clock.wallMs() - wall;
  const dueMs = delayMs - elapsedMs;
  return { dueMs, leftMs: Math.min(delayMs, Math.max(0, dueMs)) };
}

function refuse(
  divergence: Parameters<typeof formatDivergence>[0] | null,
  redacted: boolean,
  stream: string,
): void {
  if (redacted) {
    throw new JournalError(
      'REPLAY_INCOMPATIBLE',
      `Secrets were taken out of the records of ${stream}, so its actor cannot be restored from them. ` +
        'Keep secrets out of the chart, or start it anew.',
      { place: stream },
    );
  }
  if (divergence !== null) {
    const { seq } = divergence;
    throw new JournalError(
      'REPLAY_DIVERGED',
      `The stream ${stream} does not replay:\n${formatDivergence(divergence)}`,
      {
        place: `${stream}@${seq}`,
      },
    );
  }
}

const typeOf = ({ event }: PendingTimer): string => (event as { readonly type: string }).type;
