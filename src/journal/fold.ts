import type { AnyActorLogic, AnyMachineSnapshot, AnyStateMachine, EventObject, StateValue } from 'xstate';
import { JournalError } from '../errors.ts';
import { plainMachine } from '../runtime/plain-machine.ts';
import { checkDelay } from '../runtime/timer-delays.ts';
import { InertScope, type Effect } from '../runtime/xstate-internals.ts';
import type { PersistedState } from '../runtime/xstate-shapes.ts';
import type { Named } from './checkpoint.ts';
import { effectRecords } from './comparison.ts';
import type { JournalRecord, Json } from './journal.ts';
import { FAULT_EVENT, TRIMMED_EVENT, type FaultPhase } from './own-events.ts';
import { TimerLedger, type PendingTimer } from './pending-timers.ts';
import { decodeValue } from './values.ts';

/** What one record came to when it was computed again. */
export interface FoldStep {
  /** State before the record; null for one that opens a life. */
  readonly before: AnyMachineSnapshot | null;
  /** State after it; null for one that changes none. */
  readonly after: AnyMachineSnapshot | null;
  /** Effects that were asked for; null where the record asks for none by itself (notes, cuts, faults). */
  readonly effects: readonly Effect[] | null;
  /** What computing it threw. */
  readonly thrown?: { readonly error: unknown };
}

/** How a child ended, as far as its parent's records tell. */
export interface ChildEnd {
  readonly status: 'done' | 'error';
  readonly output: unknown;
  readonly error: unknown;
}

/**
 * Computes an actor's states from its records with nothing but the machine's own pure functions, in one inert scope:
 * no timer, child, effect or clock runs. It begins at the first record that has a whole state (a start, a cut) and
 * goes on through restarts.
 */
export class JournalFold {
  readonly #machine: AnyStateMachine;
  readonly #timers = new TimerLedger();
  readonly #ended = new Map<string, ChildEnd>();
  #inert: InertScope | null = null;
  #snapshot: AnyMachineSnapshot | null = null;
  /** State before the last event: what a fault goes back to. */
  #previous: AnyMachineSnapshot | null = null;
  #named: Named = { actor: '', parent: null, names: null };

  constructor(machine: AnyStateMachine) {
    this.#machine = plainMachine(machine);
  }

  /** State after the last record; null before the first that has one. */
  get snapshot(): AnyMachineSnapshot | null {
    return this.#snapshot;
  }

  /** By which names the actor's records speak of it. */
  get named(): Named {
    return this.#named;
  }

