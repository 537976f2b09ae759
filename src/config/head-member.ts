import { isDeepStrictEqual } from 'node:util';
import { filter, firstValueFrom, startWith, type Subscription } from 'rxjs';
import type { TimerId } from '../runtime/clock.ts';
import { type ConfigContent, encodeContent } from './content.ts';
import { newKey } from './last-good.ts';
import { HeadCalls } from './head-calls.ts';
import { moveBack, moveOn } from './head-commands.ts';
import { HeadLeader } from './head-leader.ts';
import { HeadOthers } from './head-others.ts';
import type { ProposeOptions } from './proposal.ts';
import type { HeadHint } from './head-store.ts';
import { HeadReporter } from './head-reporter.ts';
import type { HeadEvent, HeadLookCause } from './head-events.ts';
import { type HeadRecord, headOf, type HistoryRecord, type MemberReport, type Refusal } from './head.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { ConfigEvent } from './reload-events.ts';
import type { ReloadSettings, Sharing } from './reload-options.ts';
import { within } from './within.ts';

/**
 * One member among those that share a configuration.
 *
 * Why all converge: what counts is the head in the store, which every member reads again and again, hints or not, and
 * acts upon whenever (generation, sha) differs from what it last acted upon. Not when it is larger: after a failover
 * that lost a write, that would leave some on the lost one for ever. A head that is missing, or a store that cannot be
 * asked, is no instruction: what is in force stays.
 */

/** Interval in which the head is read without a hint, in milliseconds; it is varied by a fifth. */
export const HEAD_POLL_MS = 5000;
const POLL_SPREAD = 0.2;
/** The least between two looks, in milliseconds: a flood of hints costs 20 looks a second. */
const LOOK_GAP_MS = 50;

/** Characters of what people say of themselves and of their reasons, for the audit log. */
const WORDS_MAX = 200;

export class HeadMember<T> {
  readonly #settings: ReloadSettings<T>;
  readonly #sharing: Sharing;
  readonly #driver: ReloadDriver<T>;
  readonly #emit: (event: HeadEvent) => void;
  readonly #calls: HeadCalls;
  readonly #reporter: HeadReporter;
  readonly #leader: HeadLeader<T>;
  readonly #subscriptions: (Subscription | { unsubscribe(): void })[] = [];
  readonly #timers: { poll?: TimerId; quiet?: TimerId; gap?: TimerId; seed?: TimerId } = {};
  #head: HeadRecord | null = null;
  /** A change of the own file that may not be over. */
  #change: { readonly since: number; readonly head: HeadRecord | null } | null = null;
  #readAt: number | null = null;
  #notProposed: Refusal | null = null;
  #failing = false;
  /** Somebody wants to hear how this member stands, once it has looked. */
  #isCalled = false;
  #looking = false;
  /** Why to look once more; the strongest of the reasons. */
  #due: HeadLookCause | null = null;
  #stopped = false;

