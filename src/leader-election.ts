import { AsyncSubject, Observable, type Subscriber } from 'rxjs';
import type { SnapshotFrom } from 'xstate';
import type { leadershipMachine, TimingOptions } from '../machines/index.ts';
import { Commentator } from './commentator.ts';
import { comment } from './election/commentary.ts';
import { LeadershipDriver } from './election/driver.ts';
import { lookUp } from './election/look-up.ts';
import {
  type ElectionEvent,
  type ElectionEventOf,
  type ElectionEventType,
  toPublic,
} from './election/events.ts';
import {
  type ElectionSettings,
  type LeaderElectionOptions,
  resolveOptions,
  resolveTimingOptions,
} from './election/options.ts';
import { nextTerm, runWhileLeader, type Terms, terms } from './election/terms.ts';
import type { LeadershipTerm } from './election/term.ts';
import { type Lease, type TaskOptions, type TaskOutcome, tryAcquire, tryRun } from './election/tasks.ts';
import { LeadershipError, UsageError } from './errors.ts';
import type { JournalRecord } from './journal/journal.ts';
import type { LeaseView } from './lease/lease-store.ts';
import { eachValueFrom } from './streams/each-value.ts';

/**
 * Leader election for one resource.
 *
 * What it promises: at any moment at most one member believes that it leads, as long as clocks run at nearly the
 * same rate (1 % is assumed); each term has a token larger than every earlier term's; a leader that cannot prove
 * its lease stops by itself before the lease can have ended in the store. What it does not promise: that work
 * already on its way to a third system when the lease ends arrives before the next leader's. That needs the token.
 */

/** How long to wait for a term. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** The election's own record of what it saw, believed and did. */
export interface ElectionJournal {
  /** Name of this member's stream in its journal. */
  readonly stream: string;
  /** The records, oldest first. */
  export(): AsyncIterable<JournalRecord>;
}

/** A snapshot of the leadership chart: `snapshot.matches('leader')`, `snapshot.context`. */
export type LeadershipSnapshot = SnapshotFrom<typeof leadershipMachine>;

/** An aborted signal for whoever asks while there is no term. */
const noTerm = (resource: string): AbortSignal =>
  AbortSignal.abort(new LeadershipError('NOT_LEADER', `This member does not lead "${resource}".`));

/** One member's part in the election for one resource. Make it with `createLeaderElection`. */
export class LeaderElection implements AsyncDisposable {
  readonly #settings: ElectionSettings;
  readonly #driver: LeadershipDriver;
  readonly #commentator: Commentator;
  readonly #termListeners = new Set<(term: LeadershipTerm | null) => void>();
  readonly #over = new AsyncSubject<void>();
  #started = false;
  #stopped: Promise<void> | null = null;
  /** The XState actor itself: inspect it, subscribe to it, embed it. */
  readonly actor: LeadershipDriver['actor'];
  /** Every snapshot of the actor, beginning with the present one; completes when the election stops. */
  readonly state$: Observable<LeadershipSnapshot>;
  /** Everything the election tells, as it happens. */
  readonly events$: Observable<ElectionEvent>;
  readonly journal: ElectionJournal;

