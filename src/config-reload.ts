import { Observable, Subject, type Subscription } from 'rxjs';
import type { SnapshotFrom } from 'xstate';
import type { configReloadMachine, Rejection } from '../machines/index.ts';
import type { MemberReport } from './config/head.ts';
import { HeadMember } from './config/head-member.ts';
import type { ConfigSnapshot } from './config/reader.ts';
import { ReloadCommentator } from './config/reload-commentator.ts';
import { WatchWitness } from './config/watch-events.ts';
import { ReloadDriver } from './config/reload-driver.ts';
import type { ConfigEvent, ConfigEventOf, ConfigEventType } from './config/reload-events.ts';
import { type ConfigDiff, Generations } from './config/reload-generations.ts';
import type { HistoryEntry } from './config/reload-history.ts';
import {
  type ConfigReloadOptions,
  type ReloadSettings,
  resolveReloadOptions,
} from './config/reload-options.ts';
import { type RollbackOutcome, type SharedOutcome, stopped, unusable } from './config/reload-outcomes.ts';
import type { Proposal, ProposedContent, ProposeOptions } from './config/proposal.ts';
import { ReloadCommands, type ReloadCommandOptions, type WithOthers } from './config/reload-commands.ts';
import type { ConfigCheck, ShownConfig } from './config/reload-shown.ts';
import { type ReloadStatus, statusOf } from './config/reload-status.ts';
import { ConfigError, UsageError } from './errors.ts';
import type { Journal, JournalRecord } from './journal/journal.ts';
import { eachValueFrom } from './streams/each-value.ts';

/**
 * Configuration of one process, reloaded while it runs.
 *
 * What it promises: `current` is always one complete, validated, deeply frozen configuration, and moves by one
 * assignment; nothing invalid is ever applied, and whatever fails leaves the one in force alone and says why, with
 * file, line and column; with a `stateDir`, a configuration that killed the process is not applied a second time. What
 * it does not promise: that a handler which throws in the middle of its own commit leaves nothing behind.
 */

export type ConfigReloadSnapshot = SnapshotFrom<typeof configReloadMachine>;

/** A configuration that has come into force. */
export interface ConfigChange<T> {
  readonly value: T;
  /** Null for the first. */
  readonly previous: T | null;
  readonly generation: number;
  readonly sha: string;
  /** Whether a rollback led here. */
  readonly rolledBack: boolean;
}

/** The reload's own record of what it saw, decided and did. Contents and values are not part of it. */
export interface ReloadJournal {
  /** Name of this member's stream in its journal. */
  readonly stream: string;
  /** The records, oldest first. */
  export(): AsyncIterable<JournalRecord>;
}

/** A configuration that is reloaded while the process runs. Make it with `createConfigReload`. */
export class ConfigReload<T> implements AsyncDisposable {
  readonly #settings: ReloadSettings<T>;
  readonly #driver: ReloadDriver<T>;
  readonly #generations: Generations<T>;
  readonly #events = new Subject<ConfigEvent>();
  readonly #changes = new Subject<ConfigChange<T>>();
  readonly #head: HeadMember<T> | null;
  readonly #commentator: ReloadCommentator<T>;
  readonly #commands: ReloadCommands<T>;
  #watching: Subscription | null = null;
  #isRunning = false;
  #starting: Promise<T> | null = null;
  #stopped: Promise<void> | null = null;
  /** What the last change told of. */
  #told: ConfigSnapshot<T> | null = null;
  /** The XState actor itself: inspect it, subscribe to it, embed it. */
  readonly actor: ReloadDriver<T>['actor'];
  /** Every snapshot of the actor, beginning with the present one; completes when the reload stops. */
  readonly state$: Observable<ConfigReloadSnapshot>;
  /** Everything the reload tells, as it happens; completes when it stops. */
  readonly events$: Observable<ConfigEvent> = this.#events.asObservable();
  /** Each configuration that comes into force from now on; completes when the reload stops. */
  readonly changes$: Observable<ConfigChange<T>> = this.#changes.asObservable();
  readonly journal: ReloadJournal;

