import type { EventObject } from 'xstate';
import { UsageError } from '../errors.ts';

/** Prefixes of event types that only the runtime may use. */
const RESERVED = ['xstate.', 'conclave.'] as const;

/**
 * Refuses events that only XState or this runtime may raise. XState 5 itself lets anybody who can send forge
 * `xstate.after.…` or `xstate.done.…`; call this wherever events come in from outside.
 *
 * @throws UsageError `EVENT_RESERVED`
 */
export function assertPublicEvent(event: EventObject): void {
  const prefix = RESERVED.find((reserved) => event.type.startsWith(reserved));
  if (prefix === undefined) return;
  throw new UsageError(
    'EVENT_RESERVED',
    `The event type "${event.type}" begins with "${prefix}", which belongs to the runtime. Send an event of the chart's own.`,
  );
}

/**
 * Sends an event from outside to an actor.
 *
 * @throws UsageError `EVENT_RESERVED` for the runtime's own types.
 * @example
 * guardedSend(election.actor, { type: 'resign', at: clock.monotonicMs() });
 */
export function guardedSend<E extends EventObject>(actor: { send(event: E): void }, event: E): void {
  assertPublicEvent(event);
  actor.send(event);
}
