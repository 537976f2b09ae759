import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, InspectionEvent } from 'xstate';
import { JournalFold } from '../journal/fold.ts';
import type { JournalRecord, Json } from '../journal/journal.ts';
import { encodeValue } from '../journal/values.ts';

/**
 * What the Stately inspector understands: an actor that is there, an event it got, a snapshot it came to. Made here
 * rather than by the package's own `inspect`, which reads snapshots after a timer has fired, when they have moved on.
 */
export interface StatelyMessage {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
  readonly rootId: string;
  readonly createdAt: string;
  readonly id: string;
  readonly _version: string;
  readonly [more: string]: unknown;
}

/** The version of the messages, that of the package that carries them. */
const MESSAGES_VERSION = '0.7.2';

interface Told {
  readonly sessionId: string;
  readonly rootId: string;
  readonly wallMs: number;
}

const messageOf = (
  type: StatelyMessage['type'],
  { sessionId, rootId, wallMs }: Told,
  more: object,
): StatelyMessage => ({
  type,
  sessionId,
  rootId,
  createdAt: String(wallMs),
  id: '',
  _version: MESSAGES_VERSION,
  ...more,
});

function shown(snapshot: AnyMachineSnapshot): Json {
  const value: unknown = snapshot.value;
  const context: unknown = snapshot.context;
  return encodeValue({ status: snapshot.status, value, context }, { onRefused: 'mark' });
}

/** The chart as the inspector draws it: its configuration, functions by name. */
const definitionOf = (machine: AnyStateMachine): string =>
  JSON.stringify(machine.config, (_, value: unknown) =>
    typeof value === 'function' ? { type: value.name === '' ? '(inline)' : value.name } : value,
  );

const isMachine = (logic: unknown): logic is AnyStateMachine =>
  typeof logic === 'object' && logic !== null && 'config' in logic;

/** What XState's own inspection says of live actors. */
export class LiveMessages {
  /** Actors that were told of. Their own event comes before they have a snapshot, so the first other one tells. */
  readonly #told = new Set<string>();

  /** None for what the inspector does not show. */
  of(event: InspectionEvent, wallMs: number): readonly StatelyMessage[] {
    if (event.type !== '@xstate.event' && event.type !== '@xstate.snapshot') return [];
    const { actorRef, rootId } = event;
    const { sessionId } = actorRef;
    const told = { sessionId, rootId, wallMs };
    const data = encodeValue(event.event, { onRefused: 'mark' });
    const message =
      event.type === '@xstate.event'
        ? messageOf('@xstate.event', told, { event: data, sourceId: event.sourceRef?.sessionId })
        : messageOf('@xstate.snapshot', told, {
            event: data,
            snapshot: shown(event.snapshot as AnyMachineSnapshot),
          });
    if (this.#told.has(sessionId)) return [message];
    this.#told.add(sessionId);
    return [actorMessage(actorRef as AnyActorRef, told), message];
  }
}

function actorMessage(actor: AnyActorRef, told: Told): StatelyMessage {
  // Both are XState's own, which its types leave out.
  const { _parent: parent, logic } = actor as AnyActorRef & {
    readonly _parent?: AnyActorRef;
    readonly logic?: unknown;
  };
  return messageOf('@xstate.actor', told, {
    name: actor.id,
    parentId: parent?.sessionId,
    definition: isMachine(logic) ? definitionOf(logic) : undefined,
    snapshot: shown(actor.getSnapshot() as AnyMachineSnapshot),
  });
}

/**
 * What a recorded stream says, as if its actor were alive: nothing runs but the fold that brings contexts back.
 *
 * @param machine The chart that wrote it.
 */
export function* recordedMessages(
  records: Iterable<JournalRecord>,
  machine: AnyStateMachine,
): Generator<StatelyMessage> {
  const fold = new JournalFold(machine);
  let shownBefore = false;
  for (const record of records) {
    const step = fold.apply(record);
    const { stream, wall: wallMs } = record;
    const told = { sessionId: stream, rootId: stream, wallMs };
    const snapshot = step?.after ?? step?.before ?? null;
    if (snapshot === null) continue;
    if (!shownBefore) {
      const definition = definitionOf(machine);
      yield messageOf('@xstate.actor', told, { name: stream, definition, snapshot: shown(snapshot) });
      shownBefore = true;
      continue;
    }
    const event = { type: record.event.type, ...(record.event.data as object | undefined) };
    yield messageOf('@xstate.event', told, { event, sourceId: undefined });
    yield messageOf('@xstate.snapshot', told, { event, snapshot: shown(snapshot) });
  }
}
