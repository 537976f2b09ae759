import { Observable, Subject, type Subscription } from 'rxjs';
import type { SnapshotFrom } from 'xstate';
import type { configReloadMachine, Diagnostic } from '../machines/index.ts';
import type { ConfigContent } from './config/content.ts';
import type { MemberReport } from './config/head.ts';
import { HeadMember } from './config/head-member.ts';
import { contentOf } from './config/reload-contents.ts';
import type { Differences } from './config/difference.ts';
import type { ConfigSnapshot } from './config/reader.ts';
import { comment } from './config/reload-commentary.ts';
import { ReloadDriver } from './config/reload-driver.ts';
import type { ConfigEvent, ConfigEventOf, ConfigEventType } from './config/reload-events.ts';
import { type HistoryEntry, ReloadHistory } from './config/reload-history.ts';
import {
  type ConfigReloadOptions,
  type ReloadSettings,
  resolveReloadOptions,
} from './config/reload-options.ts';
import {
  nextOutcome,
  nextRollback,
  outcomeOf,
  type RollbackOutcome,
  type SharedOutcome,
  stopped,
  unusable,
} from './config/reload-outcomes.ts';
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

/** What differs, or why that cannot be told. */
export type ConfigDiff =
  | ({ readonly kind: 'differences' } & Differences)
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] };

/** The reload's own record of what it saw, decided and did. Contents and values are not part of it. */
export interface ReloadJournal {
  /** Name of this member's stream in its journal. */
  readonly stream: string;
  /** The records, oldest first. */
  export(): AsyncIterable<JournalRecord>;
}

export class ConfigReload<T> implements AsyncDisposable {
  readonly #settings: ReloadSettings<T>;
  readonly #driver: ReloadDriver<T>;
  readonly #history = new ReloadHistory();
  readonly #events = new Subject<ConfigEvent>();
  readonly #changes = new Subject<ConfigChange<T>>();
  readonly #head: HeadMember<T> | null;
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
    const { actor } = this.#driver;
    const { sharing } = settings;
    this.#head = sharing && new HeadMember(settings, sharing, this.#driver, (event) => this.#hear(event));
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
    const beginning = this.#untilFirst();
    this.#driver.start();
    this.#isRunning = true;
    if (this.#head !== null) await this.#head.start();
    else {
      this.#watching = source.changes.subscribe((fact) => this.#driver.tell(fact));
      this.#driver.tell({ type: 'reload', at: this.#now(), force: false, target: null });
    }
    const first = await beginning;
    const { rejection } = this.#driver.context;
    if (rejection !== null)
      logger.warn(
        { source: source.location, sha: rejection.sha },
        'The present configuration cannot be used; the last good one is in force',
      );
    return first;
  }

  /**
   * Reads the source again now. Resolves when that attempt has ended, with how: anything but `applied` and
   * `unchanged` means that the newest input is not in force.
   */
  async reload({ force = false }: { readonly force?: boolean } = {}): Promise<SharedOutcome> {
    this.#assertRunning('reload()');
    const head = await this.#head?.consider();
    if (head && head.generation !== this.#driver.context.applied?.generation)
      return outcomeOf(this.#events, async () => head.generation);
    const outcome = nextOutcome(this.#events);
    this.#driver.tell({ type: 'reload', at: this.#now(), force, target: null });
    return outcome;
  }

  /**
   * Returns to the configuration before, or to the one that had the generation `to`, as a new generation with old
   * content; among members that share it, all do. The source stays as it is: its next change is applied again.
   *
   * @throws ConfigError `CONFIG_NOT_FOUND` if there is nothing to return to, `CONFIG_CONFLICT` if others move it, too
   */
  async rollback({ to }: { readonly to?: number } = {}): Promise<RollbackOutcome> {
    this.#assertRunning('rollback()');
    const head = this.#head;
    if (head !== null) return outcomeOf(this.#events, () => head.rollBack(to));
    const { context } = this.#driver;
    const at = this.#now();
    if (to === undefined) {
      if (context.fallback === null && context.run?.stage !== 'committing')
        throw new ConfigError('CONFIG_NOT_FOUND', 'There is no configuration before this one to return to.');
      const outcome = nextRollback(this.#events);
      this.#driver.tell({ type: 'rollback', at });
      return outcome;
    }
    const { sha } = await this.#contentOf(to);
    const outcome = nextOutcome(this.#events);
    this.#driver.tell({ type: 'reload', at, force: true, target: { generation: null, sha } });
    return outcome;
  }

  /** The generations there were, the newest first; 50 at most. */
  async history(): Promise<readonly HistoryEntry[]> {
    return (await this.#head?.history()) ?? this.#history.entries;
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
  async diff({ from, to }: { readonly from?: number; readonly to?: number } = {}): Promise<ConfigDiff> {
    const { source, reader } = this.#settings;
    const before =
      from === undefined ? this.#driver.current : await this.#driver.inspect(await this.#contentOf(from));
    if (before !== null && 'kind' in before) return before;
    const reading = to === undefined ? await source.read() : null;
    if (reading !== null && reading.kind !== 'read')
      return { kind: 'refused', diagnostics: reading.diagnostics };
    const content = reading === null ? await this.#contentOf(to as number) : contentOf(reading);
    const after = await this.#driver.inspect(content);
    if ('kind' in after) return after;
    return { kind: 'differences', ...reader.difference(before, after) };
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

  #untilFirst(): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (snapshot: ConfigReloadSnapshot) => {
        const { current } = this.#driver;
        const { rejection, trouble } = snapshot.context;
        const isRefused =
          snapshot.matches({ rejected: 'held' }) || (trouble !== null && snapshot.context.run === null);
        if (current === null && !(isRefused && rejection !== null)) return;
        subscription.unsubscribe();
        if (current !== null) resolve(current.value);
        else if (rejection !== null) reject(unusable(this.#settings.source.location, rejection));
      };
      const over = () => reject(stopped());
      const subscription = this.actor.subscribe({ next: look, error: reject, complete: over });
    });
  }

  #untilEnded(): Promise<void> {
    return new Promise((resolve) => {
      if (this.actor.getSnapshot().status !== 'active') return resolve();
      this.actor.subscribe({ error: () => resolve(), complete: resolve });
    });
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
    const line = comment(event);
    const { logger, memberId } = this.#settings;
    if (line !== null) logger[line.level]({ memberId }, line.message);
    this.#head?.hear(event);
    this.#events.next(event);
  }

  /** @param trigger null for a rollback */
  #tellChange(generation: number, sha: string, trigger: string | null): void {
    const { current } = this.#driver;
    if (current === null) return;
    const previous = this.#told;
    this.#told = current;
    const { clock, memberId } = this.#settings;
    const why = trigger ?? 'rollback';
    this.#history.add({ generation, sha, at: clock.wallMs(), who: memberId, why, token: null });
    const { value } = current;
    const rolledBack = trigger === null;
    this.#changes.next({ value, previous: previous?.value ?? null, generation, sha, rolledBack });
  }

  async #contentOf(generation: number): Promise<ConfigContent> {
    const history = await this.history();
    const entry = history.find((each) => each.generation === generation);
    const content =
      entry && (this.#driver.contents.have(entry.sha) ?? (await this.#settings.fetch(entry.sha)));
    if (content) return content;
    const known = history.map((each) => each.generation).join(', ');
    throw new ConfigError(
      'CONFIG_NOT_FOUND',
      `Generation ${generation} is not in the history any more. Known: ${known === '' ? 'none' : known}.`,
    );
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
