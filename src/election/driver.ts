import type { Subscription } from 'rxjs';
import { type ActorRefFrom, createActor } from 'xstate';
import type { AcquireParams, LeadershipEvent, LossCause, RenewParams, Term } from '../../machines/index.ts';
import { leadershipMachine } from '../../machines/leadership.ts';
import { LeadershipError, StoreUnavailableError } from '../errors.ts';
import type { JournalWriter } from '../journal/journal.ts';
import type { CallOptions } from '../lease/lease-store.ts';
import { eventSourced, writerOf } from '../runtime/event-sourced.ts';
import { guardedInspection } from '../runtime/guarded-inspection.ts';
import { leaseEvents } from '../streams/lease-signals.ts';
import type { ElectionSettings } from './options.ts';
import { Pulse } from './pulse.ts';
import { acquire, type Asker, failureOf, release, renew } from './requests.ts';
import { LeadershipTerm } from './term.ts';

/** An event may have waited this long for its turn before the clocks are compared again. */
const LAG_TOLERATED_MS = 5;

/** One for all: it says nothing of the single request, and most requests have been answered when it comes. */
const SUPERSEDED = new StoreUnavailableError(
  'STORE_TIMEOUT',
  'Another request has taken the place of this one.',
  { outcomeUnknown: true },
);

/** What the chart asks of the one who runs it. */
interface Effects {
  readonly requestAcquire: (params: AcquireParams) => void;
  readonly requestRenew: (params: RenewParams) => void;
  readonly requestRelease: (params: { readonly attempt: number; readonly token: string }) => void;
  readonly awaitJournal: (params: { readonly term: Term | null }) => void;
  readonly awaitWork: () => void;
  readonly openTerm: (params: Term) => void;
  readonly extendTerm: (params: { readonly validUntil: number; readonly validUntilWall: number }) => void;
  readonly closeTerm: (params: { readonly cause: LossCause }) => void;
}

const effectsOf = new WeakMap<object, Effects>();

/**
 * One chart for all drivers, which finds the actor's own when an effect is due: XState takes the best part of a
 * millisecond to read a chart anew, and each task has a driver of its own.
 */
const chart = leadershipMachine.provide({
  actions: {
    requestAcquire: ({ self }, params) => effectsOf.get(self)?.requestAcquire(params),
    requestRenew: ({ self }, params) => effectsOf.get(self)?.requestRenew(params),
    requestRelease: ({ self }, params) => effectsOf.get(self)?.requestRelease(params),
    awaitJournal: ({ self }, params) => effectsOf.get(self)?.awaitJournal(params),
    awaitWork: ({ self }) => effectsOf.get(self)?.awaitWork(),
    openTerm: ({ self }, params) => effectsOf.get(self)?.openTerm(params),
    extendTerm: ({ self }, params) => effectsOf.get(self)?.extendTerm(params),
    closeTerm: ({ self }, params) => effectsOf.get(self)?.closeTerm(params),
  },
});

/**
 * Runs the leadership chart against a store: carries out its effects and reports what came of them. It holds no
 * opinion of its own on leadership but one: whether the term that the chart opened still stands *by the clocks,
 * now* — the chart's timers cannot know that after a freeze.
 */
export class LeadershipDriver {
  readonly actor: ActorRefFrom<typeof leadershipMachine> & { start(): unknown };
  readonly #settings: ElectionSettings;
  readonly #asker: Asker;
  readonly #pulse: Pulse;
  readonly #closed = new AbortController();
  /** Of the last request. */
  #call = new AbortController();
  #term: LeadershipTerm | null = null;
  #signals: Subscription | null = null;
  #unsubscribeJournal: (() => void) | null = null;
  #joined = false;

  constructor(settings: ElectionSettings) {
    this.#settings = settings;
    const { clock, randomness, leases, resource, candidateId, timings } = settings;
    this.#pulse = new Pulse(clock, timings.leaseMs, () => this.checkClocks());
    const guardMs = (leaseMs: number) => this.#pulse.guardMs(leaseMs);
    this.#asker = { leases, resource, candidateId, clock, randomness, guardMs };
    const { onJournalFailure, startPaused } = settings;
    this.actor = createActor(
      eventSourced(chart, {
        journal: settings.journal,
        stream: settings.stream,
        clock,
        recovery: 'audit',
        tokenOf: (snapshot) => (snapshot.context as { term: Term | null }).term?.token ?? null,
      }),
      {
        id: 'leadership',
        clock,
        input: { resource, candidateId, timings, onJournalFailure, paused: startPaused },
        ...(settings.inspect && {
          inspect: guardedInspection(settings.inspect, (error) =>
            settings.logger.warn({ resource, error }, 'The inspector throws; the election goes on'),
          ),
        }),
      },
    );
    effectsOf.set(this.actor, {
      requestAcquire: (params) => void this.#acquire(params),
      requestRenew: (params) => void this.#renew(params),
      requestRelease: (params) => void this.#release(params),
      awaitJournal: ({ term }) => void this.#awaitJournal(term?.token ?? '0'),
      awaitWork: () => void this.#awaitWork(this.#draining),
      openTerm: (params) => this.#open(params),
      extendTerm: ({ validUntil, validUntilWall }) => this.#term?.extend(validUntil, validUntilWall),
      closeTerm: ({ cause }) => this.#close(cause),
    });
  }

