import type { LeaderElection } from '../leader-election.ts';
import type { LeaseView } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { exceptionOf, type HealthResult, stateName } from './health.ts';

/**
 * The health of an election. A leader asks the store all the time; a follower may not ask it for a whole lease. So one
 * is asked on its behalf when somebody wants to know, and not more often than makes sense: a store that is gone shows
 * within a lease of its going, and at once where it does not answer the follower's own requests.
 */

/** The store is asked at most once in this, in milliseconds; whoever asks meanwhile gets the same answer. */
const ASK_EVERY_MS = 1000;
/** Longest wait for its answer, in milliseconds: those who probe give up early. */
const ANSWER_MS_MAX = 1000;
/** A store that has not answered for this part of a lease is gone; before, it may be a hiccup. */
const GONE_PART = 1 / 3;

/** What the store said when it was last asked. */
interface StoreAnswer {
  readonly view: LeaseView | null;
  readonly exception: string | null;
  /** Whether it has been silent for too long. */
  readonly isGone: boolean;
}

export class ElectionHealth {
  readonly #election: LeaderElection;
  readonly #followerIs: 'degraded' | 'healthy';
  readonly #clock: Clock;
  #askedAt = -Infinity;
  #answeredAt = -Infinity;
  #asking: Promise<StoreAnswer> | null = null;
  /** Why its own last request failed, if one did. */
  #failure: string | null = null;

  constructor(election: LeaderElection, followerIs: 'degraded' | 'healthy', clock: Clock) {
    this.#election = election;
    this.#followerIs = followerIs;
    this.#clock = clock;
    const note = ({ error }: { readonly error: { readonly code: string; readonly message: string } }) =>
      void (this.#failure = `${error.code}: ${error.message}`);
    election.on('storeUnavailable', note);
    election.on('renewalFailed', note);
  }

  async check(): Promise<HealthResult> {
    const election = this.#election;
    const { status, error } = election.actor.getSnapshot();
    if (status === 'error') return this.#unhealthy('The election failed.', exceptionOf(error));
    if (!election.isRunning) return this.#unhealthy('The election does not run.', 'ELECTION_NOT_STARTED');
    return election.term === null ? this.#follower() : this.#leader();
  }

  #leader(): HealthResult {
    const { failures } = this.#election.actor.getSnapshot().context;
    if (failures === 0)
      return { status: 'Healthy', description: 'This member leads.', data: this.#data(null) };
    return {
      status: 'Degraded',
      description: 'This member leads, but its lease could not be renewed.',
      exception: this.#failure ?? 'STORE_UNAVAILABLE',
      data: this.#data(null),
    };
  }

  async #follower(): Promise<HealthResult> {
    const { view, exception, isGone } = await this.#answer();
    const { actor, currentLeader } = this.#election;
    const { failures, paused } = actor.getSnapshot().context;
    // It may have won meanwhile.
    if (this.#election.term !== null) return this.#leader();
    const failure = failures > 0 && !paused ? (this.#failure ?? 'STORE_UNAVAILABLE') : null;
    if (failure !== null || isGone)
      return this.#unhealthy('The lease store does not answer.', failure ?? exception ?? '');
    return {
      status: this.#followerIs === 'healthy' && exception === null ? 'Healthy' : 'Degraded',
      description: currentLeader === null ? 'Nobody is known to lead.' : 'Another member leads.',
      ...(exception !== null && { exception }),
      data: this.#data(view),
    };
  }

  #unhealthy(description: string, exception: string): HealthResult {
    return { status: 'Unhealthy', description, exception, data: this.#data(null) };
  }

  /** @param view what the store says; it knows the number of another's term */
  #data(view: LeaseView | null): Readonly<Record<string, unknown>> {
    const { actor, currentLeader, candidateId, resource, term } = this.#election;
    const { value, context } = actor.getSnapshot();
    const { known, failures } = context;
    const isView = view !== null && view.holder !== null && view.holder === currentLeader;
    const theirs = currentLeader !== null && known?.holder === currentLeader ? known : null;
    const leftMs = term?.remainingMs ?? (theirs && Math.max(0, theirs.endsAt - this.#clock.monotonicMs()));
    return {
      resource,
      member: candidateId,
      is_leader: term !== null,
      leader: currentLeader,
      state: stateName(value),
      term: term?.number ?? (isView ? view.term : null),
      token: term ? String(term.token) : isView ? String(view.token) : (theirs?.token ?? null),
      lease_remaining_ms: leftMs === null ? null : Math.round(leftMs),
      failed_requests: failures,
    };
  }

  #answer(): Promise<StoreAnswer> {
    const isFresh = this.#clock.monotonicMs() - this.#askedAt < ASK_EVERY_MS;
    if (this.#asking !== null && isFresh) return this.#asking;
    this.#askedAt = this.#clock.monotonicMs();
    this.#asking = this.#ask();
    return this.#asking;
  }

  async #ask(): Promise<StoreAnswer> {
    const { timings } = this.#election.actor.getSnapshot().context;
    try {
      const withinMs = Math.min(ANSWER_MS_MAX, timings.callTimeoutMs);
      const view = await this.#election.lookUp({ withinMs });
      this.#answeredAt = this.#clock.monotonicMs();
      return { view, exception: null, isGone: false };
    } catch (error) {
      const silentMs = this.#clock.monotonicMs() - this.#answeredAt;
      return { view: null, exception: exceptionOf(error), isGone: silentMs >= timings.leaseMs * GONE_PART };
    }
  }
}
