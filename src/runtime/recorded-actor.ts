import type {
  AnyActorLogic,
  AnyActorRef,
  AnyActorScope,
  AnyMachineSnapshot,
  AnyStateMachine,
  EventObject,
  StateValue,
} from 'xstate';
import { UsageError } from '../errors.ts';
import type { Journal, JournalWriter, Json, StreamHead, StreamHeader } from '../journal/journal.ts';
import { INIT_EVENT, RESUMED_EVENT, TRIMMED_EVENT, type FaultPhase } from '../journal/own-events.ts';
import type { PendingTimer } from '../journal/pending-timers.ts';
import { decodeValue } from '../journal/values.ts';
import type { Clock } from './clock.ts';
import { EventCauses } from './event-causes.ts';
import { EXTERNAL_KIND, INIT_KIND, kindOf, TIMER_KIND, type EventKind } from './event-kinds.ts';
import { StreamPen, type Step } from './stream-pen.ts';
import { systemClock } from './system-clock.ts';
import { checkDelay } from './timer-delays.ts';
import type { TransitionCheck } from './transition-check.ts';
import {
  actorFacts,
  armTimer,
  EffectCollector,
  renameActor,
  restoreLive,
  stubActor,
  type ActorFacts,
  type Effect,
  type InertActor,
} from './xstate-internals.ts';
import { persistState, type PersistedState } from './xstate-shapes.ts';

/** What is known of an actor when its stream is named. */
export interface ActorIdentity {
  /** Its own id; the machine's if it was given none. */
  readonly id: string;
  readonly input: unknown;
  /** The stream of its parent, where that is event-sourced, too. */
  readonly parentStream: string | null;
}

export interface DueTimer {
  readonly timer: PendingTimer;
  readonly leftMs: number;
}

/** Where a recovered actor goes on. */
export interface ResumePoint {
  readonly head: StreamHead;
  /** Timers to arm, in the order they are due, their events encoded, and what is left of each. */
  readonly timers: readonly DueTimer[];
  /** The state, encoded: references to actors are resolved where the actor is. */
  readonly state: Json;
  /** The logic of a child that has no name in the machine's actors. */
  readonly logicOf: (id: string) => AnyActorLogic | undefined;
}

/** What all actors of one event-sourced machine have in common. */
export interface RecordingSettings {
  readonly machine: AnyStateMachine;
  readonly journal: Journal;
  /** Null where nobody named the streams. */
  readonly streamOf: ((actor: ActorIdentity) => string) | null;
  readonly header: Omit<StreamHeader, 'stream'>;
  readonly clock: Clock | null;
  readonly recovery: 'audit' | 'resume' | null;
  /** The machine's structure, for the first record of each life. */
  readonly structure: unknown;
  readonly check: ((actor: InertActor) => TransitionCheck) | null;
  readonly resume: ResumePoint | null;
}

interface Beginning {
  readonly snapshot: AnyMachineSnapshot;
  readonly input: unknown;
  readonly effects: readonly Effect[];
  readonly restored: boolean;
}

