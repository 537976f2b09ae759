import type { AnyMachineSnapshot, AnyStateMachine, EventObject, StateValue } from 'xstate';
import type { AskedEffect, Entry, EventSource, RecordKind, StreamHeader } from './journal.ts';
import type { TimerStep } from './pending-timers.ts';

/** What entries of one actor incarnation have in common. */
export interface Segment {
  readonly header: StreamHeader;
  /** The machine, once an entry has told it. */
  machine: AnyStateMachine | null;
}

/** An entry with the header of the incarnation that wrote it. */
export interface Held {
  readonly entry: Entry;
  readonly header: StreamHeader;
}

const NO_EFFECTS: readonly AskedEffect[] = Object.freeze([]);

/** As much of an entry as timers depend on, and who wrote it. */
export interface HeldStep extends TimerStep {
  readonly event: EventObject;
  readonly header: StreamHeader;
}

/**
 * The newest entries of a stream, in columns. What a journal in memory costs an actor is less the appending than the
 * garbage collector, which carries along whatever entries hold; so they hold only what a record is made of, about a
 * fifth of a snapshot, and snapshots are made again when somebody reads. It grows as it is used; adding is O(1).
 */
export class EntryRing {
  readonly #capacity: number;
  /** Slot of the oldest entry. */
  #oldest = 0;
  #size = 0;
  /** Sequence number of the oldest entry. */
  #first: number;
  readonly #monos: number[] = [];
  readonly #walls: number[] = [];
  readonly #kinds: RecordKind[] = [];
  readonly #sources: EventSource[] = [];
  readonly #events: EventObject[] = [];
  readonly #effects: (readonly AskedEffect[])[] = [];
  readonly #froms: (StateValue | null)[] = [];
  /** Null where the entry tells no state. */
  readonly #values: (StateValue | null)[] = [];
  readonly #contexts: unknown[] = [];
  /** What mostly is as it was one entry before, and then is the same object. */
  readonly #rests: Rest[] = [];
  #rest: Rest | null = null;

  /**
   * @param capacity How many entries it holds, at least 1.
   * @param last Sequence number before the first entry.
   */
  constructor(capacity: number, last: number) {
    this.#capacity = capacity;
    this.#first = last + 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Sequence number of the oldest entry, or of the next if there is none. */
  get firstSeq(): number {
    return this.#first;
  }

  /** Adds an entry. Only while `size` is below the capacity. */
  push(entry: Entry, segment: Segment): void {
    const slot = this.#slot(this.#size);
    this.#size += 1;
    const { after, before, effects } = entry;
    this.#monos[slot] = entry.mono;
    this.#walls[slot] = entry.wall;
    this.#kinds[slot] = entry.kind;
    this.#sources[slot] = entry.source;
    this.#events[slot] = entry.event;
    this.#effects[slot] = effects.length === 0 ? NO_EFFECTS : effects.map(slim);
    this.#froms[slot] = before === null ? null : (before.value as StateValue);
    this.#values[slot] = after === null ? null : (after.value as StateValue);
    this.#contexts[slot] = after === null ? null : (after.context as unknown);
    if (segment.machine === null && after !== null) segment.machine = after.machine;
    if (!isSame(this.#rest, entry, segment)) this.#rest = restOf(entry, segment);
    this.#rests[slot] = this.#rest;
  }

  /** Drops the oldest entry. Its slot is used again later, and holds what it holds until then. */
  shift(): void {
    this.#oldest = this.#slot(1);
    this.#size -= 1;
    this.#first += 1;
  }

  /** Whether the entry at `index` from the oldest tells a state. */
  hasState(index: number): boolean {
    return this.#values[this.#slot(index)] !== null;
  }

  /** The oldest entry without its state, which takes making; null for the many that concern no timer. */
  oldestStep(): HeldStep | null {
    const slot = this.#oldest;
    const kind = this.#kinds[slot] as RecordKind;
    const effects = this.#effects[slot] ?? NO_EFFECTS;
    if (kind === 'event' && effects === NO_EFFECTS) return null;
    const { cause, segment } = this.#rests[slot] as Rest;
    const event = this.#events[slot] as EventObject;
    const [mono, wall] = [this.#monos[slot] ?? 0, this.#walls[slot] ?? 0];
    const step = { seq: this.#first, kind, event, effects, mono, wall, header: segment.header };
    return cause === undefined ? step : { ...step, cause };
  }

  /** The entry at `index` from the oldest, as it was recorded. */
  at(index: number): Held {
    const slot = this.#slot(index);
    const rest = this.#rests[slot] as Rest;
    const { cause, segment } = rest;
    const from = this.#froms[slot] ?? null;
    const entry: Entry = {
      seq: this.#first + index,
      kind: this.#kinds[slot] as RecordKind,
      mono: this.#monos[slot] ?? 0,
      wall: this.#walls[slot] ?? 0,
      event: this.#events[slot] as EventObject,
      source: this.#sources[slot] as EventSource,
      before: from === null ? null : ({ value: from } as AnyMachineSnapshot),
      after: stateOf(this.#values[slot] ?? null, this.#contexts[slot], rest),
      effects: this.#effects[slot] ?? NO_EFFECTS,
      ...(cause !== undefined && { cause }),
    };
    return { entry, header: segment.header };
  }

  #slot(index: number): number {
    const slot = this.#oldest + index;
    return slot < this.#capacity ? slot : slot - this.#capacity;
  }
}

interface Rest {
  readonly segment: Segment;
  readonly cause: string | undefined;
  readonly history: unknown;
  readonly children: unknown;
  readonly status: AnyMachineSnapshot['status'];
  readonly output: unknown;
  readonly error: unknown;
}

function isSame(rest: Rest | null, { after, cause }: Entry, segment: Segment): rest is Rest {
  return (
    rest !== null &&
    rest.segment === segment &&
    rest.cause === cause &&
    (after === null ||
      (rest.status === after.status &&
        rest.children === after.children &&
        rest.history === after.historyValue &&
        rest.error === after.error &&
        rest.output === after.output))
  );
}

function restOf({ after, cause }: Entry, segment: Segment): Rest {
  const { historyValue, children, status, output, error } = (after ?? NO_STATE) as StateParts;
  return { segment, cause, history: historyValue, children, status, output, error };
}

interface StateParts {
  readonly historyValue: unknown;
  readonly children: unknown;
  readonly status: AnyMachineSnapshot['status'];
  readonly output: unknown;
  readonly error: unknown;
}

const NO_STATE = {
  historyValue: {},
  children: {},
  status: 'active',
  output: undefined,
  error: undefined,
} as const;

function stateOf(value: StateValue | null, context: unknown, rest: Rest): AnyMachineSnapshot | null {
  const { segment, history, children, status, output, error } = rest;
  if (value === null || segment.machine === null) return null;
  const state = segment.machine.resolveState({ value, context, historyValue: history as never });
  return { ...state, status, output, error, children } as AnyMachineSnapshot;
}

/** An effect without what only carrying it out needs. */
function slim({ type, params }: AskedEffect): AskedEffect {
  return { type, params };
}
