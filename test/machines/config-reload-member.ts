import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import {
  type ChangedKeys,
  type ConfigReloadEmitted,
  type ConfigReloadEvent,
  type ConfigReloadInput,
  configReloadMachine,
  type Diagnostic,
  type ReloadStage,
  type ReloadTimings,
} from '../../machines/index.ts';

/** One member's chart with a clock of its own and nobody behind its effects: a test answers them itself. */

export type ReloadSnapshot = SnapshotFrom<typeof configReloadMachine>;

/** Each wait has a length of its own, so that a test sees which one it was. */
export const TIMINGS: ReloadTimings = {
  quietMs: 300,
  maxWaitMs: 1000,
  readMs: 2000,
  parseMs: 2100,
  checkMs: 2200,
  prepareMs: 2300,
  journalMs: 2400,
  commitMs: 2500,
  abortMs: 2600,
  rollbackMs: 2700,
  healthMs: 30_000,
  retryMs: 50,
  retryMaxMs: 400,
};

export const INPUT: ConfigReloadInput = {
  timings: TIMINGS,
  onJournalFailure: 'continue',
  followsHead: false,
  generation: 0,
  lastGood: null,
  knownBad: [],
};

export const CHANGED: ChangedKeys = { live: ['log.level'], restart: [], immutable: [], omitted: 0 };

export function problem(stage: ReloadStage, message = 'no good'): Diagnostic {
  return {
    stage,
    code: 'CONFIG_INVALID',
    message,
    file: 'app.hcl',
    line: 3,
    column: 5,
    path: 'log.level',
  };
}

/** A failed stage, as its driver reports it. */
export function failed(
  stage: ReloadStage,
  rest: Partial<Answer<'stage.failed'>> = {},
): Answer<'stage.failed'> {
  return {
    type: 'stage.failed',
    stage,
    diagnostics: [problem(stage)],
    dependencies: null,
    transient: false,
    halfDone: [],
    ...rest,
  };
}

type Untimed<E> = E extends { at: number } ? Omit<E, 'at'> : E;
type Unnumbered<E> = E extends { attempt: number } ? Omit<E, 'attempt' | 'at'> : never;
type Answer<T extends string> = Unnumbered<Extract<ConfigReloadEvent, { type: T }>>;

export interface Timer {
  readonly id: string;
  readonly event: ConfigReloadEvent;
  readonly dueAt: number;
}

export interface Step {
  readonly snapshot: ReloadSnapshot;
  /** Named effects with their parameters. */
  readonly effects: readonly { readonly type: string; readonly params: unknown }[];
  readonly emitted: readonly ConfigReloadEmitted[];
  readonly timers: readonly Timer[];
}

interface RawAction {
  readonly type: string;
  readonly params?: unknown;
}

/** What one step of the chart asked for, and the timers pending after it. */
function collect(
  snapshot: ReloadSnapshot,
  actions: readonly RawAction[],
  before: Step | null,
  now: number,
): Step {
  const effects: { type: string; params: unknown }[] = [];
  const emitted: ConfigReloadEmitted[] = [];
  let timers = [...(before?.timers ?? [])];
  for (const { type, params } of actions) {
    const { id, sendId, delay, event } = (params ?? {}) as Record<string, unknown>;
    if (type === 'xstate.emit') emitted.push(event as ConfigReloadEmitted);
    else if (type === 'xstate.cancel') timers = timers.filter((timer) => timer.id !== sendId);
    else if (type === 'xstate.raise') {
      if (typeof delay !== 'number' || !Number.isFinite(delay) || delay < 0)
        throw new Error(`the delay of ${String(id)} is ${String(delay)}`);
      timers.push({ id: String(id), event: event as ConfigReloadEvent, dueAt: now + delay });
    } else effects.push({ type, params });
  }
  return { snapshot, effects, emitted, timers };
}

export function begin(input: ConfigReloadInput, now: number): Step {
  const [snapshot, actions] = initialTransition(configReloadMachine, input);
  return collect(snapshot, actions, null, now);
}

