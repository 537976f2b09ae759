/* eslint-disable no-underscore-dangle -- the names are XState's */
import {
  createActor,
  fromTransition,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
  type ExecutableActionObject,
} from 'xstate';
import { UsageError } from '../errors.ts';
import type { PersistedChild, PersistedState } from './xstate-shapes.ts';

/**
 * How XState 5 works inside, with `xstate-shapes.ts` the only place that knows: actor scopes and their executor, the
 * system, inert actors. XState 6 turns effects into data; then these files change and the rest does not. What is relied
 * on here was read in the source of 5.33.3 and is held by test/machines/runtime-*.test.ts.
 */

/** Who names the actors being created; transitions are synchronous, so one at a time. */
let naming: (() => string) | null = null;
const namedSystems = new WeakSet<object>();

/**
 * The id of an actor to which the chart gives none. XState numbers those with one counter for the whole process,
 * which would leak `x:17` into recorded events; this is the same in each run and in each replay.
 */
export function implicitActorId(stream: string, step: number, n: number): string {
  return `${stream}#${step}.${n}`;
}

function nameActorsOf(system: SystemInternals): void {
  if (namedSystems.has(system)) return;
  namedSystems.add(system);
  const original = system._bookId;
  system._bookId = () => naming?.() ?? original();
}

/** An effect as XState hands it to an actor's executor. */
export type Effect = ExecutableActionObject;

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

/** A child that an `assign` spawned: XState starts it without an action, so there is no other sign of it. */
export const SPAWN_EFFECT = 'xstate.spawn';

interface SystemInternals {
  _bookId: () => string;
  _unregister: (actor: object) => void;
}

/**
 * Holds back an actor's effects while its machine computes a transition, so that the transition can be recorded
 * before any of them is carried out. Built-in actions only put work aside until the transition is over anyway; what
 * changes is that custom actions run after the whole macrostep instead of in the middle of it. Their order stays.
 *
 * It replaces the executor of the actor's own scope once, for the life of the actor.
 */
export class EffectCollector {
  readonly #execute: (effect: Effect) => void;
  readonly #defer: (fn: () => void) => void;
  readonly #scope: AnyActorScope;
  readonly #onEffect: (effect: Effect, index: number) => void;
  readonly #nextActorId = (): string => {
    this.#created += 1;
    return implicitActorId(this.stream, this.#step, this.#created);
  };
  #effects: Effect[] | null = null;
  #collecting = false;
  #outer: (() => string) | null = null;
  #step = 0;
  #created = 0;
  /** What the ids of actors are named after that the chart gives none; set before the first collection. */
  stream = '';

  /** @param onEffect Called for each effect as it is asked for; throwing makes the transition fail. */
  constructor(scope: AnyActorScope, onEffect: (effect: Effect, index: number) => void) {
    this.#scope = scope;
    this.#execute = scope.actionExecutor;
    this.#defer = scope.defer;
    this.#onEffect = onEffect;
    nameActorsOf(scope.system as unknown as SystemInternals);
    scope.actionExecutor = (effect) => this.#collect(effect);
    scope.defer = (fn) => {
      // While a transition is computed only a spawn within an assign defers; it must keep its place in the order.
      if (!this.#collecting) this.#defer(fn);
      else
        this.#collect({
          type: SPAWN_EFFECT,
          params: undefined,
          exec: () => this.#defer(fn),
        } as unknown as Effect);
    };
  }

  /** @param step Number of the record this will become (0 for a start), for the names of actors created in it. */
  begin(step: number): void {
    this.#outer = naming;
    naming = this.#nextActorId;
    this.#step = step;
    this.#created = 0;
    this.#collecting = true;
    this.#effects = null;
  }

  /** Ends the collection and returns what was asked for, in order. */
  end(): readonly Effect[] {
    naming = this.#outer;
    this.#collecting = false;
    return this.#effects ?? NO_EFFECTS;
  }

  /** Carries out an effect as XState would have. */
  execute(effect: Effect): void {
    if (effect.type === SPAWN_EFFECT) effect.exec?.(effect.info, undefined);
    else this.#execute(effect);
  }

  #collect(effect: Effect): void {
    if (!this.#collecting) {
      this.#execute(effect);
      return;
    }
    this.#onEffect(effect, this.#effects?.length ?? 0);
    if (effect.type === 'xstate.stopChild') this.#freeSystemIds(effect.params);
    if (this.#effects === null) this.#effects = [effect];
    else this.#effects.push(effect);
  }

  /**
   * XState frees the system ids of a stopped child at once, since a child that takes its place is created within the
   * same transition; only the stopping itself can wait.
   */
  #freeSystemIds(child: unknown): void {
    if (typeof child !== 'object' || child === null) return;
    const snapshot = (
      child as { getSnapshot(): { readonly children?: Record<string, unknown> } | undefined }
    ).getSnapshot();
    for (const grandchild of Object.values(snapshot?.children ?? {})) this.#freeSystemIds(grandchild);
    (this.#scope.system as unknown as SystemInternals)._unregister(child);
  }
}