  /** Timers pending after the last record. */
  get timers(): readonly PendingTimer[] {
    const resolve = (id: string) => this.#inert?.actorCalled(id, this.#snapshot);
    return this.#timers.pending.map((timer) => ({
      ...timer,
      to: timer.to === this.#named.actor ? null : timer.to,
      event: decodeValue(timer.event as Json, resolve),
    }));
  }

  /** The logic of a child of the last state. */
  readonly logicOf = (id: string): AnyActorLogic | undefined => {
    const children = this.#snapshot?.children as
      Record<string, { readonly logic?: AnyActorLogic } | undefined> | undefined;
    return children?.[id]?.logic;
  };

  /** Children that ended but are still among the snapshot's children. */
  get endedChildren(): ReadonlyMap<string, ChildEnd> {
    return this.#ended;
  }

  /** Takes a record. Null if there is no state yet that it could change. */
  apply(record: JournalRecord): FoldStep | null {
    const step = this.#step(record);
    if (step !== null && step.after !== null) {
      this.#previous = record.kind === 'init' ? step.after : this.#snapshot;
      this.#snapshot = step.after;
    }
    if (step !== null) this.#timers.apply(record, record.boot);
    return step;
  }

  /** Takes a record that nobody made: its effects are those that the chart asks for now. */
  imagine(record: JournalRecord): FoldStep | null {
    const step = this.#step(record);
    if (step === null) return null;
    if (step.after !== null) {
      this.#previous = this.#snapshot;
      this.#snapshot = step.after;
    }
    const effects = step.effects === null ? [] : effectRecords(record.seq, step.effects);
    this.#timers.apply({ ...record, effects }, record.boot);
    return step;
  }

  #step(record: JournalRecord): FoldStep | null {
    if (record.kind === 'init') return this.#begin(record);
    if (record.event.type === TRIMMED_EVENT) return this.#restore(record);
    const before = this.#snapshot;
    const inert = this.#inert;
    if (before === null || inert === null) return null;
    if (record.kind === 'note') return { before, after: null, effects: null };
    if (record.event.type === FAULT_EVENT) return this.#fault(record, before, inert);
    const event = this.#decode(record.event, before);
    if (record.kind === 'stop') return { ...this.#transition(record.seq, before, event, inert), after: null };
    this.#noteEnd(event);
    return this.#transition(record.seq, before, event, inert);
  }

  #begin(record: JournalRecord): FoldStep {
    const inert = this.#open(record);
    const { input } = this.#decode(record.event, null) as EventObject & { readonly input?: unknown };
    const effects = inert.begin(0, null);
    const after = this.#machine.getInitialSnapshot(inert.scope as never, input) as AnyMachineSnapshot;
    return { before: null, after, effects };
  }

  #restore(record: JournalRecord): FoldStep {
    const inert = this.#open(record);
    const { snapshot } = record.event.data as { readonly snapshot: { readonly children: object } & Json };
    // What the machine restores by itself are references to children; others are known by their id only.
    const refer = (id: string) =>
      id in snapshot.children ? { xstate$$type: 1, id } : inert.actorCalled(id, null);
    const persisted = decodeValue(snapshot, refer) as PersistedState;
    const after = this.#restored(inert, persisted, record);
    for (const [id, { snapshot: child }] of Object.entries(persisted.children)) {
      if (child.status === 'done' || child.status === 'error') this.#ended.set(id, child as ChildEnd);
    }
    return { before: null, after, effects: null };
  }

  #restored(
    inert: InertScope,
    persisted: PersistedState,
    { stream, seq }: JournalRecord,
  ): AnyMachineSnapshot {
    try {
      return inert.restore(this.#machine, persisted);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The state at ${stream}@${seq} is none of "${this.#machine.id}" as it is now: ${why}`;
      throw new JournalError('REPLAY_INCOMPATIBLE', `${message} Use the chart that wrote it.`, {
        cause,
        place: `${stream}@${seq}`,
      });
    }
  }

  #open({ stream, event }: JournalRecord): InertScope {
    const { actor, parent, names } = (event.data ?? {}) as {
      actor?: string;
      parent?: string;
      names?: string;
    };
    this.#named = { actor: actor ?? this.#machine.id, parent: parent ?? null, names: names ?? null };
    this.#ended.clear();
    this.#snapshot = null;
    const inert = { actor: this.#named.actor, parent: this.#named.parent, stream: names ?? stream };
    this.#inert = new InertScope(inert, (effect) => this.#asked(effect));
    return this.#inert;
  }

  #transition(seq: number, before: AnyMachineSnapshot, event: EventObject, inert: InertScope): FoldStep {
    const effects = inert.begin(seq, before);
    try {
      const after = this.#machine.transition(before, event, inert.scope as never) as AnyMachineSnapshot;
      this.#forgetEnded(after);
      return { before, after, effects };
    } catch (error) {
      return { before, after: failed(before, error), effects, thrown: { error } };
    }
  }

  #fault(record: JournalRecord, before: AnyMachineSnapshot, inert: InertScope): FoldStep {
    const { phase, during, error } = this.#decode(record.event, before) as unknown as Fault;
    // Actions are not carried out again: what they threw is taken from the record, as any other result is.
    if (phase !== 'transition') {
      const kept = phase === 'action' ? (this.#previous ?? before) : before;
      return { before, after: failed(kept, error), effects: null };
    }
    const again = this.#transition(record.seq, before, during, inert);
    if (again.thrown !== undefined || !isOfTheRuntime(error)) return { ...again, effects: null };
    // The runtime refused the step by rules of its own (a timer its clock cannot keep, a check of development).
    return { before, after: failed(before, error), effects: null, thrown: { error } };
  }

  #decode({ type, data }: JournalRecord['event'], snapshot: AnyMachineSnapshot | null): EventObject {
    if (data === undefined) return { type };
    const inert = this.#inert as InertScope;
    const parts = decodeValue(data, (id) => inert.actorCalled(id, snapshot)) as object;
    return { type, ...parts };
  }

  /** XState keeps a child that ended among the children until its state is left; it must not be started again. */
  #noteEnd(event: EventObject): void {
    const { type, actorId, output, error } = event as EventObject &
      Partial<ChildEnd> & { readonly actorId?: string };
    if (actorId === undefined) return;
    if (type.startsWith('xstate.done.actor.'))
      this.#ended.set(actorId, { status: 'done', output, error: undefined });
    else if (type.startsWith('xstate.error.actor.'))
      this.#ended.set(actorId, { status: 'error', output: undefined, error });
  }

  #forgetEnded({ children }: AnyMachineSnapshot): void {
    for (const id of this.#ended.keys()) if (!(id in (children as object))) this.#ended.delete(id);
  }

  /** A delay that is no number would be now, and two of them a loop without end: here, too. */
  #asked(effect: Effect): void {
    if (effect.type !== 'xstate.raise' && effect.type !== 'xstate.sendTo') return;
    const state = this.#snapshot?.value as StateValue | undefined;
    checkDelay(effect, { machine: this.#machine, longTimers: true, state });
  }
}

interface Fault {
  readonly phase: FaultPhase;
  readonly during: EventObject;
  readonly error: unknown;
}

function failed(snapshot: AnyMachineSnapshot, error: unknown): AnyMachineSnapshot {
  return { ...snapshot, status: 'error', error } as AnyMachineSnapshot;
}

const RUNTIME_REFUSALS: ReadonlySet<unknown> = new Set([
  'DELAY_INVALID',
  'IMPURE_TRANSITION',
  'EVENT_NOT_SERIALIZABLE',
]);

function isOfTheRuntime(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    RUNTIME_REFUSALS.has((error as { readonly code?: unknown }).code)
  );
}