export function advance(
  before: Step,
  event: ConfigReloadEvent,
  now: number,
  machine = configReloadMachine,
): Step {
  const timers = before.timers.filter((timer) => timer.event !== event);
  const [snapshot, actions] = transition(machine, before.snapshot, event);
  return collect(snapshot, actions, { ...before, timers }, now);
}

export class ReloadMember {
  now = 1000;
  #step: Step;
  readonly emitted: ConfigReloadEmitted[] = [];
  readonly effects: { readonly type: string; readonly params: unknown }[] = [];

  constructor(input: Partial<ConfigReloadInput> = {}) {
    this.#step = begin({ ...INPUT, ...input }, this.now);
  }

  get context() {
    return this.#step.snapshot.context;
  }

  /** The state as a path with dots. */
  get state(): string {
    const path: string[] = [];
    for (let value: unknown = this.#step.snapshot.value; value !== undefined;) {
      const [key, below] = typeof value === 'string' ? [value] : Object.entries(value as object)[0]!;
      path.push(key);
      value = below;
    }
    return path.join('.');
  }

  get waits(): readonly number[] {
    return this.#step.timers.map((timer) => timer.dueAt - this.now);
  }

  /** Names of the facts told so far. */
  get told(): readonly string[] {
    return this.emitted.map((event) => event.type);
  }

  #take(event: ConfigReloadEvent): this {
    this.#step = advance(this.#step, event, this.now);
    this.emitted.push(...this.#step.emitted);
    this.effects.push(...this.#step.effects);
    return this;
  }

  send(event: Untimed<ConfigReloadEvent>): this {
    return this.#take({ ...event, at: this.now } as ConfigReloadEvent);
  }

  /** Answers the present attempt. */
  answer(event: Unnumbered<ConfigReloadEvent>): this {
    return this.send({ ...event, attempt: this.context.attempt });
  }

  /** Lets time pass, and whatever falls due happen. */
  pass(ms: number): this {
    const until = this.now + ms;
    for (;;) {
      const due = this.#step.timers
        .filter((timer) => timer.dueAt <= until)
        .toSorted((a, b) => a.dueAt - b.dueAt)[0];
      if (!due) break;
      this.now = Math.max(this.now, due.dueAt);
      this.#take(due.event);
    }
    this.now = until;
    return this;
  }

  /** Answers every request with success until the chart is where the test wants it. */
  proceed(to: string, sha: string, dependencies: string | null = null): this {
    const answers: Record<string, Unnumbered<ConfigReloadEvent>> = {
      'validating.reading': { type: 'content.read', sha, size: 10, where: 'app.hcl', dependencies: null },
      'validating.parsing': { type: 'content.parsed', dependencies },
      'validating.checking': { type: 'content.checked', changed: CHANGED },
      'validating.preparing': { type: 'handlers.prepared', handlers: ['database', 'cache'] },
      'validating.recording': { type: 'journal.committed' },
      committing: { type: 'handlers.committed' },
      aborting: { type: 'handlers.aborted' },
      rollingBack: { type: 'handlers.rolledBack' },
      undoing: { type: 'handlers.rolledBack' },
    };
    for (let steps = 0; this.state !== to && steps < 20; steps += 1) {
      const answer = answers[this.state];
      if (!answer) break;
      this.answer(answer);
    }
    if (this.state !== to) throw new Error(`stays in ${this.state} instead of reaching ${to}`);
    return this;
  }

  /** Applies this configuration by a command. */
  applies(sha: string, dependencies: string | null = null): this {
    this.send({ type: 'reload', force: false, target: null });
    return this.proceed('applied.watched', sha, dependencies);
  }

  /** And lets it come through its health watch. */
  keeps(sha: string, dependencies: string | null = null): this {
    return this.applies(sha, dependencies).pass(TIMINGS.healthMs);
  }

  /** The last effect with this name. */
  last(type: string): unknown {
    return this.effects.findLast((effect) => effect.type === type)?.params;
  }
}
