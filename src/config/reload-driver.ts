import type { Subscription } from 'rxjs';
import { type ActorRefFrom, createActor } from 'xstate';
import {
  type CommitParams,
  type ConfigReloadContext,
  type ConfigReloadEvent,
  configReloadMachine,
  type Diagnostic,
  type ReadParams,
  rejectedBefore,
  type ReloadStage,
  type RollbackParams,
  type StageParams,
} from '../../machines/index.ts';
import { ConclaveError } from '../errors.ts';
import type { JournalWriter } from '../journal/journal.ts';
import { eventSourced, writerOf } from '../runtime/event-sourced.ts';
import { guardedInspection } from '../runtime/guarded-inspection.ts';
import type { ConfigContent } from './content.ts';
import { HandlerChain, type HandlerFailure } from './handlers.ts';
import { HealthWatch } from './health-watch.ts';
import type { ConfigSnapshot, Parsed, Refused } from './reader.ts';
import { ContentShelf } from './reload-contents.ts';
import type { ReloadSettings } from './reload-options.ts';
import { within } from './within.ts';
import { Snapshots } from './reload-snapshots.ts';
import { CrashMarker } from './reload-marker.ts';

/**
 * Runs the configuration-reload chart: carries out its effects and reports what came of them. It holds no opinion of
 * its own on what is in force: `current` moves when the chart says `applied` or `rolledBack`, by one assignment, before
 * anybody else hears of it. Answers carry the number of the attempt they belong to; the chart drops those that are late.
 */

/** A stage gives its handlers a little less than its deadline, so that the one that hangs is named. */
const OWN_PART = 0.98;

/** An attempt on its way. */
interface Work<T> {
  readonly attempt: number;
  readonly content: ConfigContent;
  parsed: Parsed | null;
  snapshot: ConfigSnapshot<T> | null;
}

/** What came of an effect, before it is numbered and stamped. */
type Reply = ConfigReloadEvent extends infer E
  ? E extends { readonly attempt: number; readonly at: number }
    ? Omit<E, 'attempt' | 'at'>
    : never
  : never;

export class ReloadDriver<T> {
  readonly actor: ActorRefFrom<typeof configReloadMachine> & { start(): unknown };
  readonly #settings: ReloadSettings<T>;
  readonly #handlers: HandlerChain<T>;
  readonly #snapshots = new Snapshots<T>();
  readonly #shelf: ContentShelf;
  readonly #health: HealthWatch<T>;
  readonly #marker: CrashMarker;
  #work: Work<T> | null = null;
  /** Where the last rollback led. */
  #target: ConfigSnapshot<T> | null = null;
  #observing: Subscription | { unsubscribe(): void } | null = null;
  #joined = false;

