import type { EventSource, RecordKind } from '../journal/journal.ts';

export interface EventKind {
  readonly kind: RecordKind;
  readonly source: EventSource;
}

export const EXTERNAL_KIND: EventKind = { kind: 'event', source: 'external' };
export const INIT_KIND: EventKind = { kind: 'init', source: 'external' };
export const TIMER_KIND: EventKind = { kind: 'timer', source: 'timer' };
const DONE: EventKind = { kind: 'done', source: 'invoke' };
const ERROR: EventKind = { kind: 'error', source: 'invoke' };
const CHILD: EventKind = { kind: 'event', source: 'child' };
const STOP: EventKind = { kind: 'stop', source: 'external' };

const FIRST_OF_XSTATE = 'x'.charCodeAt(0);

/** What an event's type tells about where it came from. A timer that the chart named itself is told by the ledger. */
export function kindOf(type: string): EventKind {
  // Nearly all events are the chart's own, and most of those are told by their first letter.
  if (type.charCodeAt(0) !== FIRST_OF_XSTATE || !type.startsWith('xstate.')) return EXTERNAL_KIND;
  if (type.startsWith('xstate.after.')) return TIMER_KIND;
  if (type.startsWith('xstate.done.actor.')) return DONE;
  if (type.startsWith('xstate.error.actor.')) return ERROR;
  if (type.startsWith('xstate.snapshot.')) return CHILD;
  return type === 'xstate.stop' ? STOP : EXTERNAL_KIND;
}
