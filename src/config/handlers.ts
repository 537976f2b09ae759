import type { Clock } from '../runtime/clock.ts';
import { within } from './within.ts';

/**
 * What an application does with a new configuration, in two steps, so that it takes all of it or nothing.
 *
 * What the chain guarantees: every handler has prepared before any commits, in the order they were given; what was
 * prepared is either committed or aborted, in the reverse order, never both; no handler is asked to commit after the
 * attempt it belongs to was given up; a preparation that answers when nobody waits for it any more is aborted then.
 */

/** What `prepare` answers: nothing has happened yet, and everything is ready. */
export interface PreparedChange {
  /** Takes the new configuration. Should not fail: whatever can fail belongs into `prepare`. */
  commit(): void | Promise<void>;
  /** Lets go of what was prepared. Called instead of `commit`, never after it. */
  abort?(): void | Promise<void>;
  /**
   * Returns to the configuration before, after a commit that succeeded or failed midway. Without it the handler is
   * given the configuration before like any other: prepared, then committed.
   */
  rollback?(): void | Promise<void>;
}

/** A part of the application that takes a new configuration in two steps: all prepare, then all commit. */
export interface ReloadHandler<T> {
  /** Named in diagnostics, events and the journal. */
  readonly name: string;
  /**
   * Gets ready for `next`. A throw rejects it: nothing is committed anywhere. `previous` is null for the first one.
   * `signal` is aborted when the answer is not wanted any more.
   */
  prepare(
    next: T,
    previous: T | null,
    options: { readonly signal: AbortSignal },
  ): PreparedChange | Promise<PreparedChange>;
}

/**
 * What went wrong with which handler, in its own words, which may repeat a secret that it was given. `halfDone` names
 * those that are neither here nor there.
 */
export interface HandlerFailure {
  readonly handler: string;
  readonly message: string;
  readonly halfDone: readonly string[];
}

interface Step<T> {
  readonly handler: ReloadHandler<T>;
  readonly change: PreparedChange;
  state: 'prepared' | 'committing' | 'committed';
}

/** One configuration on its way into the handlers, or in them. */
interface Round<T> {
  readonly next: T;
  readonly previous: T | null;
  readonly steps: Step<T>[];
  readonly given: AbortController;
  /** Settles when the handler that prepares now has answered. */
  preparing: Promise<void>;
}

type Verb = 'prepare' | 'commit' | 'abort' | 'roll back';

export class HandlerChain<T> {
  readonly #handlers: readonly ReloadHandler<T>[];
  readonly #clock: Clock;
  #open: Round<T> | null = null;
  #inForce: Round<T> | null = null;

  constructor(handlers: readonly ReloadHandler<T>[], clock: Clock) {
    this.#handlers = handlers;
    this.#clock = clock;
  }

  get names(): readonly string[] {
    return this.#handlers.map(({ name }) => name);
  }

  /** Prepares all, one after the other; `budgetMs` for each. Null: all are ready. */
  async prepare(next: T, previous: T | null, budgetMs: number): Promise<HandlerFailure | null> {
    const given = new AbortController();
    const round: Round<T> = { next, previous, steps: [], given, preparing: Promise.resolve() };
    this.#open = round;
    for (const handler of this.#handlers) {
      const failure = await this.#prepareOne(round, handler, budgetMs);
      if (failure !== null) return failure;
    }
    return null;
  }

