import { RESUMED_EVENT, TRIMMED_EVENT, type ResumedTimer } from './own-events.ts';

/**
 * Which timers an actor is waiting for, told from nothing but its recorded effects. XState itself keeps them in
 * closures and forgets them when it persists; a restart needs them to wait for what is left.
 */

/** A timer that was set and has neither fired nor been cancelled. */
export interface PendingTimer {
  /** The effect that set it, `"<seq>:<n>"`. */
  readonly effect: string;
  /** The id it is cancelled by; null if the chart gave none. */
  readonly id: string | null;
  /** The actor that gets the event; null for the actor itself. */
  readonly to: string | null;
  /** The event, in whatever form (raw or encoded) the effects had it. */
  readonly event: unknown;
  /** What there was to wait from `mono` and `wall` on, in milliseconds. */
  readonly delayMs: number;
  readonly mono: number;
  readonly wall: number;
  readonly boot: string;
}

/** As much of a record or an entry as timers depend on. */
export interface TimerStep {
  readonly seq: number;
  readonly kind: string;
  readonly event: { readonly type: string };
  readonly cause?: string;
  readonly effects: readonly { readonly type: string; readonly params?: unknown }[];
  readonly mono: number;
  readonly wall: number;
}

interface TimerParams {
  readonly event?: unknown;
  readonly id?: unknown;
  readonly delay?: unknown;
  readonly to?: unknown;
  readonly targetId?: unknown;
  readonly sendId?: unknown;
}

/** Most timers one actor may have pending in a ledger; a chart that sets more without end is at fault itself. */
export const PENDING_TIMERS_MAX = 10_000;

/** Follows an actor step by step and knows its pending timers. */
export class TimerLedger {
  #pending: PendingTimer[] = [];
  readonly #self: string | null;

  /** @param self Id of the actor, so that events it sends to itself count as its own. */
  constructor(self: string | null = null) {
    this.#self = self;
  }

  get pending(): readonly PendingTimer[] {
    return this.#pending;
  }

  /** Takes over timers that are pending already. */
  adopt(pending: readonly PendingTimer[]): void {
    this.#pending = [...pending];
  }

  /** The effect that set the timer which now sends this very event; undefined if it comes of none. */
  causeOf(event: object): string | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.event !== event || timer.to !== null) continue;
      if (first === undefined || timer.mono + timer.delayMs < first.mono + first.delayMs) first = timer;
    }
    return first?.effect;
  }

  /** Takes one step: removes the timer that fired and those cancelled, adds those set. */
  apply(step: TimerStep, boot: string): void {
    // A stopped actor may be recovered, and then waits for what was left.
    if (step.kind === 'init') this.#pending = [];
    else if (step.kind === 'timer') this.#fire(step);
    else if (step.kind === 'note' && step.event.type === RESUMED_EVENT) this.#resume(step, boot);
    else if (step.kind === 'trimmed' && step.event.type === TRIMMED_EVENT)
      this.#pending = [...payload(step).timers];
    const { effects } = step;
    for (let at = 0; at < effects.length; at += 1) {
      const { type, params } = effects[at] as { type: string; params?: TimerParams };
      if (params === undefined) continue;
      if (type === 'xstate.cancel') this.#cancel(params.sendId);
      else if ((type === 'xstate.raise' || type === 'xstate.sendTo') && typeof params.delay === 'number') {
        this.#set(step, at, params, boot);
      }
    }
  }

  /** What a restart found left to wait is what counts from then on: a wall clock that steps cannot lengthen it. */
  #resume(step: TimerStep, boot: string): void {
    const { mono, wall } = step;
    const left = new Map(
      (payload(step).timers as readonly ResumedTimer[]).map(({ effect, delayMs }) => [effect, delayMs]),
    );
    this.#pending = this.#pending.flatMap((timer) => {
      const delayMs = left.get(timer.effect);
      return delayMs === undefined ? [] : [{ ...timer, delayMs, mono, wall, boot }];
    });
  }

  #fire({ event, cause }: TimerStep): void {
    const fired =
      cause === undefined
        ? this.#pending.findIndex((timer) => timer.id === event.type)
        : this.#pending.findIndex((timer) => timer.effect === cause);
    if (fired >= 0) this.#pending.splice(fired, 1);
  }

  /** XState cancels the timer set last under an id. */
  #cancel(id: unknown): void {
    const last = this.#pending.findLastIndex((timer) => timer.id === id);
    if (last >= 0) this.#pending.splice(last, 1);
  }

  #set({ seq, mono, wall }: TimerStep, at: number, params: TimerParams, boot: string): void {
    if (this.#pending.length >= PENDING_TIMERS_MAX) this.#pending.shift();
    const target = targetOf(params.to);
    this.#pending.push({
      effect: `${seq}:${at}`,
      id: typeof params.id === 'string' ? params.id : null,
      to: target === this.#self ? null : target,
      event: params.event,
      delayMs: Math.max(0, params.delay as number),
      mono,
      wall,
      boot,
    });
  }
}

/** Entries carry an event's data beside its type, records below `data`. */
function payload({ event }: TimerStep): { readonly timers: readonly PendingTimer[] } {
  const { timers, data } = event as {
    readonly timers?: readonly PendingTimer[];
    readonly data?: { readonly timers?: readonly PendingTimer[] };
  };
  return { timers: timers ?? data?.timers ?? [] };
}

/** The id of a timer's target: encoded as `{ $actor: id }` in records, a reference in entries. */
function targetOf(to: unknown): string | null {
  if (typeof to !== 'object' || to === null) return null;
  const { $actor, id } = to as { readonly $actor?: unknown; readonly id?: unknown };
  const target = $actor ?? id;
  return typeof target === 'string' ? target : null;
}
