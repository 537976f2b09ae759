import type {
  ActorScope,
  AnyActorRef,
  AnyActorScope,
  AnyMachineSnapshot,
  AnyStateMachine,
  EventObject,
} from 'xstate';
import { UsageError } from '../errors.ts';
import type { Journal, JournalWriter } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import type { Clock } from './clock.ts';
import { bootId, processIncarnation, runtimeVersion } from './identity.ts';
import {
  RecordedActor,
  type ActorIdentity,
  type RecordingSettings,
  type ResumePoint,
} from './recorded-actor.ts';
import { plainMachine, rememberPlain } from './plain-machine.ts';
import { describeStructure, structureHash } from './structure.ts';
import { TransitionCheck } from './transition-check.ts';
import { actorFacts, isLiveScope } from './xstate-internals.ts';

/**
 * Event sourcing for any XState machine: what an actor processes is recorded, each step before its effects, so that
 * the journal alone tells what it saw, believed and did.
 *
 * It guarantees: one record for each processed event, in order, without a gap, timers and results of invoked actors
 * included; the record is made before the first effect of that event is carried out; apart from that, the actor
 * behaves as the machine does. It does not guarantee that a record is durable when an effect is carried out: an
 * effect that must wait for that asks the writer (`writerOf(actor).durable(seq)`). One thing differs from a bare
 * machine: custom actions run after the whole macrostep, not in the middle of it, in the same order.
 */
export interface EventSourcedOptions {
  /** Where records go; default a memory journal of this machine's own (see `journalOf`). */
  readonly journal?: Journal;
  /**
   * Names the stream of an actor, which no two live actors may share. Default: the machine's id and the actor's, below
   * the parent's stream if that is event-sourced, too.
   */
  readonly stream?: string | ((actor: ActorIdentity) => string);
  /** Stamps the records; default the clock given to `createActor` if it tells the time, else the system's. */
  readonly clock?: Clock;
  /**
   * What a restart may do. `audit`: each life begins from the initial state; restoring a snapshot is refused.
   * `resume`: a stream that has records may only be continued with what `recover` returns. Default: neither is checked.
   */
  readonly recovery?: 'audit' | 'resume';
  /** Reads the fencing token off a snapshot, for the records' `token`. */
  readonly tokenOf?: (snapshot: AnyMachineSnapshot) => string | null;
  /** JSON pointers, relative to the state or to an event's data, of what must not be recorded. */
  readonly secrets?: readonly string[];
  /** Key of the hashes that stand for secrets; default random for each process. */
  readonly secretKey?: string;
  /** For development and tests: refuses impure transitions, changed values, values no journal can hold. Costs ×3. */
  readonly check?: boolean;
  /** Names who writes; default this process incarnation. */
  readonly writer?: string;
  /** Names the boot whose monotonic clock the records tell; default this host's. */
  readonly boot?: string;
  /** The machine's version; default the one in its config. */
  readonly version?: string;
}

/** On the scope itself: it is looked at for each event, and a property is found faster than a key of a map. */
const RECORDED = Symbol('conclave.recorded');

const recordedActors = new WeakMap<object, RecordedActor>();

/**
 * Makes a machine event-sourced. The result is used wherever the machine is: `createActor`, `invoke`, `spawn`,
 * `provide`, inspectors. A machine that is event-sourced already is made so anew, with these options.
 *
 * @example
 * const actor = createActor(eventSourced(orderMachine, { journal, stream: 'orders/17' })).start();
 * actor.send({ type: 'paid' });
 * for await (const record of journal.read('orders/17')) console.log(record.seq, record.event.type, record.to);
 */
export function eventSourced<TMachine extends AnyStateMachine>(
  machine: TMachine,
  options: EventSourcedOptions = {},
): TMachine {
  return wrap(machine, settingsOf(plainMachine(machine), options, null));
}

/** As `eventSourced`, for an actor that goes on where a journal ends. */
export function resumedFrom<TMachine extends AnyStateMachine>(
  machine: TMachine,
  options: EventSourcedOptions,
  resume: ResumePoint,
): TMachine {
  return wrap(machine, settingsOf(plainMachine(machine), options, resume));
}

/**
 * The writer of an event-sourced actor that has been started. `nextSeq - 1` is the number of its last record; within
 * an effect, that of the record the effect belongs to.
 *
 * @throws UsageError when the actor is not event-sourced, or not started.
 * @example
 * const writer = writerOf(actor);
 * await writer.durable(writer.nextSeq - 1);
 */