/** One actor of an event-sourced machine: records each step before its effects are carried out. */
export class RecordedActor {
  readonly #settings: RecordingSettings;
  readonly #scope: AnyActorScope;
  readonly #collector: EffectCollector;
  readonly #facts: ActorFacts;
  readonly #clock: Clock;
  readonly #check: TransitionCheck | null;
  readonly #causes: EventCauses;
  readonly #delays: {
    readonly machine: AnyStateMachine;
    readonly longTimers: boolean;
    state: StateValue | undefined;
  };
  #seq = 0;
  #beginning: Beginning | null = null;
  /** Timers of a recovered actor. */
  #due: readonly DueTimer[] = [];
  #pen: StreamPen | null = null;

  constructor(settings: RecordingSettings, scope: AnyActorScope, identity: Omit<ActorIdentity, 'id'>) {
    this.#settings = settings;
    this.#scope = scope;
    const { machine } = settings;
    const facts = actorFacts(scope);
    const called = facts.implicit && facts.parent === null ? machine.id : facts.id;
    this.#collector = new EffectCollector(scope, (effect, at) => this.#asked(effect, at));
    this.#collector.stream = (settings.streamOf ?? streamBy(machine))({ ...identity, id: called });
    // A root without an id of its own goes by its stream: XState's number would be another in each process.
    if (called !== facts.id) renameActor(scope, this.#collector.stream);
    this.#facts = { ...facts, id: scope.self.id };
    const given = facts.clock as Clock | { readonly monotonicMs?: undefined };
    const ownTime = given.monotonicMs !== undefined;
    this.#clock = settings.clock ?? (ownTime ? given : systemClock);
    this.#delays = { machine, longTimers: ownTime, state: undefined };
    this.#causes = new EventCauses(scope.self.id);
    const { parent } = facts;
    this.#check =
      settings.check?.({
        actor: scope.self.id,
        parent: parent?.id ?? null,
        stream: this.#collector.stream,
      }) ?? null;
  }

  /** What its stream was to be called; in use or not. */
  get stream(): string {
    return this.#pen?.writer.header.stream ?? this.#collector.stream;
  }

  get journal(): Journal {
    return this.#settings.journal;
  }

  /** Null until the actor has started. */
  get writer(): JournalWriter | null {
    return this.#pen?.writer ?? null;
  }

  /** Computes the initial snapshot; its effects wait until the actor starts and its start is recorded. */
  initial(input: unknown): AnyMachineSnapshot {
    this.#collector.begin(0);
    const snapshot = this.#settings.machine.getInitialSnapshot(this.#scope, input) as AnyMachineSnapshot;
    const effects = this.#collector.end();
    // A start that failed is never told to the logic: XState reports the error and forgets what was deferred.
    if (snapshot.status === 'error') return snapshot;
    this.#check?.started(input, snapshot, effects);
    this.#beginning = { snapshot, input, effects, restored: false };
    // An actor that is done at once is never started, but carries out what was deferred.
    this.#scope.defer(() => this.open());
    for (const effect of effects) this.#scope.defer(() => this.#executeInitial(effect, snapshot));
    return snapshot;
  }

  /** Restores what XState persisted or, where the actor is recovered, what its journal tells. */
  restored(persisted: unknown): AnyMachineSnapshot {
    const { machine, resume } = this.#settings;
    const snapshot =
      resume === null
        ? (machine.restoreSnapshot(persisted as never, this.#scope as never) as AnyMachineSnapshot)
        : restoreLive(machine, this.#stateOf(resume), this.#scope, resume.logicOf);
    this.#beginning = { snapshot, input: undefined, effects: [], restored: true };
    return snapshot;
  }

  #stateOf({ state, timers }: ResumePoint): PersistedState {
    const { children } = state as { readonly children: object } & Json;
    const actorCalled = (id: string) =>
      this.#actorCalled(id === this.#facts.id ? null : id, null) ?? stubActor(id);
    this.#due = timers.map(({ timer, leftMs }) => {
      const event = decodeValue(timer.event as Json, actorCalled);
      return { timer: { ...timer, event }, leftMs };
    });
    // What the machine restores by itself are references to children.
    const refer = (id: string) => (id in children ? { xstate$$type: 1, id } : actorCalled(id));
    return decodeValue(state, refer) as PersistedState;
  }

  /** Opens the stream and records the beginning, once. Throws what the journal throws when it refuses the stream. */
  open(): void {
    if (this.#beginning === null) return;
    const beginning = this.#beginning;
    this.#beginning = null;
    const { journal, header, streamOf, resume, recovery } = this.#settings;
    const head = beginning.restored ? resume?.head : undefined;
    const stream = this.#collector.stream;
    refuseUnfit(recovery, beginning.restored && resume === null, stream);
    this.#pen = new StreamPen(
      { journal, header: { ...header, stream }, unnamed: streamOf === null, head },
      this.#clock,
    );
    if (recovery === 'resume' && !beginning.restored && this.#pen.nextSeq > 1) {
      this.#pen.close();
      throw new UsageError(
        'JOURNAL_CONFLICT',
        `The stream ${stream} holds ${this.#pen.nextSeq - 1} records of an actor that resumes. ` +
          'Call recover() and give createActor what it returns.',
      );
    }
    this.#recordBeginning(this.#pen, beginning);
    if (beginning.snapshot.status !== 'active') this.#pen.close();
  }

  /** Starts children and, after a recovery, the timers that were pending. */
  start(snapshot: AnyMachineSnapshot): void {
    const { machine, resume } = this.#settings;
    const resumes = this.#beginning?.restored === true && resume !== null;
    this.open();
    machine.start(snapshot as never);
    if (!resumes) return;
    for (const { timer, leftMs } of this.#due) {
      const target = this.#actorCalled(timer.to, snapshot);
      if (target === undefined) continue;
      armTimer(this.#scope, target, { event: timer.event as EventObject, id: timer.id, delayMs: leftMs });
    }
  }

  /** Computes one step, records it, then carries out its effects. */
  step(snapshot: AnyMachineSnapshot, received: EventObject): AnyMachineSnapshot {
    const pen = this.#pen;
    const { machine } = this.#settings;
    const kind = kindOf(received.type);
    const event = kind === TIMER_KIND ? this.#dated(received) : received;
    // Asked first: the step may stop the child, and then nobody remembers.
    const cause = kind.source === 'invoke' ? this.#causes.ofResult(event) : undefined;
    // Before its start and after its end an actor computes, but decides nothing.
    if (pen === null) return machine.transition(snapshot, event, this.#scope) as AnyMachineSnapshot;
    this.#seq = pen.nextSeq;
    this.#delays.state = snapshot.value as StateValue;
    let next: AnyMachineSnapshot;
    let effects: readonly Effect[];
    this.#collector.begin(this.#seq);
    try {
      next = machine.transition(snapshot, event, this.#scope) as AnyMachineSnapshot;
      effects = this.#collector.end();
      this.#check?.stepped(this.#seq, event, { before: snapshot, after: next }, effects);
    } catch (error) {
      this.#collector.end();
      this.#fail(pen, 'transition', event, { from: snapshot, kept: snapshot }, error);
      throw error;
    }
    this.#record(pen, kind, { event, before: snapshot, after: next, effects }, cause);
    try {
      for (const effect of effects) this.#collector.execute(effect);
    } catch (error) {
      this.#fail(pen, 'action', event, { from: next, kept: snapshot }, error);
      throw error;
    }
    if (next.status !== 'active') pen.close();
    return next;
  }

  /** A chart reads no clock: its timers say when they fired, by `at`, as other events do by themselves. */
  #dated(event: EventObject): EventObject {
    return { at: this.#clock.monotonicMs(), ...event } as EventObject;
  }

  #record(
    pen: StreamPen,
    told: EventKind,
    step: Step & { readonly effects: readonly Effect[] },
    result: string | undefined,
  ): void {
    if (!this.#causes.hasTimers) {
      pen.record(told, step, result);
      return;
    }
    const timer = told === EXTERNAL_KIND ? this.#causes.ofEvent(step.event) : undefined;
    const kind = timer === undefined ? told : TIMER_KIND;
    const cause = timer ?? result;
    pen.record(kind, step, cause);
    const { event, effects } = step;
    this.#causes.follow(kind, { seq: this.#seq, event, effects, cause }, pen.lastMono);
  }

  #recordBeginning(pen: StreamPen, { snapshot, input, effects, restored }: Beginning): void {
    const { resume, structure } = this.#settings;
    const { id: actor, parent } = this.#facts;
    const names = this.#collector.stream;
    const named = {
      actor,
      ...(parent !== null && { parent: parent.id }),
      // The stream that was wanted was in use, and what it named is named after it all the same.
      ...(names !== pen.writer.header.stream && { names }),
    };
    if (!restored) {
      const event = {
        type: INIT_EVENT,
        ...named,
        ...(input !== undefined && { input }),
        structure,
      } as EventObject;
      pen.record(INIT_KIND, { event, before: null, after: snapshot, effects });
    } else if (resume === null) {
      const event = {
        type: TRIMMED_EVENT,
        ...named,
        snapshot: persistState(snapshot),
        timers: [],
      } as EventObject;
      pen.record({ kind: 'trimmed', source: 'external' }, { event, before: null, after: snapshot, effects });
    } else {
      const timers = this.#due.map(({ timer, leftMs }) => ({ effect: timer.effect, delayMs: leftMs }));
      const event = { type: RESUMED_EVENT, ...named, timers } as EventObject;
      pen.record({ kind: 'note', source: 'self' }, { event, before: null, after: null, effects });
    }
    this.#seq = pen.nextSeq - 1;
    this.#causes.begun(this.#seq);
    this.#causes.adopt(this.#due.map(({ timer }) => timer));
    const begun = { seq: this.#seq, event: { type: INIT_EVENT }, effects, cause: undefined };
    if (!restored) this.#causes.follow(INIT_KIND, begun, pen.lastMono);
  }

  #executeInitial(effect: Effect, snapshot: AnyMachineSnapshot): void {
    try {
      this.#collector.execute(effect);
    } catch (error) {
      if (this.#pen !== null)
        this.#fail(this.#pen, 'start', { type: INIT_EVENT }, { from: snapshot, kept: snapshot }, error);
      throw error;
    }
  }

  #fail(
    pen: StreamPen,
    phase: FaultPhase,
    during: EventObject,
    states: { readonly from: AnyMachineSnapshot; readonly kept: AnyMachineSnapshot },
    error: unknown,
  ): void {
    pen.fault(phase, during, states, error);
    pen.close();
  }

  /** Looks at an effect as it is asked for; refusing it here makes the transition fail. */
  #asked(effect: Effect, at: number): void {
    const { type } = effect;
    // Custom actions are the many, and none of these.
    if (!type.startsWith('xstate.')) return;
    if (type === 'xstate.raise' || type === 'xstate.sendTo') checkDelay(effect, this.#delays);
    this.#causes.asked(effect, this.#seq, at);
  }

  #actorCalled(id: string | null, snapshot: AnyMachineSnapshot | null): AnyActorRef | undefined {
    const { parent } = this.#facts;
    if (id === null) return this.#scope.self;
    return parent?.id === id
      ? parent
      : (snapshot?.children as Record<string, AnyActorRef | undefined> | undefined)?.[id];
  }
}

function refuseUnfit(recovery: 'audit' | 'resume' | null, foreign: boolean, stream: string): void {
  if (recovery === null || !foreign) return;
  const cure =
    recovery === 'audit'
      ? 'A restart of an audited actor begins from the initial state: create it without a snapshot.'
      : 'An actor that resumes does so from its journal: give createActor what recover() returns.';
  throw new UsageError(
    'JOURNAL_CONFLICT',
    `A snapshot was restored into ${stream}, whose recovery is "${recovery}". ${cure}`,
  );
}

function streamBy({ id: machineId }: AnyStateMachine): (actor: ActorIdentity) => string {
  return ({ id, parentStream }) => {
    if (parentStream !== null) return `${parentStream}/${id}`;
    return id === machineId ? machineId : `${machineId}/${id}`;
  };
}