  /** Use `createConfigReload`. */
  constructor(settings: ReloadSettings<T>) {
    this.#settings = settings;
    this.#driver = new ReloadDriver(settings);
    this.#commentator = new ReloadCommentator(settings, this.#driver);
    const { actor } = this.#driver;
    const { sharing } = settings;
    this.#head = sharing && new HeadMember(settings, sharing, this.#driver, (event) => this.#hear(event));
    this.#generations = new Generations(settings, this.#driver, this.#head);
    this.#commands = new ReloadCommands({
      settings,
      driver: this.#driver,
      head: this.#head,
      events: this.#events,
      generations: this.#generations,
    });
    this.actor = actor;
    this.state$ = new Observable((subscriber) => {
      subscriber.next(actor.getSnapshot());
      subscriber.add(actor.subscribe(subscriber));
      subscriber.add(this.#events.subscribe({ complete: () => subscriber.complete() }));
    });
    const { journal, stream } = settings;
    this.journal = reloadJournal(journal, stream);
    actor.on('*', (event) => this.#hear(event));
    // Whoever ends the actor ends the reload; a failure to do so is told to whoever calls `stop()`.
    const end = () => void this.stop().catch(() => {});
    actor.subscribe({ error: end, complete: end });
  }

  /** A name nobody else has: what people called this member, and randomness. */
  get memberId(): string {
    return this.#settings.memberId;
  }

  /**
   * The configuration in force, deeply frozen. Ask again for each use: it is another object after a reload.
   *
   * @throws ConfigError `CONFIG_NOT_READY` before the first was applied
   */
  get current(): T {
    const { current } = this.#driver;
    if (current !== null) return current.value;
    throw new ConfigError(
      'CONFIG_NOT_READY',
      `No configuration from ${this.#settings.source.location} is in force yet: await start() first.`,
    );
  }

  /**
   * Reads, checks and applies the configuration, then watches it. Resolves with what is in force, which is the last
   * good one where the present one cannot be used. What may pass by itself is waited for.
   *
   * @throws ConfigError `CONFIG_INVALID` if there is nothing to begin with; a corrected file is applied all the same
   * @throws SettingsError if `stateDir` cannot be used
   */
  start(): Promise<T> {
    if (this.#stopped) return Promise.reject(stopped());
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<T> {
    const { lastGood, source, timings, logger } = this.#settings;
    await lastGood.open();
    await source.open(timings.readMs);
    if (this.#stopped) throw stopped();
    const beginning = this.#untilFirst(null);
    // Where something else fails before, nobody waits for it.
    beginning.catch(() => {});
    this.#driver.start();
    this.#isRunning = true;
    this.#commentator.begin();
    const witness = new WatchWitness((event) => this.#hear(event));
    source.statuses.subscribe((status) => witness.see(status));
    if (this.#head !== null) await this.#head.start();
    else {
      this.#watching = source.changes.subscribe((fact) => this.#driver.tell(fact));
      this.#driver.tell({ type: 'reload', at: this.#now(), force: false, target: null });
    }
    const first = await this.#firstOf(beginning);
    const { rejection } = this.#driver.context;
    if (rejection !== null)
      logger.warn(
        { source: source.location, sha: rejection.sha },
        'The present configuration cannot be used; the last good one is in force',
      );
    return first;
  }

  /**
   * Reads the source again now. Resolves when that attempt has ended, with how: anything but `applied`, `adopted` and
   * `unchanged` means that the newest input is not in force. With `notifyOthers` all members look at the head and at
   * their own files, and those that answered within 2 s are told as `others`; how it ended is then told of what came of
   * that, too.
   *
   * @example
   * const { type, others } = await config.reload({ notifyOthers: true });
   * console.log(`${type}; ${others.length} other members heard of it`);
   */
  async reload(options: ReloadCommandOptions = {}): Promise<WithOthers<SharedOutcome>> {
    this.#assertRunning('reload()');
    return this.#commands.reload(options);
  }

  /**
   * Returns to the configuration before, or to the one that had the generation `to`, as a new generation with old
   * content; among members that share it, all do, and with `notifyOthers` those that heard of it within 2 s are told.
   * The source stays as it is: its next change is applied again.
   *
   * @throws ConfigError `CONFIG_NOT_FOUND` if there is nothing to return to, `CONFIG_CONFLICT` if others move it, too
   */
  async rollback(
    options: { readonly to?: number; readonly notifyOthers?: boolean } = {},
  ): Promise<WithOthers<RollbackOutcome>> {
    this.#assertRunning('rollback()');
    return this.#commands.rollBack(options);
  }

  /**
   * Hands a configuration to all members that share a store, as a new generation. It is parsed and checked here first;
   * nothing moves if it is refused, if it is what is wanted already, or if `expected` is not what is wanted now: of two
   * that were made from the same generation the second is a conflict. Files stay as they are. Any member may be asked.
   *
   * @throws ConfigError `CONFIG_INVALID` with diagnostics, `CONFIG_CONFLICT`
   * @throws SettingsError `CONFIG_READ_ONLY` unless the mode is `store`
   * @throws StoreUnavailableError if the store cannot be asked; `outcomeUnknown` tells that it may have moved
   *
   * @example
   * const { generation, sha } = config.status();
   * await config.propose(
   *   { files: [{ name: 'app.yaml', text: 'port: 8081\n' }] },
   *   { expected: { generation, sha: sha.slice(0, 12) }, who: 'ada', why: 'a free port' },
   * );
   */
  async propose(content: ProposedContent, options: ProposeOptions = {}): Promise<Proposal> {
    this.#assertRunning('propose()');
    return this.#commands.propose(content, options);
  }

  /** The generations there were, the newest first; 50 at most. */
  async history(): Promise<readonly HistoryEntry[]> {
    return this.#generations.history();
  }

  /** How all members stand that have said so in the last minute; empty where nothing is shared. */
  async members(): Promise<readonly MemberReport[]> {
    return (await this.#head?.reports()) ?? [];
  }

  /**
   * What differs, secrets hidden: between what is in force and what the source holds, or between two generations of
   * the history. Changes nothing.
   *
   * @throws ConfigError `CONFIG_NOT_FOUND` if a generation is not in the history any more
   */
  async diff(range: { readonly from?: number; readonly to?: number } = {}): Promise<ConfigDiff> {
    return this.#generations.diff(range);
  }

  /** Whether a configuration would be accepted, and what it would change, secrets hidden. Changes nothing. */
  validate(content: ProposedContent): Promise<ConfigCheck> {
    return this.#commands.validate(content);
  }

  /** What is in force, as it may be shown; null before the first. */
  shown(): ShownConfig | null {
    return this.#commands.shown();
  }

  /** How things stand; nothing in it is secret. */
  status(): ReloadStatus {
    return statusOf(this.#driver, this.#settings, this.#head);
  }

  /** Listens to one type of event; returns the function that stops listening. */
  on<E extends ConfigEventType>(type: E, listener: (event: ConfigEventOf<E>) => void): () => void {
    const subscription = this.#events.subscribe((event) => {
      if (event.type === type) listener(event as ConfigEventOf<E>);
    });
    return () => subscription.unsubscribe();
  }

  /** Events from now on, until the reload stops. */
  [Symbol.asyncIterator](): AsyncGenerator<ConfigEvent, void, undefined> {
    return eachValueFrom(this.events$);
  }

  /**
   * Stops watching. An attempt under way is given up, or, if it is committing, ended. Resolves when all of it is done.
   * Call it when the process is asked to end: one that dies while a configuration is new counts as killed by it.
   */
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
      this.#watching?.unsubscribe();
      await this.#head?.stop();
      if (this.#isRunning) {
        this.#driver.tell({ type: 'stop', at: this.#now() });
        await this.#untilEnded();
        await this.#driver.dispose();
      }
      await this.#settings.lastGood.close();
    } finally {
      this.#events.complete();
      this.#changes.complete();
    }
  }

  /** What is shared may be refused here while the own file holds what is not: who comes to lead proposes that. */
  async #firstOf(beginning: Promise<T>): Promise<T> {
    try {
      return await beginning;
    } catch (error) {
      const { rejection, desired } = this.#driver.context;
      if (!(error instanceof ConfigError) || rejection === null) throw error;
      // At rest, what the head asked for was refused, whatever was tried instead of it afterwards.
      const isAtRest = this.actor.getSnapshot().matches({ rejected: 'held' });
      const other = await this.#head?.asksForOther((isAtRest ? desired : null) ?? { sha: rejection.sha });
      if (other !== true) throw error;
      return this.#firstOf(this.#untilFirst(rejection));
    }
  }

  #untilFirst(told: Rejection | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (snapshot: ConfigReloadSnapshot) => {
        const [{ current }, { rejection, trouble }] = [this.#driver, snapshot.context];
        const isRefused =
          snapshot.matches({ rejected: 'held' }) || (trouble !== null && snapshot.context.run === null);
        if (current === null && !(isRefused && rejection !== null && rejection !== told)) return;
        subscription.unsubscribe();
        if (current !== null) resolve(current.value);
        else if (rejection !== null) reject(unusable(this.#settings, rejection));
      };
      const complete = () => reject(stopped());
      const subscription = this.actor.subscribe({ next: look, error: reject, complete });
      look(this.actor.getSnapshot());
    });
  }

  #untilEnded(): Promise<void> {
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    return new Promise((resolve) => this.actor.subscribe({ error: () => resolve(), complete: resolve }));
  }

  #hear(event: ConfigEvent): void {
    if (event.type === 'applied') this.#tellChange(event.generation, event.sha, event.trigger);
    if (
      event.type === 'rolledBack' &&
      event.cause !== 'commit' &&
      event.generation !== null &&
      event.sha !== null
    )
      this.#tellChange(event.generation, event.sha, null);
    this.#commentator.say(event);
    this.#head?.hear(event);
    this.#events.next(event);
  }

  /** @param trigger null for a rollback */
  #tellChange(generation: number, sha: string, trigger: string | null): void {
    const { current } = this.#driver;
    if (current === null) return;
    const previous = this.#told;
    this.#told = current;
    this.#generations.note(generation, sha, trigger ?? 'rollback');
    const [value, rolledBack] = [current.value, trigger === null];
    this.#changes.next({ value, previous: previous?.value ?? null, generation, sha, rolledBack });
  }

  #assertRunning(what: string): void {
    if (this.#stopped) throw stopped();
    if (this.#isRunning) return;
    throw new UsageError('CONFIG_NOT_READY', `${what} needs a started reload: await start() first.`);
  }

  #now(): number {
    return this.#settings.clock.monotonicMs();
  }
}

const reloadJournal = (journal: Journal, stream: string): ReloadJournal => ({
  stream,
  export: () => journal.read(stream),
});

/**
 * Creates the reload of a configuration; `start()` applies the first.
 *
 * @throws SettingsError if an option is unknown, missing or impossible; one line a broken rule
 *
 * @example
 * await using config = createConfigReload({
 *   source: '/etc/billing/billing.yaml',
 *   schema: z.object({ port: z.number(), log: z.object({ level: z.string() }) }),
 *   handlers: [{ name: 'log', prepare: (next) => ({ commit: () => log.setLevel(next.log.level) }) }],
 *   stateDir: '/var/lib/billing/config',
 * });
 * await config.start();
 * config.current.port;
 */
export function createConfigReload<T>(options: ConfigReloadOptions<T>): ConfigReload<T> {
  return new ConfigReload(resolveReloadOptions(options));
}