export function writerOf(actor: AnyActorRef): JournalWriter {
  const { writer } = recordedActor(actor);
  if (writer !== null) return writer;
  throw new UsageError(
    'ELECTION_NOT_STARTED',
    `The actor ${actor.id} has no record yet. Call start() first.`,
  );
}

/** The number of the last record of an event-sourced actor; throws as `writerOf` does. */
export function lastSeqOf(actor: AnyActorRef): number {
  return writerOf(actor).nextSeq - 1;
}

/** The journal that an event-sourced actor writes to. Throws as `writerOf` does when it is none. */
export function journalOf(actor: AnyActorRef): Journal {
  return recordedActor(actor).journal;
}

function recordedActor(actor: AnyActorRef): RecordedActor {
  const recorded = recordedActors.get(actor);
  if (recorded !== undefined) return recorded;
  throw new UsageError(
    'UNKNOWN_OPTION',
    `The actor ${actor.id} is not event-sourced. Create it with eventSourced(machine).`,
  );
}

function settingsOf(
  machine: AnyStateMachine,
  options: EventSourcedOptions,
  resume: ResumePoint | null,
): RecordingSettings {
  const { journal, stream, clock, recovery, tokenOf, secrets, secretKey, check, writer, boot, version } =
    options;
  const header = {
    machine: { id: machine.id, version: version ?? machine.version ?? null, hash: structureHash(machine) },
    runtime: runtimeVersion(),
    boot: boot ?? bootId(),
    writer: writer ?? processIncarnation(),
    ...(tokenOf !== undefined && { tokenOf }),
    ...(secrets !== undefined && { secrets }),
    ...(secretKey !== undefined && { secretKey }),
  };
  return {
    machine,
    journal: journal ?? memoryJournal(),
    streamOf: stream === undefined ? null : typeof stream === 'string' ? () => stream : stream,
    header,
    clock: clock ?? null,
    recovery: recovery ?? null,
    structure: describeStructure(machine),
    check: check === true ? (actor) => new TransitionCheck(machine, actor) : null,
    resume,
  };
}

/** A machine like the plain one, whose steps go through a recorded actor. */
function wrap<TMachine extends AnyStateMachine>(wrapped: TMachine, settings: RecordingSettings): TMachine {
  const machine = plainMachine(wrapped);
  const overrides: Partial<Record<keyof AnyStateMachine, unknown>> = {
    getInitialSnapshot(scope: Scope, input: unknown) {
      if (!isLiveScope(scope)) return machine.getInitialSnapshot(scope, input);
      return recordedFor(settings, scope, input).initial(input);
    },
    restoreSnapshot(persisted: never, scope: Scope) {
      if (!isLiveScope(scope)) return machine.restoreSnapshot(persisted, scope);
      return recordedFor(settings, scope, undefined).restored(persisted);
    },
    start(snapshot: AnyMachineSnapshot, scope: Scope) {
      const recorded = scope[RECORDED];
      if (recorded === undefined) machine.start(snapshot as never);
      else recorded.start(snapshot);
    },
    transition(snapshot: AnyMachineSnapshot, event: EventObject, scope: Scope) {
      const recorded = scope[RECORDED];
      return recorded === undefined
        ? machine.transition(snapshot, event, scope)
        : recorded.step(snapshot, event);
    },
    // XState's own returns a bare machine, and the recording would be lost without a word.
    provide(implementations: never) {
      const provided = machine.provide(implementations) as TMachine;
      return wrap(provided, { ...settings, machine: provided });
    },
  };
  // Not a spread: that would lose what the prototype has (`definition`, `provide`, `resolveState`).
  const logic = Object.assign(
    Object.create(Object.getPrototypeOf(machine) as object) as TMachine,
    machine,
    overrides,
  );
  rememberPlain(logic, machine);
  return logic;
}

type Scope = ActorScope<never, never> & AnyActorScope & { [RECORDED]?: RecordedActor };

function recordedFor(settings: RecordingSettings, scope: Scope, input: unknown): RecordedActor {
  const { parent } = actorFacts(scope);
  const parentStream = (parent === null ? undefined : recordedActors.get(parent)?.stream) ?? null;
  const recorded = new RecordedActor(settings, scope, { input, parentStream });
  scope[RECORDED] = recorded;
  recordedActors.set(scope.self, recorded);
  return recorded;
}
