import type { AnyActorRef, EventObject } from 'xstate';
import { TimerLedger, type PendingTimer } from '../journal/pending-timers.ts';
import type { EventKind } from './event-kinds.ts';
import type { Effect } from './xstate-internals.ts';

/**
 * Which effect an event came of: the result of a child of the one that started it, a timer that the chart named itself
 * of the one that set it. XState's own timers are told by their event's type and are not followed here, so that most
 * charts pay nothing.
 */
export class EventCauses {
  readonly #self: string;
  #children: Map<string, string> | null = null;
  #timers: TimerLedger | null = null;

  constructor(self: string) {
    this.#self = self;
  }

  /** Looks at the effect at place `at` of record `seq` as it is asked for; 0 where the number is not known yet. */
  asked({ type, params }: Effect, seq: number, at: number): void {
    if (type === 'xstate.spawnChild') {
      const { actorRef } = params as { readonly actorRef?: AnyActorRef };
      if (actorRef === undefined) return;
      this.#children ??= new Map();
      this.#children.set(actorRef.id, `${seq}:${at}`);
    } else if (type === 'xstate.stopChild') {
      const { id } = (params ?? {}) as { readonly id?: string };
      if (id !== undefined) this.#children?.delete(id);
    } else if (type === 'xstate.raise' || type === 'xstate.sendTo') {
      const { delay, event } = params as { readonly delay: unknown; readonly event: EventObject };
      if (delay !== undefined && !event.type.startsWith('xstate.'))
        this.#timers ??= new TimerLedger(this.#self);
    }
  }

  /** Whether the chart ever set a timer of its own. */
  get hasTimers(): boolean {
    return this.#timers !== null;
  }

  /** The effect that started the child whose result this is. */
  ofResult(event: EventObject): string | undefined {
    const { actorId } = event as EventObject & { readonly actorId: string };
    const cause = this.#children?.get(actorId);
    this.#children?.delete(actorId);
    return cause;
  }

  /** The effect that set the timer which sends this very event. */
  ofEvent(event: EventObject): string | undefined {
    return this.#timers?.causeOf(event);
  }

  /** Takes over timers that were pending before a restart. */
  adopt(timers: readonly PendingTimer[]): void {
    if (timers.length === 0) return;
    this.#timers = new TimerLedger(this.#self);
    this.#timers.adopt(timers);
  }

  /** The number of the start is known now. */
  begun(seq: number): void {
    if (this.#children === null) return;
    for (const [id, effect] of this.#children) this.#children.set(id, effect.replace('0:', `${seq}:`));
  }

  /** Follows a step that was recorded. */
  follow({ kind }: EventKind, step: FollowedStep, mono: number): void {
    if (this.#timers === null) return;
    const { seq, event, effects, cause } = step;
    const timed = { seq, kind, event, effects, mono, wall: 0 };
    this.#timers.apply(cause === undefined ? timed : { ...timed, cause }, '');
  }
}

interface FollowedStep {
  readonly seq: number;
  readonly event: EventObject;
  readonly effects: readonly Effect[];
  readonly cause: string | undefined;
}
