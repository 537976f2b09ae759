import type { AnyStateMachine, StateValue } from 'xstate';
import { JournalError } from '../errors.ts';
import { differingPart, effectRecords, type DifferingPart } from './comparison.ts';
import { JournalFold } from './fold.ts';
import type { EffectRecord, JournalRecord, Json } from './journal.ts';
import { STOP_EVENT } from './own-events.ts';
import type { PendingTimer } from './pending-timers.ts';
import { encodeValue } from './values.ts';

/**
 * What would have followed: a fork of a recorded history at one record, in memory. What came from outside is given
 * to the chart as it was recorded, changed at one place; timers are the chart's own and fire by its delays. Nothing
 * is carried out, and nobody answers anew: a reply to a request that is never made in the fork still comes, and the
 * chart has to cope with it.
 */

/** What is changed at the record. */
export type Change =
  | { readonly kind: 'drop' }
  /** It comes so much later; its own `at`, if it has one, too. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Something comes just before it. */
  | { readonly kind: 'insert'; readonly event: { readonly type: string; readonly data?: Json } }
  /** A JSON pointer into the event's data (`/type` is the type itself), and what stands there instead. */
  | { readonly kind: 'edit'; readonly path: string; readonly value: Json };

/** One step of the fork. */
export interface ForkStep {
  /** Monotonic milliseconds on the clock of the recording. */
  readonly mono: number;
  readonly event: JournalRecord['event'];
  readonly cause: 'recorded' | 'inserted' | 'timer';
  /** The record it corresponds to; null for what happened in the fork alone. */
  readonly record: JournalRecord | null;
  readonly from: StateValue | null;
  readonly to: StateValue | null;
  readonly effects: readonly EffectRecord[];
  /** What of it came out otherwise than recorded; null if nothing did. */
  readonly differs: DifferingPart | 'new' | null;
}

/** What would have followed. */
export interface Fork {
  readonly stream: string;
  /** Where it begins. */
  readonly seq: number;
  /** When that was, on the clock of the recording. */
  readonly mono: number;
  readonly steps: readonly ForkStep[];
  /** Timers that fired then and do not in the fork. */
  readonly missing: readonly JournalRecord[];
  readonly end: StateValue | null;
  readonly recordedEnd: StateValue | null;
  /** Why it ends where it does. */
  readonly until:
    | 'the records end'
    | 'the process ended'
    | 'the process was started again'
    | 'the chart came to its end'
    | 'the limit';
}

/** Most steps of one fork: a chart that sets its timers again and again would otherwise never end. */
export const FORK_STEPS_MAX = 100_000;

/** How late a recorded timer may have fired and still be the one that is due in the fork. */
const LATENESS_MAX_MS = 250;

/**
 * Forks a stream at `seq`.
 *
 * @param records The stream's records in order, from a beginning (a start or a cut).
 * @throws JournalError `REPLAY_INCOMPATIBLE` if the records up to the fork do not come out as recorded, if there is
 * no such record, or if it is of a kind that cannot be changed
 * @example
 * const { steps } = whatIf(records, leadershipMachine, 12, { kind: 'drop' });
 */
export function whatIf(
  records: readonly JournalRecord[],
  machine: AnyStateMachine,
  seq: number,
  change: Change,
): Fork {
  const at = records.findIndex((record) => record.seq === seq);
  const record = records[at];
  if (record === undefined) throw refused(records[0]?.stream ?? '', seq, 'there is no such record');
  if (!isInput(record) && record.kind !== 'timer')
    throw refused(
      record.stream,
      seq,
      `a record of kind "${record.kind}" is not something that came to the chart`,
    );
  const fold = new JournalFold(machine);
  for (const before of records.slice(0, at)) {
    const step = fold.apply(before);
    if (step === null || differingPart(before, step, false) !== null)
      throw refused(
        before.stream,
        before.seq,
        'it does not come out as it was recorded; see `journal replay`',
      );
  }
  return new Forking(fold, records.slice(at), change).run();
}

function refused(stream: string, seq: number, why: string): JournalError {
  return new JournalError('REPLAY_INCOMPATIBLE', `${stream}@${seq} cannot be forked at: ${why}.`, {
    place: `${stream}@${seq}`,
  });
}