/** Ids of all states of a machine. */
export function stateIdsOf(machine: AnyStateMachine): readonly string[] {
  return [...(machine as unknown as { readonly idMap: ReadonlyMap<string, unknown> }).idMap.keys()];
}

/** Whether a scope is an actor's own; `transition()` and its kin make up others, in which nothing is carried out. */
export function isLiveScope(scope: AnyActorScope): boolean {
  return (scope.self as unknown as { readonly _actorScope: unknown })._actorScope === scope;
}

/** The actor of a scope, as far as recording goes. */
export interface ActorFacts {
  readonly id: string;
  /** Whether the id is one that XState drew, because nobody gave one. */
  readonly implicit: boolean;
  readonly parent: AnyActorRef | null;
  readonly clock: unknown;
}

export function actorFacts(scope: AnyActorScope): ActorFacts {
  const { id, sessionId, _parent: parent } = scope.self as AnyActorRef & { readonly _parent?: AnyActorRef };
  return { id, implicit: id === sessionId, parent: parent ?? null, clock: scope.system._clock };
}

/** Calls an actor by another id. Only while it is being created: later its parent knows it by the old one. */
export function renameActor(scope: AnyActorScope, id: string): void {
  scope.id = id;
  (scope.self as { id: string }).id = id;
}

/** Sets a timer as `raise` and `sendTo` do, so that `cancel` finds it. */
export function armTimer(
  scope: AnyActorScope,
  target: AnyActorRef,
  timer: { readonly event: EventObject; readonly id: string | null; readonly delayMs: number },
): void {
  scope.system.scheduler.schedule(scope.self, target, timer.event, timer.delayMs, timer.id ?? undefined);
}

const EMPTY_LOGIC = fromTransition(() => undefined, undefined);

/** An actor that does nothing, for where one must be named. */
export function stubActor(id: string): AnyActorRef {
  return createActor(EMPTY_LOGIC, { id });
}

export interface InertActor {
  readonly actor: string;
  readonly parent: string | null;
  readonly stream: string;
}

/**
 * A scope in which a machine computes transitions and nothing else happens: no timer, no child started, no message.
 * One serves a whole fold; XState's exported `transition()` makes an actor and runs the context factory each time.
 */
export class InertScope {
  readonly scope: AnyActorScope;
  readonly #self: { _snapshot: unknown };
  #effects: Effect[] = [];
  #step = 0;
  #created = 0;

