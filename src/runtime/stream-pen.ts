import type { AnyMachineSnapshot, EventObject } from 'xstate';
import { JournalError } from '../errors.ts';
import type { AskedEffect, Journal, JournalWriter, StreamHead, StreamHeader } from '../journal/journal.ts';
import { FAULT_EVENT, type FaultPhase } from '../journal/own-events.ts';
import type { Clock } from './clock.ts';
import type { EventKind } from './event-kinds.ts';
import { systemClock } from './system-clock.ts';
import { projectEvent } from './xstate-shapes.ts';

/** Names tried for an actor that nobody named, before its stream is refused as in use. */
const UNNAMED_STREAMS_MAX = 100_000;

/** Events closer to each other than this are one burst. */
const BURST_MS = 5;

/** One step as it is recorded. */
export interface Step {
  readonly event: EventObject;
  readonly before: AnyMachineSnapshot | null;
  readonly after: AnyMachineSnapshot | null;
  readonly effects: readonly AskedEffect[];
}

export interface PenOptions {
  readonly journal: Journal;
  readonly header: StreamHeader;
  /** Whether another name may be taken if the stream is in use. */
  readonly unnamed: boolean;
  readonly head: StreamHead | undefined;
}

/** Writes the entries of one actor incarnation: numbers and stamps them. */
export class StreamPen {
  readonly writer: JournalWriter;
  readonly #clock: Clock;
  /** A clock that simulates is always asked: what it tells may change at any instant. */
  readonly #wallAskedEveryMs: number;
  #wallAsked = Number.NEGATIVE_INFINITY;
  #wall = 0;
  #lastMono = 0;

  constructor(options: PenOptions, clock: Clock) {
    this.writer = claim(options);
    this.#clock = clock;
    this.#wallAskedEveryMs = clock === systemClock ? BURST_MS : 0;
  }

  get nextSeq(): number {
    return this.writer.nextSeq;
  }

  /** The monotonic time of the last record. */
  get lastMono(): number {
    return this.#lastMono;
  }

  /** @param cause The effect this came of, `"<seq>:<n>"`. */
  record({ kind, source }: EventKind, { event, before, after, effects }: Step, cause?: string): void {
    const { writer } = this;
    const seq = writer.nextSeq;
    const mono = this.#clock.monotonicMs();
    this.#lastMono = mono;
    const wall = this.#wallAt(mono);
    // XState stops an actor without having changed its state.
    const state = kind === 'stop' ? null : after;
    writer.record(
      cause === undefined
        ? { seq, kind, mono, wall, event, source, before, after: state, effects }
        : { seq, kind, mono, wall, event, source, before, after: state, effects, cause },
    );
  }

  /**
   * The wall clock tells people when something was; within a burst of events the real one need not be asked for each,
   * since asking takes about as long as all else a record needs.
   */
  #wallAt(mono: number): number {
    if (mono - this.#wallAsked >= this.#wallAskedEveryMs) {
      this.#wallAsked = mono;
      this.#wall = this.#clock.wallMs();
    }
    return this.#wall + Math.trunc(mono - this.#wallAsked);
  }

  /** Records that processing `during` threw, and that the state is `kept` again. */
  fault(
    phase: FaultPhase,
    during: EventObject,
    states: { from: AnyMachineSnapshot; kept: AnyMachineSnapshot },
    error: unknown,
  ): void {
    const what =
      phase === 'transition' ? { type: during.type, ...projectEvent(during) } : { type: during.type };
    const event = { type: FAULT_EVENT, phase, during: what, error } as EventObject;
    const after = { ...states.kept, status: 'error', error } as AnyMachineSnapshot;
    this.record({ kind: 'error', source: 'self' }, { event, before: states.from, after, effects: [] });
  }

  /** Gives the stream up, in the background: an actor that ends waits for no disk. */
  close(): void {
    // A journal that fails tells its `onFailure` listeners; nobody waits here.
    this.writer.close().catch(() => {});
  }
}

function claim({ journal, header, unnamed, head }: PenOptions): JournalWriter {
  for (let n = 1; ; n += 1) {
    try {
      return journal.writer(n === 1 ? header : { ...header, stream: `${header.stream}~${n}` }, head);
    } catch (error) {
      const inUse = error instanceof JournalError && error.code === 'JOURNAL_IN_USE';
      if (!inUse || !unnamed || n >= UNNAMED_STREAMS_MAX) throw error;
    }
  }
}