const isInput = ({ kind }: JournalRecord): boolean => kind === 'event' || kind === 'done' || kind === 'error';

/** Something that comes to the chart in the fork. */
interface Arrival {
  readonly mono: number;
  readonly event: JournalRecord['event'];
  readonly cause: ForkStep['cause'];
  readonly record: JournalRecord | null;
}

class Forking {
  readonly #fold: JournalFold;
  readonly #first: JournalRecord;
  readonly #until: Fork['until'];
  /** In order of time. */
  readonly #arrivals: Arrival[];
  /** Timers as they fired then, by the type of their event, those still to be matched. */
  readonly #fired: Map<string, JournalRecord[]>;
  readonly #missing = new Set<JournalRecord>();
  readonly #steps: ForkStep[] = [];
  readonly #endMono: number;
  readonly #last: JournalRecord;
  readonly #dropped: JournalRecord | null;
  readonly #delayMs: number;
  #seq: number;

  constructor(fold: JournalFold, suffix: readonly JournalRecord[], change: Change) {
    const [first] = suffix;
    this.#first = first as JournalRecord;
    this.#fold = fold;
    this.#seq = this.#first.seq;
    const again = suffix.findIndex(
      ({ kind }, at) => at > 0 && (kind === 'init' || kind === 'note' || kind === 'trimmed'),
    );
    const life = again < 0 ? suffix : suffix.slice(0, again);
    const ended = life.findIndex(({ event }) => event.type === STOP_EVENT);
    this.#until =
      ended >= 0 ? 'the process ended' : again < 0 ? 'the records end' : 'the process was started again';
    const lived = ended < 0 ? life : life.slice(0, ended + 1);
    this.#last = lived.at(-1) as JournalRecord;
    this.#delayMs = change.kind === 'delay' ? change.ms : 0;
    this.#dropped = change.kind === 'drop' ? this.#first : null;
    this.#endMono = this.#last.mono + this.#delayMs;
    const fired = lived.filter(({ kind }) => kind === 'timer');
    this.#fired = Map.groupBy(fired, ({ event }) => event.type);
    for (const record of fired) this.#missing.add(record);
    const inputs = lived.filter((record) => isInput(record) || record.event.type === STOP_EVENT);
    this.#arrivals = inputs
      .flatMap((record) => (record === this.#first ? changed(record, change) : [asRecorded(record)]))
      .toSorted((a, b) => a.mono - b.mono);
    if (this.#first.kind === 'timer' && change.kind === 'insert')
      this.#arrivals.unshift(inserted(this.#first, change));
    if (this.#first.kind === 'timer' && change.kind === 'edit')
      throw refused(this.#first.stream, this.#seq, "what a timer says is the chart's own; drop or delay it");
  }

  run(): Fork {
    let until = this.#until;
    for (let next = this.#next(); next !== null; next = this.#next()) {
      if (this.#steps.length >= FORK_STEPS_MAX) {
        until = 'the limit';
        break;
      }
      this.#take(next.arrival, next.timer);
      if (this.#fold.snapshot?.status !== 'active') {
        until = 'the chart came to its end';
        break;
      }
    }
    const { stream, seq, mono } = this.#first;
    return {
      stream,
      seq,
      mono,
      steps: this.#steps,
      missing: [...this.#missing],
      end: (this.#fold.snapshot?.value ?? null) as StateValue | null,
      recordedEnd: this.#last.to ?? this.#last.from,
      until,
    };
  }

  /** The next timer or arrival, whichever is first; null when both are at an end. */
  #next(): { arrival: Arrival; timer: PendingTimer | null } | null {
    const [arrival] = this.#arrivals;
    const due = this.#dueTimer();
    if (
      due !== null &&
      due.arrival.mono <= this.#endMono &&
      (arrival === undefined || due.arrival.mono <= arrival.mono)
    )
      return due;
    if (arrival === undefined) return null;
    this.#arrivals.shift();
    return { arrival, timer: null };
  }

  /** Fires when the recorded one did, if that can be the same one; else when it is due. */
  #dueTimer(): { arrival: Arrival; timer: PendingTimer } | null {
    const due = this.#fold.timers.flatMap((timer) => {
      if (timer.to !== null) return [];
      const dueMono = timer.mono + timer.delayMs;
      const fired = this.#fired.get((timer.event as { readonly type: string }).type) ?? [];
      // What fired before this one was due was another.
      while (fired[0] !== undefined && fired[0].mono < dueMono - 1) fired.shift();
      const [first] = fired;
      const record = first !== undefined && first.mono <= dueMono + LATENESS_MAX_MS ? first : undefined;
      if (record !== undefined && record === this.#dropped) return [];
      const mono = (record?.mono ?? dueMono) + (record === this.#first ? this.#delayMs : 0);
      const event = eventOf(timer);
      return [{ arrival: { mono, event, cause: 'timer' as const, record: record ?? null }, timer }];
    });
    return due.toSorted((a, b) => a.arrival.mono - b.arrival.mono)[0] ?? null;
  }

  #take({ mono, event, cause, record }: Arrival, timer: PendingTimer | null): void {
    const template = record ?? this.#first;
    const step = this.#fold.imagine({
      ...template,
      seq: this.#seq,
      kind: timer === null ? (cause === 'inserted' ? 'event' : template.kind) : 'timer',
      mono,
      wall: template.wall + (mono - template.mono),
      event,
      ...(timer === null ? {} : { cause: timer.effect }),
    });
    if (step === null) return;
    if (timer !== null && record !== null) {
      this.#fired.get(event.type)?.shift();
      this.#missing.delete(record);
    }
    this.#steps.push({
      mono,
      event,
      cause,
      record,
      from: (step.before?.value ?? null) as StateValue | null,
      to: (step.after?.value ?? null) as StateValue | null,
      effects: step.effects === null ? [] : effectRecords(this.#seq, step.effects),
      differs: record === null ? 'new' : differingPart(record, step, true),
    });
    this.#seq += 1;
  }
}

const asRecorded = (record: JournalRecord): Arrival => ({
  mono: record.mono,
  event: record.event,
  cause: 'recorded',
  record,
});

const inserted = ({ mono }: JournalRecord, { event }: Change & { kind: 'insert' }): Arrival => ({
  mono,
  event,
  cause: 'inserted',
  record: null,
});

function changed(record: JournalRecord, change: Change): Arrival[] {
  const arrival = asRecorded(record);
  switch (change.kind) {
    case 'drop':
      return [];
    case 'insert':
      return [inserted(record, change), arrival];
    case 'delay':
      return [{ ...arrival, mono: record.mono + change.ms, event: later(record.event, change.ms) }];
    case 'edit':
      return [{ ...arrival, event: edited(record, change.path, change.value) }];
  }
}

function later(event: JournalRecord['event'], ms: number): JournalRecord['event'] {
  const { at } = (event.data ?? {}) as { readonly at?: Json };
  return typeof at === 'number' ? { ...event, data: { ...(event.data as object), at: at + ms } } : event;
}

/** Puts a value at a place that is there. */
function edited(record: JournalRecord, path: string, value: Json): JournalRecord['event'] {
  const { event } = record;
  if (path === '/type' && typeof value === 'string') return { ...event, type: value };
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const data = structuredClone(event.data ?? {}) as Record<string, Json>;
  let place: Record<string, Json> = data;
  for (const [depth, key] of keys.entries()) {
    if (!Object.hasOwn(place, key)) {
      const there = Object.keys(place).map((each) => `/${[...keys.slice(0, depth), each].join('/')}`);
      throw refused(
        record.stream,
        record.seq,
        `its event has no ${path}; it has ${there.join(', ') || 'no data'}`,
      );
    }
    if (depth === keys.length - 1) place[key] = value;
    else place = place[key] as Record<string, Json>;
  }
  return { ...event, data };
}

/** A timer's event as records have it. */
function eventOf({ event }: PendingTimer): JournalRecord['event'] {
  const { type, ...data } = encodeValue(event, { onRefused: 'mark' }) as { readonly type: string };
  return Object.keys(data).length === 0 ? { type } : { type, data };
}
