import type { LeaderElection } from '../leader-election.ts';
import type { Clock } from '../runtime/clock.ts';

/**
 * Whether a restart would help. A chart that works moves: every state but `paused` has a timer, and none of them is
 * longer than what its context says. One that has not moved for several times that long, or has failed, will not come
 * back by itself; nor will a leader that does not step down when its lease is over. A store that is gone is no reason:
 * the chart moves from wait to wait.
 */

/** A timer may be late by this many times its length. */
const LATE_FACTOR = 3;
/** And by this, in milliseconds, whatever its length: a busy host, a long pause of the process. */
const LATE_MS = 10_000;
/** What a leader may take to notice that its lease is over, in milliseconds. */
const STEP_DOWN_MS = 2000;
/** What is found wrong is looked at once more after this, in milliseconds: timers that are due come first after a freeze. */
const LOOK_AGAIN_MS = 100;

export class ElectionLiveness {
  readonly #election: LeaderElection;
  readonly #clock: Clock;
  #movedAt: number;

  constructor(election: LeaderElection, clock: Clock) {
    this.#election = election;
    this.#clock = clock;
    this.#movedAt = clock.monotonicMs();
    election.actor.subscribe({ next: () => (this.#movedAt = clock.monotonicMs()), error: () => {} });
  }

  /** Null: it is alive; else why not. */
  async problem(): Promise<string | null> {
    if (this.#judge() === null) return null;
    await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, LOOK_AGAIN_MS));
    return this.#judge();
  }

  #judge(): string | null {
    const snapshot = this.#election.actor.getSnapshot();
    if (snapshot.status === 'error') return 'The election failed and takes no part any more.';
    if (!this.#election.isRunning || snapshot.status !== 'active') return null;
    const now = this.#clock.monotonicMs();
    const { term, waitMs, timings, longestMs, known } = snapshot.context;
    if (snapshot.matches('leader') && term !== null && now > term.validUntil + STEP_DOWN_MS)
      return `The lease of term ${term.number} is over, and this member has not stepped down.`;
    if (snapshot.matches({ follower: 'paused' })) return null;
    const { callTimeoutMs, drainMs, journalMs, graceMs } = timings;
    const longestWaitMs = Math.max(waitMs, longestMs + graceMs, callTimeoutMs, drainMs, journalMs);
    const knownMs = known === null ? 0 : Math.max(0, known.endsAt - this.#movedAt);
    const silentMs = now - this.#movedAt;
    if (silentMs <= LATE_FACTOR * Math.max(longestWaitMs, knownMs) + LATE_MS) return null;
    return `The election has not moved for ${Math.round(silentMs / 1000)} s.`;
  }
}
