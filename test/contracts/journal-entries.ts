/** What the journal suites write: a small chart, stepped purely, so that every state at every place is known. */
import {
  assign,
  initialTransition,
  setup,
  transition,
  type AnyMachineSnapshot,
  type EventObject,
} from 'xstate';
import type { Entry, StreamHeader } from '../../src/journal/journal.ts';
import { structureHash } from '../../src/runtime/structure.ts';

export const counter = setup({
  types: {
    context: {} as { count: number; note: string },
    events: {} as { type: 'add'; by: number } | { type: 'rest' } | { type: 'wake' },
  },
  actions: { add: assign({ count: ({ context, event }) => context.count + ('by' in event ? event.by : 0) }) },
}).createMachine({
  id: 'counter',
  context: { count: 0, note: 'zażółć' },
  initial: 'counting',
  on: { add: { actions: 'add' } },
  states: {
    counting: { on: { rest: 'resting' } },
    resting: { after: { 60_000: 'counting' }, on: { wake: 'counting' } },
  },
});

/** Wall time of the first entries: now, so that no retention takes them for old. */
export const WALL = Date.now();

let headers = 0;

export function headerOf(stream: string): StreamHeader {
  headers += 1;
  return {
    stream,
    machine: { id: 'counter', version: null, hash: structureHash(counter) },
    runtime: 'test',
    boot: 'boot-1',
    writer: `host:${process.pid}:${headers}`,
  };
}

/** Makes entry after entry of one actor. */
export class Recording {
  #seq: number;
  #state: AnyMachineSnapshot | null = null;
  /** The count after each entry, by sequence number. */
  readonly counts = new Map<number, number>();

  /** @param last Sequence number of the stream so far. */
  constructor(last = 0) {
    this.#seq = last;
  }

  get last(): number {
    return this.#seq;
  }

  next(): Entry {
    this.#seq += 1;
    const seq = this.#seq;
    const before = this.#state;
    const event = before === null ? { type: 'xstate.init', actor: 'counter' } : eventAt(seq);
    const [after, effects] =
      before === null ? initialTransition(counter) : transition(counter, before as never, event as never);
    this.#state = after;
    this.counts.set(seq, (after.context as { count: number }).count);
    return {
      seq,
      kind: before === null ? 'init' : 'event',
      mono: seq * 10,
      wall: WALL + seq * 10,
      event,
      source: 'external',
      before,
      after,
      effects: effects.map(({ type, params }) => ({ type, params })),
    };
  }

  /** The next `count` entries. */
  *take(count: number): Generator<Entry> {
    for (let n = 0; n < count; n += 1) yield this.next();
  }
}

function eventAt(seq: number): EventObject {
  if (seq % 7 === 3) return { type: 'rest' };
  if (seq % 7 === 5) return { type: 'wake' };
  return { type: 'add', by: seq } as EventObject;
}