  /** The term this member is in, or null. It may have ended by the clocks: ask `isCurrent`. */
  get term(): LeadershipTerm | null {
    return this.#term;
  }

  get writer(): JournalWriter {
    return writerOf(this.actor);
  }

  /**
   * Joins the election.
   *
   * @throws what the journal throws that refuses this member's stream
   */
  start(): void {
    const { leases, resource, candidateId, logger } = this.#settings;
    this.actor.subscribe({
      complete: () => this.#finish(),
      // A chart that failed ends no term any more.
      error: (error: unknown) => {
        logger.error(
          { resource, error },
          `Leader election failed and takes no part any more: ${String(error)}`,
        );
        this.#finish();
      },
    });
    this.#signals = leaseEvents(leases, resource, candidateId, this.#settings).subscribe({
      next: (event) => this.tell(event),
      // Hints only make things faster.
      error: (error: unknown) => logger.warn({ resource, error }, 'The lease store gives no hints any more'),
    });
    this.actor.start();
    const { status, error } = this.actor.getSnapshot();
    if (status === 'error') throw error;
    this.#joined = true;
    this.#unsubscribeJournal = this.writer.onFailure((failure) => {
      if (failure) this.tell({ type: 'journal.failed', at: this.#now(), error: failureOf(failure) });
      else logger.info({ resource }, 'Journal can be written again');
    });
  }

  /** Reports an event; if the process stood still meanwhile, has the chart compare its deadline again. */
  tell(event: LeadershipEvent): void {
    if (this.actor.getSnapshot().status !== 'active') return;
    this.actor.send(event);
    if (this.#now() - event.at > LAG_TOLERATED_MS) this.checkClocks();
  }

  /** Ends a term that is over by the clocks although no timer said so; one that has not begun yet, too. */
  checkClocks(): void {
    const { status, context } = this.actor.getSnapshot();
    if (status !== 'active' || context.term === null) return;
    const [at, wall] = [this.#now(), this.#settings.clock.wallMs()];
    if (at < context.term.validUntil && wall < context.term.validUntilWall) return;
    this.actor.send({ type: 'clock.moved', at, wall });
  }

  #now(): number {
    return this.#settings.clock.monotonicMs();
  }

  async #acquire(params: AcquireParams): Promise<void> {
    const reply = await acquire(this.#asker, params, this.#asking());
    this.tell(reply);
    if (reply.type !== 'lease.acquired') return;
    // Nobody waits for this lease any more (the reply came too late): do not let it stand in the others' way.
    if (this.actor.getSnapshot().context.term?.token !== reply.token)
      await release(this.#asker, reply, { signal: this.#closed.signal });
  }

  async #renew(params: RenewParams): Promise<void> {
    const reply = await renew(this.#asker, params, this.#asking());
    this.tell(reply);
    // Nobody else has the lease: somebody wants this member to stop. It has; only now others may have it.
    if (reply.type === 'lease.denied' && reply.holder === null && this.#term === null)
      await release(this.#asker, params, { signal: this.#closed.signal });
  }

  async #release(params: { attempt: number; token: string }): Promise<void> {
    this.tell(await release(this.#asker, params, this.#asking()));
  }

  /** The chart waits for its last request only: with each, the one before is given up where it still waits. */
  #asking(): CallOptions {
    this.#call.abort(SUPERSEDED);
    this.#call = new AbortController();
    return { signal: this.#call.signal };
  }

  async #awaitJournal(token: string): Promise<void> {
    const { writer } = this;
    try {
      // The record of the won lease is the one before the next.
      await writer.durable(writer.nextSeq - 1);
      this.checkClocks();
      this.tell({ type: 'journal.committed', at: this.#now(), token });
    } catch (error) {
      // A term that began without its record need not hear it twice: the writer tells of its failures by itself.
      if (this.actor.getSnapshot().matches({ candidate: 'recording' }))
        this.tell({ type: 'journal.failed', at: this.#now(), error: failureOf(error) });
    }
  }

  async #awaitWork(term: LeadershipTerm | null): Promise<void> {
    await term?.settled();
    // What settles after its drain timeout says nothing of a later term's work.
    if (term === this.#draining) this.tell({ type: 'work.settled', at: this.#now() });
  }

  #draining: LeadershipTerm | null = null;

  #open(term: Term): void {
    this.#term = new LeadershipTerm(term, this.#settings.clock);
    this.#pulse.start();
    // Time may have passed that the chart was not told of.
    this.checkClocks();
  }

  #close(cause: LossCause): void {
    const term = this.#term;
    if (term === null) return;
    this.#term = null;
    this.#draining = term;
    this.#pulse.stop();
    const { resource } = this.#settings;
    term.end(
      new LeadershipError(
        'LEASE_LOST',
        `Leadership of "${resource}" (term ${term.number}, token ${term.token}) ended: ${cause}.`,
      ),
    );
  }

  #finish(): void {
    this.#close('stopped');
    this.#signals?.unsubscribe();
    this.#unsubscribeJournal?.();
  }

  /** Gives up what is still on its way; after the chart has stopped. */
  async dispose(): Promise<void> {
    this.#finish();
    // Where the journal refused the stream there is nothing to close.
    try {
      if (this.#joined) await this.writer.close();
    } finally {
      const stopped = new LeadershipError('ELECTION_STOPPED', 'The election was stopped.');
      this.#call.abort(stopped);
      this.#closed.abort(stopped);
    }
  }
}
