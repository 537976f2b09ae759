import type { AnyMachineSnapshot, EventObject } from 'xstate';
import { JournalError } from '../errors.ts';
import type { AskedEffect, Journal, JournalWriter, StreamHead, StreamHeader } from '../journal/journal.ts';
import { FAULT_EVENT, type FaultPhase } from '../journal/own-events.ts';
import type { Clock } from './clock.ts';
import type { EventKind } from './event-kinds.ts';
import { projectEvent } from './xstate-shapes.ts';

/** Names tried for an actor that nobody named, before its stream is refused as in use. */
const UNNAMED_STREAMS_MAX = 100_000;

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

  constructor(options: PenOptions, clock: Clock) {
    this.writer = claim(options);
    this.#clock = clock;
  }

  get nextSeq(): number {
    return this.writer.nextSeq;
  }

  /** @param cause The effect this came of, `"<seq>:<n>"`. */
  record({ kind, source }: EventKind, step: Step, cause?: string): void {
    const { writer } = this;
    const { event, before, after, effects } = step;
    const seq = writer.nextSeq;
    const mono = this.#clock.monotonicMs();
    const wall = this.#clock.wallMs();
    writer.record(
      cause === undefined
        ? { seq, kind, mono, wall, event, source, before, after, effects }
        : { seq, kind, mono, wall, event, source, before, after, effects, cause },
    );
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