  constructor(settings: ReloadSettings<T>) {
    this.#settings = settings;
    const { clock, handlers, lastGood, input } = settings;
    this.#handlers = new HandlerChain(handlers, clock);
    this.#shelf = new ContentShelf(settings.source, lastGood, settings.fetch);
    this.#health = new HealthWatch(settings, (attempt, { code, message }) => {
      const error = { code, message: this.#scrubbed(message) };
      this.tell({ type: 'health.failed', attempt, at: this.#now(), error });
    });
    this.#marker = new CrashMarker(lastGood, (error) =>
      settings.logger.warn(
        { error },
        `What is in force cannot be remembered for a restart: ${String(error)}`,
      ),
    );
    const chart = configReloadMachine.provide({
      actions: {
        requestRead: (_, params) => void this.#answer('reading', params.attempt, () => this.#read(params)),
        requestParse: (_, params) => void this.#answer('parsing', params.attempt, () => this.#parse(params)),
        requestCheck: (_, params) => void this.#answer('checking', params.attempt, () => this.#check(params)),
        requestPrepare: (_, params) =>
          void this.#answer('preparing', params.attempt, () => this.#prepare(params)),
        awaitJournal: (_, params) => void this.#record(params),
        requestCommit: (_, params) =>
          void this.#answer('committing', params.attempt, () => this.#commit(params)),
        requestAbort: (_, params) => void this.#answer('aborting', params.attempt, () => this.#abort()),
        requestRollback: (_, params) =>
          void this.#answer('rollingBack', params.attempt, () => this.#rollBack(params)),
        watchHealth: (_, params) => void this.#watchHealth(params),
        markGood: (_, { sha }) => this.#marker.keep(this.#shelf.have(sha)),
      },
    });
    this.actor = createActor(
      eventSourced(chart, { journal: settings.journal, stream: settings.stream, clock, recovery: 'audit' }),
      {
        id: 'configReload',
        clock,
        input,
        ...(settings.inspect && {
          inspect: guardedInspection(settings.inspect, (error) =>
            settings.logger.warn({ error }, 'The inspector throws; the configuration goes on'),
          ),
        }),
      },
    );
    // The first listeners of all: whoever hears of it finds it in force.
    this.actor.on('applied', ({ attempt }) => this.#apply(attempt));
    this.actor.on('rolledBack', ({ cause }) => cause === 'commit' || this.#returned());
  }

  /** The configuration in force, or null. */
  get current(): ConfigSnapshot<T> | null {
    return this.#snapshots.current;
  }

  get contents(): ContentShelf {
    return this.#shelf;
  }

  get context(): ConfigReloadContext {
    return this.actor.getSnapshot().context;
  }

  get writer(): JournalWriter {
    return writerOf(this.actor);
  }

  /** @throws what the journal throws that refuses this member's stream */
  start(): void {
    const observing = this.actor.subscribe({
      next: ({ context }) => {
        this.#marker.observe(context);
        this.#snapshots.prune(context);
      },
      complete: () => this.#health.end(),
      error: (error: unknown) => {
        this.#settings.logger.error(
          { error },
          `Configuration reload failed and does nothing any more: ${String(error)}`,
        );
        this.#health.end();
      },
    });
    this.#observing = observing;
    this.actor.start();
    const { status, error } = this.actor.getSnapshot();
    if (status === 'error') throw error;
    this.#joined = true;
  }

  /** Parses and checks some bytes, and does no more. */
  async inspect(content: ConfigContent): Promise<ConfigSnapshot<T> | Refused> {
    const { reader } = this.#settings;
    const parsed = await reader.parse(content);
    if (parsed.kind === 'refused') return parsed;
    const checked = await reader.check(parsed, this.current);
    if (checked.kind === 'refused') return checked;
    return { value: checked.value, content, parsed: checked.parsed };
  }

  /** Why these bytes would be refused from memory, or null. */
  knownBad(sha: string, { dependencies }: Parsed): Diagnostic | null {
    return rejectedBefore(this.context.knownBad, { sha, dependencies })?.problem ?? null;
  }

  tell(event: ConfigReloadEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /** After the chart has stopped. */
  async dispose(): Promise<void> {
    this.#observing?.unsubscribe();
    this.#health.end();
    await this.#handlers.abort(this.#settings.timings.abortMs);
    if (!this.#joined) return;
    try {
      await this.#marker.leave(this.context);
    } finally {
      await this.writer.close();
    }
  }

  async #answer(stage: ReloadStage, attempt: number, act: () => Promise<Reply>): Promise<void> {
    // Not before the chart's step is over: only then does its context tell of this attempt.
    const reply = await Promise.resolve()
      .then(act)
      .catch((error: unknown) => failedBy(stage, error));
    this.tell({ ...reply, attempt, at: this.#now() });
  }

  async #read({ attempt, sha }: ReadParams): Promise<Reply> {
    const found = await this.#shelf.find(sha);
    if (found.kind === 'problem') {
      const { missing, diagnostics, transient } = found;
      // Without anything in force there is nothing to wait with: the last good one may do.
      if (missing && (sha !== null || this.current !== null)) return { type: 'content.missing' };
      return failed('reading', { diagnostics, transient });
    }
    const { content, sizeBytes, location } = found;
    this.#work = { attempt, content, parsed: null, snapshot: null };
    return { type: 'content.read', sha: content.sha, size: sizeBytes, where: location, dependencies: null };
  }

  async #parse({ attempt }: StageParams): Promise<Reply> {
    const work = this.#workOf(attempt);
    const parsed = await this.#settings.reader.parse(work.content);
    this.#settings.source.depend(parsed.files);
    if (parsed.kind === 'refused') return failed('parsing', parsed);
    work.parsed = parsed;
    return { type: 'content.parsed', dependencies: parsed.dependencies };
  }

  async #check({ attempt }: StageParams): Promise<Reply> {
    const work = this.#workOf(attempt);
    const { parsed } = work;
    if (parsed === null) throw new Error(`attempt ${attempt} was not parsed`);
    const checked = await this.#settings.reader.check(parsed, this.current);
    if (checked.kind === 'refused') return failed('checking', checked);
    for (const { file, line, message } of checked.warnings)
      this.#settings.logger.warn({ file, line }, `${file ?? ''}:${line ?? ''}: ${message}`);
    work.snapshot = { value: checked.value, content: work.content, parsed: checked.parsed };
    return { type: 'content.checked', changed: checked.changed };
  }

  async #prepare({ attempt }: StageParams): Promise<Reply> {
    const { value } = this.#snapshotOf(attempt);
    const { clock, timings } = this.#settings;
    // It may kill already now. A disk that fails or hangs is what the journal's policy decides on, later.
    await within(clock, timings.journalMs, this.#marker.set(this.context)).catch(() => {});
    const { run } = this.context;
    if (this.context.attempt !== attempt || run?.stage !== 'preparing') throw givenUp(attempt);
    const failure = await this.#handlers.prepare(value, this.current?.value ?? null, this.#part('prepareMs'));
    if (failure !== null) return this.#handlerFailed('preparing', failure);
    return { type: 'handlers.prepared', handlers: this.#handlers.names };
  }

  async #record({ attempt }: StageParams): Promise<void> {
    const { writer } = this;
    const seq = writer.nextSeq - 1;
    try {
      await Promise.resolve();
      await Promise.all([writer.durable(seq), this.#marker.set(this.context)]);
      this.tell({ type: 'journal.committed', attempt, at: this.#now() });
    } catch (error) {
      this.tell({ type: 'journal.failed', attempt, at: this.#now(), error: reasonOf(error) });
    }
  }

  async #commit({ attempt }: CommitParams): Promise<Reply> {
    // At hand before it is in force: what is good at once is kept at once.
    this.#shelf.keep(this.#snapshotOf(attempt).content, this.#snapshots.contents());
    const failure = await this.#handlers.commit(this.#part('commitMs'));
    if (failure !== null) return this.#handlerFailed('committing', failure);
    return { type: 'handlers.committed' };
  }

  async #abort(): Promise<Reply> {
    const failure = await this.#handlers.abort(this.#part('abortMs'));
    return failure === null ? { type: 'handlers.aborted' } : this.#handlerFailed('aborting', failure);
  }

  async #rollBack({ to }: RollbackParams): Promise<Reply> {
    const target = to === null ? null : this.#snapshots.of(to);
    this.#target = target;
    const failure = await this.#handlers.rollBack(target?.value ?? null, this.#part('rollbackMs'));
    if (failure !== null) return this.#handlerFailed('rollingBack', failure);
    return { type: 'handlers.rolledBack' };
  }

  /** After the step that asked for it: only then is what it is about in force. */
  async #watchHealth(params: { readonly attempt: number; readonly forMs: number }): Promise<void> {
    await Promise.resolve();
    if (this.context.applied?.attempt === params.attempt && this.current !== null)
      this.#health.watch(params, this.current.value);
  }

  #apply(attempt: number): void {
    this.#handlers.accept();
    this.#health.end();
    const snapshot = this.#snapshotOf(attempt);
    this.#snapshots.put(snapshot);
    this.#work = null;
  }

  #returned(): void {
    this.#health.end();
    if (this.#target !== null) this.#snapshots.put(this.#target);
  }

  #handlerFailed(stage: ReloadStage, failure: HandlerFailure): Reply {
    const diagnostic = problem(stage, 'HANDLER_FAILED', this.#scrubbed(failure.message));
    return failed(stage, { diagnostics: [diagnostic], halfDone: failure.halfDone });
  }

  /** Whatever handlers were given, they may speak of: what comes, what is in force, what was before. */
  #scrubbed(message: string): string {
    const { reader } = this.#settings;
    const coming = this.#work?.snapshot?.parsed ?? this.#work?.parsed ?? null;
    const known = [coming, ...this.#snapshots.all().map(({ parsed }) => parsed)];
    return known.reduce((words, parsed) => (parsed === null ? words : reader.scrub(words, parsed)), message);
  }

  #workOf(attempt: number): Work<T> {
    if (this.#work?.attempt === attempt) return this.#work;
    throw givenUp(attempt);
  }

  #snapshotOf(attempt: number): ConfigSnapshot<T> {
    const { snapshot } = this.#workOf(attempt);
    if (snapshot) return snapshot;
    throw new Error(`attempt ${attempt} was not checked`);
  }

  #part(stage: 'prepareMs' | 'commitMs' | 'abortMs' | 'rollbackMs'): number {
    return this.context.timings[stage] * OWN_PART;
  }

  #now(): number {
    return this.#settings.clock.monotonicMs();
  }
}

const givenUp = (attempt: number): Error => new Error(`attempt ${attempt} was given up`);

function problem(stage: ReloadStage, code: string, message: string): Diagnostic {
  return { stage, code, message, file: null, line: null, column: null, path: null };
}

function failed(
  stage: ReloadStage,
  {
    diagnostics,
    dependencies = null,
    transient = false,
    halfDone = [],
  }: Partial<Refused> & {
    readonly diagnostics: readonly Diagnostic[];
    readonly halfDone?: readonly string[];
  },
): Reply {
  const kept = diagnostics.map(({ code, message, file, line, column, path }) => ({
    stage,
    code,
    message,
    file,
    line,
    column,
    path,
  }));
  return { type: 'stage.failed', stage, diagnostics: kept, dependencies, transient, halfDone };
}

function failedBy(stage: ReloadStage, error: unknown): Reply {
  const { code, message } = reasonOf(error);
  return failed(stage, { diagnostics: [problem(stage, code, message)], transient: stage === 'reading' });
}

function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ConclaveError) return { code: error.code, message: error.message };
  return { code: 'CONFIG_FAILED', message: error instanceof Error ? error.message : String(error) };
}