  /** Use `createLeaderElection`. */
  constructor(settings: ElectionSettings) {
    this.#settings = settings;
    this.#driver = new LeadershipDriver(settings);
    const { logger, resource } = settings;
    this.#commentator = new Commentator(logger, { resource }, () => ({
      stream: settings.stream,
      seq: this.#driver.writer.nextSeq - 1,
      term: actor.getSnapshot().context.term?.number ?? null,
    }));
    const { actor } = this.#driver;
    this.actor = actor;
    this.state$ = this.#untilOver((subscriber) => {
      subscriber.next(actor.getSnapshot());
      subscriber.add(actor.subscribe(subscriber));
    });
    this.events$ = this.#untilOver((subscriber) => {
      subscriber.add(actor.on('*', (event) => subscriber.next(toPublic(event))));
      subscriber.add(actor.subscribe({ error: (error) => subscriber.error(error) }));
    });
    const { journal, stream } = settings;
    this.journal = { stream, export: () => journal.read(stream) };
    actor.on('*', (event) => {
      if (event.type === 'becameLeader' && this.#driver.term) this.#announceTerm(this.#driver.term);
      this.#log(event);
    });
    // Whoever ends the actor ends the election; a failure to do so is told to whoever calls `stop()`.
    const end = () => void this.stop().catch(() => {});
    actor.subscribe({ error: end, complete: end });
  }

  /** Names what is led. */
  get resource(): string {
    return this.#settings.resource;
  }

  /** False if this member leads without asking anybody, as a single replica may. */
  get enabled(): boolean {
    return !this.#settings.disabled;
  }

  /** This incarnation's own holder id; no other process ever has the same. */
  get candidateId(): string {
    return this.#settings.candidateId;
  }

  /**
   * Whether this member leads, by the clocks, at this call: false in the first tick after a freeze longer than the
   * lease, before any timer has fired.
   */
  get isLeader(): boolean {
    return this.#driver.term?.isCurrent ?? false;
  }

  /** Whether it takes part: it was started, and has not stopped or failed. */
  get isRunning(): boolean {
    return this.#started && this.#stopped === null;
  }

  /** Holder id of the leader as far as this member knows, or null. */
  get currentLeader(): string | null {
    if (this.isLeader) return this.candidateId;
    const { leader, known } = this.actor.getSnapshot().context;
    if (leader === null || leader === this.candidateId) return null;
    return known !== null && this.#settings.clock.monotonicMs() < known.endsAt ? leader : null;
  }

  /** The term this member leads in, or null. */
  get term(): LeadershipTerm | null {
    const { term } = this.#driver;
    return term?.isCurrent ? term : null;
  }

  /** Aborted at the moment the present term ends; aborted already while there is none. */
  get signal(): AbortSignal {
    return this.term?.signal ?? noTerm(this.resource);
  }

  /** Joins the election. Resolves when the actor runs; a store that cannot be reached is tried again and again. */
  async start(): Promise<void> {
    if (this.#stopped)
      throw new UsageError('ELECTION_STOPPED', 'This election was stopped; create a new one.');
    if (this.#started) return;
    this.#sayWhatToExpect();
    this.#started = true;
    this.#driver.start();
  }

  #sayWhatToExpect(): void {
    const { logger, disabled, warnings, leases, resource } = this.#settings;
    if (disabled)
      logger.warn(
        { resource },
        'Leader election is disabled: this member leads without asking anybody. Several replicas in this mode would ALL lead.',
      );
    else for (const caveat of leases.describe().caveats) logger.info({ resource }, caveat);
    for (const warning of warnings) logger.warn({ resource }, warning);
  }

  /** Listens to one type of event; returns the function that stops listening. */
  on<T extends ElectionEventType>(type: T, listener: (event: ElectionEventOf<T>) => void): () => void {
    const subscription = this.actor.on(type, (event) => listener(toPublic(event) as ElectionEventOf<T>));
    return () => subscription.unsubscribe();
  }

  /** Events from now on, until the election stops. */
  [Symbol.asyncIterator](): AsyncGenerator<ElectionEvent, void, undefined> {
    return eachValueFrom(this.events$);
  }

  /**
   * One turn for each term: `for await (const term of election.terms()) await work(term)`. `break` and a throw
   * resign; a body that returns early keeps the term and waits for the next.
   */
  terms({ signal }: WaitOptions = {}): AsyncGenerator<LeadershipTerm, void, undefined> {
    this.#assertStarted('terms()');
    return terms(this.#asTerms(), signal);
  }

  /** The present term, or the next. Null when the election stops or `signal` is aborted first. */
  whenLeader({ signal }: WaitOptions = {}): Promise<LeadershipTerm | null> {
    this.#assertStarted('whenLeader()');
    return nextTerm(this.#asTerms(), signal);
  }

  /**
   * Runs `work` in each term until it returns or throws while its term stands; then resigns and passes on the value
   * or the error. Work that ended because its term ended runs again in the next.
   */
  runWhileLeader<T>(
    work: (term: LeadershipTerm) => Promise<T> | T,
    { signal }: WaitOptions = {},
  ): Promise<T | undefined> {
    this.#assertStarted('runWhileLeader()');
    return runWhileLeader(this.#asTerms(), work, signal);
  }

  /** Takes a lease of its own for a task, or null if another member has it. Dispose of it to give it up. */
  tryAcquire(task: string, options: TaskOptions = {}): Promise<Lease | null> {
    return tryAcquire(this.#settings, task, options);
  }

  /** Runs `work` under a lease of its own if no other member runs it now. */
  tryRun<T>(
    task: string,
    work: (lease: LeadershipTerm) => Promise<T> | T,
    options: TaskOptions = {},
  ): Promise<TaskOutcome<T>> {
    return tryRun(this.#settings, task, work, options);
  }

  /**
   * Asks the store for the lease as it stands, or null if it holds none. Grants nothing: for people and health checks.
   *
   * @throws StoreUnavailableError if the store does not answer in time, by default in that of any request
   */
  lookUp({ withinMs }: { readonly withinMs?: number } = {}): Promise<LeaseView | null> {
    const { timings } = this.actor.getSnapshot().context;
    return lookUp(this.#settings, withinMs ?? timings.callTimeoutMs);
  }

  /**
   * Gives leadership up: the term ends now, running work gets the drain timeout to settle, the lease is handed over.
   * This member sits out until another leads, at most for one lease. Does nothing if it does not lead.
   */
  async resign(): Promise<void> {
    this.#driver.tell({ type: 'resign', at: this.#now() });
    // What a listener tells is processed when that listener has returned.
    await Promise.resolve();
    await this.#until((snapshot) => !snapshot.matches('releasing'));
  }

  /** Stops being a candidate; a term that runs goes on. `resign()` ends that too. */
  pause(): void {
    this.#driver.tell({ type: 'pause', at: this.#now() });
  }

  /** Becomes a candidate again. */
  resume(): void {
    this.#driver.tell({ type: 'resume', at: this.#now() });
  }

  /**
   * Changes the timings from the next term on; a term that runs keeps its lease.
   *
   * @throws SettingsError `TIMING_UNSAFE`
   */
  configure(options: TimingOptions): void {
    const { timings, warnings } = resolveTimingOptions(options);
    for (const warning of warnings) this.#settings.logger.warn({ resource: this.resource }, warning);
    this.#driver.tell({ type: 'configure', at: this.#now(), timings });
  }

  /** Leaves the election: ends the term, hands the lease over, closes the stream. Resolves when all of it is done. */
  stop(): Promise<void> {
    if (this.#stopped === null) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // Before anything happens: listeners may ask whether it stops.
      this.#stopped = promise;
      this.#stop().then(resolve, reject);
    }
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    try {
      if (this.#started) {
        this.#driver.tell({ type: 'stop', at: this.#now() });
        await this.#until((snapshot) => snapshot.status !== 'active');
        await this.#driver.dispose();
      }
    } finally {
      this.#announceTerm(null);
      this.#over.complete();
    }
  }

  #untilOver<T>(subscribe: (subscriber: Subscriber<T>) => void): Observable<T> {
    return new Observable((subscriber) => {
      subscribe(subscriber);
      subscriber.add(this.#over.subscribe({ complete: () => subscriber.complete() }));
    });
  }

  #until(reached: (snapshot: LeadershipSnapshot) => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (reached(this.actor.getSnapshot())) return resolve();
      const done = () => {
        subscription.unsubscribe();
        resolve();
      };
      const subscription = this.actor.subscribe({
        next: (snapshot) => reached(snapshot) && done(),
        error: done,
        complete: done,
      });
    });
  }

  #asTerms(): Terms {
    return {
      current: () => this.#driver.term,
      ended: () => this.#stopped !== null,
      onTerm: (listener) => {
        this.#termListeners.add(listener);
        return () => this.#termListeners.delete(listener);
      },
      resign: () => this.resign(),
    };
  }

  #announceTerm(term: LeadershipTerm | null): void {
    for (const listener of this.#termListeners) listener(term);
  }

  #assertStarted(what: string): void {
    if (this.#started || this.#stopped) return;
    throw new UsageError(
      'ELECTION_NOT_STARTED',
      `${what} needs a started election: await election.start() first.`,
    );
  }

  #log(event: Parameters<typeof comment>[0]): void {
    // Asked where it matters: a description may be longer in the making than the line.
    const isOfStore = event.type === 'storeUnavailable' || event.type === 'storeRecovered';
    const kind = isOfStore ? this.#settings.leases.describe().kind : null;
    this.#commentator.say(comment(event, kind), 'term' in event ? { term: event.term } : {});
  }

  #now(): number {
    return this.#settings.clock.monotonicMs();
  }
}

/**
 * Creates an election; `start()` joins it.
 *
 * @throws SettingsError if an option is unknown, missing or unsafe; one line a broken rule
 *
 * @example
 * await using election = createLeaderElection({
 *   resource: 'billing',
 *   leases: sqliteLeases({ path: '.conclave/leases.db' }),
 * });
 * await election.start();
 * for await (const term of election.terms()) {
 *   await work({ signal: term.signal, token: term.token });
 * }
 */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new LeaderElection(resolveOptions(options));
}