  async #prepareOne(
    round: Round<T>,
    handler: ReloadHandler<T>,
    budgetMs: number,
  ): Promise<HandlerFailure | null> {
    const { signal } = round.given;
    if (signal.aborted) return failureOf(handler, 'prepare', signal.reason, []);
    const asked = (async () => handler.prepare(round.next, round.previous, { signal }))();
    const settled = asked.then(async (change) => {
      assertChange(change);
      // Nobody waits any more: let it go again.
      if (signal.aborted) return change.abort?.();
      round.steps.push({ handler, change, state: 'prepared' });
      return undefined;
    });
    round.preparing = settled.catch(() => {});
    try {
      await within(this.#clock, budgetMs, settled);
      return null;
    } catch (error) {
      return failureOf(handler, 'prepare', error, []);
    }
  }

  /** Commits all in order; stops at the first that fails. */
  async commit(budgetMs: number): Promise<HandlerFailure | null> {
    const round = this.#open;
    const begun: string[] = [];
    for (const step of round?.steps ?? []) {
      if (round !== this.#open) break;
      begun.push(step.handler.name);
      step.state = 'committing';
      try {
        await within(this.#clock, budgetMs, (async () => step.change.commit())());
        step.state = 'committed';
      } catch (error) {
        return failureOf(step.handler, 'commit', error, begun);
      }
    }
    return null;
  }

  /** What was committed is in force: it is what a later rollback leaves. */
  accept(): void {
    this.#inForce = this.#open;
    this.#open = null;
  }

  /** Lets go of what was prepared, in reverse order. */
  async abort(budgetMs: number): Promise<HandlerFailure | null> {
    const round = this.#open;
    if (round === null) return null;
    this.#open = null;
    round.given.abort(new DOMException('This configuration is not wanted any more.', 'AbortError'));
    const waiting = this.#handlers[round.steps.length];
    let first: HandlerFailure | null = null;
    try {
      await within(this.#clock, budgetMs, round.preparing);
    } catch (error) {
      if (waiting) first = failureOf(waiting, 'abort', error, []);
    }
    for (const { handler, change } of round.steps.toReversed()) {
      try {
        await within(this.#clock, budgetMs, (async () => change.abort?.())());
      } catch (error) {
        first ??= failureOf(handler, 'abort', error, []);
      }
    }
    return first;
  }

  /**
   * Returns the handlers to a configuration: out of a commit that failed midway, or out of what is in force. Each is
   * tried, even if another fails.
   */
  async rollBack(to: T | null, budgetMs: number): Promise<HandlerFailure | null> {
    const round = this.#open ?? this.#inForce;
    if (round === null) return null;
    if (round === this.#open) this.#open = null;
    else this.#inForce = null;
    round.given.abort(new DOMException('This configuration is rolled back.', 'AbortError'));
    const halfDone: string[] = [];
    let first: Omit<HandlerFailure, 'halfDone'> | null = null;
    for (const step of round.steps.toReversed()) {
      try {
        await within(this.#clock, budgetMs / round.steps.length, this.#return(step, round, to));
      } catch (error) {
        const verb = step.state === 'prepared' ? 'abort' : 'roll back';
        first ??= failureOf(step.handler, verb, error, []);
        if (step.state !== 'prepared') halfDone.unshift(step.handler.name);
      }
    }
    return first === null || halfDone.length === 0 ? null : { ...first, halfDone };
  }

  async #return({ handler, change, state }: Step<T>, round: Round<T>, to: T | null): Promise<void> {
    if (state === 'prepared') return change.abort?.();
    // Its own way back leads to what was before it, which need not be what is wanted now.
    if (change.rollback && to === round.previous) return change.rollback();
    if (to === null)
      throw new Error('it has no rollback, and there is no configuration before this one to give it');
    const { signal } = new AbortController();
    const back = await handler.prepare(to, round.next, { signal });
    assertChange(back);
    return back.commit();
  }
}

function assertChange(change: unknown): asserts change is PreparedChange {
  if (typeof change === 'object' && change !== null && 'commit' in change) return;
  throw new TypeError('prepare must return an object with a function "commit"');
}

function failureOf<T>(
  { name }: ReloadHandler<T>,
  verb: Verb,
  error: unknown,
  halfDone: readonly string[],
): HandlerFailure {
  const said = error instanceof Error ? error.message : String(error);
  return { handler: name, message: `The handler "${name}" failed to ${verb}: ${said}`, halfDone };
}