  constructor(
    settings: ReloadSettings<T>,
    sharing: Sharing,
    driver: ReloadDriver<T>,
    emit: (event: HeadEvent) => void,
  ) {
    const { clock, memberId, source, logger } = settings;
    this.#settings = settings;
    this.#sharing = sharing;
    this.#driver = driver;
    this.#emit = emit;
    this.#calls = new HeadCalls(sharing.store, clock);
    this.#reporter = new HeadReporter(this.#calls, clock, memberId);
    this.#leader = new HeadLeader({
      calls: this.#calls,
      mode: sharing.mode,
      driver,
      source,
      memberId,
      clock,
      logger,
      term: () => sharing.election.term,
      applied: () => this.#reporter.applied,
      newKey: () => newKey(settings.randomness),
      emit,
      refuse: (refusal) => this.#refuse(refusal),
    });
  }

  /** What the head says, as far as this member knows. */
  get head(): HeadRecord | null {
    return this.#head;
  }

  /** Why the own file is not proposed, if this member leads and it is not. */
  get notProposed(): Refusal | null {
    return this.#sharing.election.isLeader ? this.#notProposed : null;
  }

  /** How long ago the head was read, in milliseconds; null: never. */
  get staleMs(): number | null {
    return this.#readAt === null ? null : this.#settings.clock.monotonicMs() - this.#readAt;
  }

  async start(): Promise<void> {
    const { election, store, owned } = this.#sharing;
    const { source } = this.#settings;
    this.#subscriptions.push(
      store.watch().subscribe((hint) => this.#hinted(hint)),
      election.events$.subscribe(({ type }) => type === 'becameLeader' && this.look()),
      source.changes.subscribe((fact) => {
        this.#driver.tell(fact);
        if (fact.type !== 'dependencies.changed') this.#fileChanged();
      }),
      this.#driver.actor.subscribe((snapshot) => {
        if (snapshot.matches({ validating: 'preparing' })) this.#reporter.validated(snapshot.context);
      }),
    );
    if (owned) await election.start();
    this.#poll();
    this.look();
  }

  /** What the chart tells. */
  hear(event: ConfigEvent): void {
    const key = this.#head?.key;
    if (key !== undefined) this.#reporter.dependsOn(this.#driver.current?.parsed.digest(key) ?? null);
    this.#reporter.hear(event, this.#driver.context);
  }

  /** Reads the head now. */
  look(cause: HeadLookCause = 'own'): void {
    if (this.#stopped) return;
    // What only the poll finds, no hint has told of.
    if (this.#due === null || this.#due === 'poll' || cause === 'hint') this.#due = cause;
    if (!this.#looking && this.#timers.gap === undefined) void this.#look();
  }

  /** Moves the head to an earlier generation's content, as a new generation; resolves with its number. */
  async rollBack(to: number | undefined): Promise<number> {
    const { clock, memberId } = this.#settings;
    const { generation } = await moveBack(this.#calls, to, { who: memberId, at: clock.wallMs() });
    this.look();
    return generation;
  }

  /** Moves the head to these bytes, which were found to be good; resolves with it. */
  async propose(
    content: ConfigContent,
    { expected, who, why = 'proposed' }: Pick<ProposeOptions, 'expected' | 'who' | 'why'>,
  ): Promise<{ readonly head: HeadRecord; readonly moved: boolean }> {
    const { clock, memberId } = this.#settings;
    const [asker, reason] = [(who ?? memberId).slice(0, WORDS_MAX), why.slice(0, WORDS_MAX)];
    const asked = { who: asker, at: clock.wallMs(), expected, why: reason };
    const result = await moveOn(this.#calls, content, asked);
    this.look();
    return result;
  }

  /** The other members as they stand, to be asked later who has heard of what. */
  others(): Promise<HeadOthers> {
    return HeadOthers.before(this.#calls, this.#settings.clock, this.#settings.memberId);
  }

  /** Has all members look now. */
  call(): Promise<void> {
    return this.#calls.call();
  }

  /** Leading, proposes the own file if it is another; then reads the head. */
  async consider(): Promise<HeadRecord | null> {
    // Who does not lead must not keep this in mind either: leading one day, it would undo what others have proposed.
    if (this.#sharing.election.isLeader) {
      this.#leader.asked(this.#head);
      await this.#leader.tend();
    }
    const head = headOf(await this.#calls.head());
    this.look();
    return head;
  }

  /**
   * Whether the head asks for something else than this, which is refused here. It does if this member comes to lead and its
   * own file is news; whether it does, is waited for a while.
   */
  async asksForOther(refused: {
    readonly sha: string | null;
    readonly generation?: number;
  }): Promise<boolean> {
    const { election } = this.#sharing;
    const led = election.events$.pipe(
      startWith(null),
      filter(() => election.currentLeader !== null),
    );
    if (election.isRunning)
      await within(this.#settings.clock, HEAD_POLL_MS, firstValueFrom(led)).catch(() => {});
    await this.#leader.tend();
    const head = headOf(await this.#calls.head().catch(() => null));
    this.look();
    if (head === null) return false;
    return head.sha !== refused.sha || head.generation !== (refused.generation ?? head.generation);
  }

  /** How all members stand that have said so in the last minute. */
  reports(): Promise<readonly MemberReport[]> {
    return this.#calls.reports();
  }

  async history(): Promise<readonly HistoryRecord[]> {
    return (await this.#calls.state()).history;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const each of this.#subscriptions) each.unsubscribe();
    for (const timer of Object.values(this.#timers)) this.#settings.clock.clearTimeout(timer);
    this.#calls.end();
    if (this.#sharing.owned) await this.#sharing.election.stop();
  }

  #refuse(refusal: Refusal | null): void {
    // While nobody has anything else, the file is looked at again and again.
    const isKnown = isDeepStrictEqual(refusal, this.#notProposed);
    this.#notProposed = refusal;
    this.#reporter.notProposed(refusal);
    if (refusal !== null && !isKnown) this.#emit({ type: 'notProposed', ...refusal });
  }

  #hinted(hint: HeadHint): void {
    this.look('hint');
    if (hint !== 'called') return;
    this.#isCalled = true;
    this.#settings.source.lookNow();
  }

  #poll(): void {
    const { clock, randomness } = this.#settings;
    const delay = HEAD_POLL_MS * (1 - POLL_SPREAD + 2 * POLL_SPREAD * randomness.unit());
    this.#timers.poll = clock.setTimeout(() => {
      this.#poll();
      this.look('poll');
    }, delay);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const cause = this.#due ?? 'own';
    this.#due = null;
    try {
      this.#noteHead(headOf(await this.#calls.head()), cause);
      if (this.#isCalled) this.#reporter.acknowledge();
      this.#isCalled = false;
      if (!this.#sharing.election.isLeader && this.#notProposed !== null) this.#refuse(null);
      this.#reporter.repeat();
      // What was moved here is acted upon here at once, and not at one's own hint.
      if (await this.#leader.tend()) this.#noteHead(headOf(await this.#calls.head()), 'own');
    } catch (error) {
      this.#noteFailure(error);
    } finally {
      this.#looking = false;
      this.#waitForNext();
    }
  }

  #waitForNext(): void {
    if (this.#stopped) return;
    this.#timers.gap = this.#settings.clock.setTimeout(() => {
      delete this.#timers.gap;
      if (this.#due !== null) void this.#look();
    }, LOOK_GAP_MS);
  }

  #noteHead(head: HeadRecord | null, cause: HeadLookCause): void {
    if (this.#stopped) return;
    const now = this.#settings.clock.monotonicMs();
    if (this.#failing) this.#emit({ type: 'headRecovered', staleMs: this.staleMs ?? 0 });
    this.#failing = false;
    this.#readAt = now;
    this.#leader.observe(head);
    if (head === null) return this.#noteMissing();
    this.#reporter.holds(null);
    const known = this.#head;
    const isSame = known?.generation === head.generation && known.sha === head.sha;
    this.#head = head;
    if (isSame) return;
    if (this.#notProposed?.sha === head.sha) this.#refuse(null);
    const { generation, sha } = head;
    if (known !== null && generation <= known.generation)
      this.#emit({ type: 'historyRegressed', generation, sha, seen: known.generation });
    // A hint that comes while the head is on its way is about this very change.
    const by = cause === 'poll' && this.#due === 'hint' ? 'hint' : cause;
    this.#emit({ type: 'headObserved', generation, sha, previous: known?.generation ?? null, by });
    this.#reporter.received(head);
    this.#driver.tell({ type: 'head.changed', at: now, term: Number(head.term), generation, sha });
  }

  /** Nobody says what is wanted: this member says what it runs, and keeps its bytes at hand for the others. */
  #noteMissing(): void {
    this.#bootLastGood();
    this.#reporter.repeat(true);
    // What a member that starts only now has may well be news.
    if (this.#head !== null) void this.#tellOwnFile();
    const { current } = this.#driver;
    if (current !== null && this.#sharing.mode === 'store')
      this.#calls.keep(current.content.sha, encodeContent(current.content)).catch(() => {});
    this.#timers.seed ??= this.#settings.clock.setTimeout(() => {
      delete this.#timers.seed;
      this.look();
    }, HEAD_POLL_MS);
  }

  async #tellOwnFile(): Promise<void> {
    const reading = await this.#settings.source.peek();
    if (reading.kind === 'read') this.#reporter.holds(reading.sha);
  }

  #noteFailure(error: unknown): void {
    if (this.#stopped) return;
    if (!this.#failing)
      this.#emit({
        type: 'headUnavailable',
        message: error instanceof Error ? error.message : String(error),
      });
    this.#failing = true;
    this.#bootLastGood();
  }

  /** Without a word from the others a member that starts goes on with what was good. */
  #bootLastGood(): void {
    const { applied, lastGood, run, order, attempt } = this.#driver.context;
    if (lastGood === null || applied !== null || run !== null || order !== null || attempt > 0) return;
    const target = { generation: lastGood.generation, sha: lastGood.sha };
    this.#driver.tell({ type: 'reload', at: this.#settings.clock.monotonicMs(), force: false, target });
  }

  /** Proposed once it was left alone, under the head it changed under; see the chart's `quietMs`. */
  #fileChanged(): void {
    const { clock, timings } = this.#settings;
    const now = clock.monotonicMs();
    this.#change ??= { since: now, head: this.#head };
    if (this.#timers.quiet !== undefined) clock.clearTimeout(this.#timers.quiet);
    const delay = Math.min(timings.quietMs, this.#change.since + timings.maxWaitMs - now);
    this.#timers.quiet = clock.setTimeout(
      () => {
        this.#leader.fileChanged(this.#change?.head ?? null);
        this.#change = null;
        // Who does not lead has nothing to propose, and would only be late for the leader's hint.
        if (this.#sharing.election.isLeader) this.look();
      },
      Math.max(0, delay),
    );
  }
}