  /** @param onEffect Called for each effect as it is asked for; throwing makes the transition fail. */
  constructor({ actor, parent, stream }: InertActor, onEffect: (effect: Effect) => void = () => {}) {
    const self = createActor(EMPTY_LOGIC, {
      id: actor,
      ...(parent !== null && { parent: stubActor(parent) }),
    });
    this.#self = self as unknown as { _snapshot: unknown };
    const nothing = () => {};
    const keyed = new Map<string, unknown>();
    Object.assign(self.system, {
      scheduler: { schedule: nothing, cancel: nothing, cancelAll: nothing },
      get: (systemId: string) => keyed.get(systemId),
      // A child that is entered again has the system id of the one before it, which nobody stops here.
      _set: (systemId: string, child: unknown) => keyed.set(systemId, child),
      _bookId: () => {
        this.#created += 1;
        return implicitActorId(stream, this.#step, this.#created);
      },
      _register: (sessionId: string) => sessionId,
      _unregister: nothing,
      _relay: nothing,
      _sendInspectionEvent: nothing,
    });
    this.scope = {
      self,
      id: actor,
      sessionId: self.sessionId,
      logger: nothing,
      emit: nothing,
      stopChild: nothing,
      system: self.system,
      defer: () => this.#effects.push({ type: SPAWN_EFFECT } as Effect),
      actionExecutor: (effect) => {
        onEffect(effect);
        this.#effects.push(effect);
      },
    };
  }

  /** Prepares for the transition that becomes record `step` (0 for a start) and returns the list its effects go to. */
  begin(step: number, snapshot: AnyMachineSnapshot | null): readonly Effect[] {
    this.#step = step;
    this.#created = 0;
    this.#effects = [];
    this.#self._snapshot = snapshot ?? undefined;
    return this.#effects;
  }

  /** The child, parent or self that an id names, else an actor that does nothing. */
  actorCalled(id: string, snapshot: AnyMachineSnapshot | null): AnyActorRef {
    const { self } = this.scope;
    if (id === self.id) return self;
    const child = (snapshot?.children as Record<string, AnyActorRef | undefined> | undefined)?.[id];
    const { _parent: parent } = self as AnyActorRef & { readonly _parent?: AnyActorRef };
    return child ?? (parent?.id === id ? parent : stubActor(id));
  }

  /** Restores a persisted snapshot; children whose logic has no name become actors that do nothing. */
  restore(machine: AnyStateMachine, persisted: PersistedState): AnyMachineSnapshot {
    this.begin(0, null);
    return restoreWith(machine, persisted, this.scope, ({ src, snapshot }) =>
      src === null ? { src: EMPTY_LOGIC } : { src, snapshot },
    );
  }
}

/** How a child is made again: by which logic (or name of it), from which snapshot. */
interface Remade {
  readonly src: unknown;
  readonly snapshot?: unknown;
}

function restoreWith(
  machine: AnyStateMachine,
  persisted: PersistedState,
  scope: AnyActorScope,
  remake: (child: PersistedChild, id: string) => Remade,
): AnyMachineSnapshot {
  const children = Object.entries(persisted.children).map(([id, child]) => {
    const { src, snapshot } = remake(child, id);
    return [id, { ...child, src, snapshot: snapshot ?? NOTHING_YET }];
  });
  const state = { ...persisted, children: Object.fromEntries(children) as unknown };
  const snapshot = machine.restoreSnapshot(state as never, scope as never) as AnyMachineSnapshot;
  for (const [id, actor] of Object.entries(snapshot.children as Record<string, Restored | undefined>)) {
    const { src = null, input } = persisted.children[id] ?? {};
    if (actor === undefined) continue;
    // XState would take the logic for the name, and forgets inputs.
    if (src !== null) actor.src = src;
    actor.options.input = input;
  }
  return snapshot;
}

interface Restored {
  src: unknown;
  readonly options: { input?: unknown };
}

const NOTHING_YET = { status: 'active', output: undefined, error: undefined };

/**
 * Restores a live actor's snapshot from what a fold knows of it. Its children begin anew with the input they had, as
 * `start` would have them: what they were at is in their own journals, if anywhere. Those that had ended stay ended.
 */
export function restoreLive(
  machine: AnyStateMachine,
  persisted: PersistedState,
  scope: AnyActorScope,
  logicOf: (id: string) => AnyActorLogic | undefined,
): AnyMachineSnapshot {
  return restoreWith(machine, persisted, scope, (child, id) => {
    const named =
      child.src === null
        ? undefined
        : (machine.implementations.actors[child.src] as AnyActorLogic | undefined);
    const logic = named ?? logicOf(id);
    if (child.src === null || logic === undefined) {
      throw new UsageError(
        'REPLAY_INCOMPATIBLE',
        `The child ${id} of ${machine.id} was given its logic inline, which no journal can hold. Name it in setup({ actors }).`,
      );
    }
    const { input } = child;
    // The logic itself, but for how it restores.
    const begunAnew = Object.assign(Object.create(logic) as AnyActorLogic, {
      restoreSnapshot: (ended: unknown, childScope: never): unknown =>
        child.snapshot.status === 'active' ? logic.getInitialSnapshot(childScope, input) : ended,
    });
    return { src: begunAnew, snapshot: child.snapshot };
  });
}
