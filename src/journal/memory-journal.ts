import type { AnyMachineSnapshot } from 'xstate';
import { JournalError, UsageError } from '../errors.ts';
import { CheckpointTracker, chainAfter, trimmedRecord } from './checkpoint.ts';
import { encodeEntry } from './codec.ts';
import { EntryRing, type Held, type Segment } from './entry-ring.ts';
import {
  GENESIS,
  type Entry,
  type Journal,
  type JournalRecord,
  type JournalWriter,
  type ReadOptions,
  type StreamHead,
  type StreamHeader,
  type StreamSummary,
} from './journal.ts';

/** Records that one stream of a memory journal holds unless told otherwise. */
export const MEMORY_RECORDS_DEFAULT = 10_000;

/** Streams that a memory journal holds; beyond it, the oldest that nobody writes any more is forgotten. */
export const MEMORY_STREAMS_MAX = 10_000;

/** How much a memory journal holds. */
export interface MemoryJournalOptions {
  /** How many records each stream holds before it drops its oldest; default 10 000. */
  readonly limit?: number;
}

/** A journal in memory: always at hand, dumped at any time, and gone with the process. */
export interface MemoryJournal extends Journal {
  readonly kind: 'memory';
  /** Every record of one stream, or of all streams one after the other, as they are when reading begins. */
  export(stream?: string): AsyncIterable<JournalRecord>;
}

/**
 * Makes a memory journal. An entry costs one slot of a ring; digests, hash chain and redaction are made when records
 * are read. A stream that overflowed begins with a `trimmed` record that holds the state at the cut.
 *
 * @example
 * const journal = memoryJournal();
 * createActor(eventSourced(machine, { journal, stream: 'orders' })).start();
 * for await (const record of journal.export()) console.log(record.seq, record.event.type);
 */
export function memoryJournal({ limit = MEMORY_RECORDS_DEFAULT }: MemoryJournalOptions = {}): MemoryJournal {
  return new BoundedJournal(limit);
}

class BoundedJournal implements MemoryJournal {
  readonly kind = 'memory';
  readonly #limit: number;
  readonly #streams = new Map<string, MemoryStream>();
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  writer(header: StreamHeader, head?: StreamHead): JournalWriter {
    if (this.#closed)
      throw new JournalError('JOURNAL_CLOSED', `The journal is closed; ${header.stream} cannot be written.`);
    let stream = this.#streams.get(header.stream);
    if (stream === undefined) {
      stream = new MemoryStream(this.#limit, head);
      this.#streams.set(header.stream, stream);
      this.#forgetIdle();
    }
    return stream.claim(header, head);
  }

  async head(stream: string): Promise<StreamHead> {
    return this.#streams.get(stream)?.head() ?? { seq: 0, chain: GENESIS };
  }

  async streams(): Promise<readonly StreamSummary[]> {
    return [...this.#streams.values()].flatMap((stream) => stream.summary() ?? []);
  }

  async *read(stream: string, options: ReadOptions = {}): AsyncIterable<JournalRecord> {
    const { from = 1, to = Infinity } = options;
    for (const record of this.#streams.get(stream)?.records() ?? []) {
      if (record.seq > to) return;
      if (record.seq >= from) yield record;
    }
  }

  async *export(stream?: string): AsyncIterable<JournalRecord> {
    for (const name of stream === undefined ? [...this.#streams.keys()] : [stream]) yield* this.read(name);
  }

  async trim(stream: string, seq: number): Promise<void> {
    this.#streams.get(stream)?.trim(seq);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #forgetIdle(): void {
    if (this.#streams.size <= MEMORY_STREAMS_MAX) return;
    for (const [name, stream] of this.#streams) {
      if (stream.claimed) continue;
      this.#streams.delete(name);
      return;
    }
  }
}

class MemoryStream {
  readonly #limit: number;
  readonly #ring: EntryRing;
  /** Where the stream stood before the first entry here. */
  readonly #base: StreamHead;
  /** Only once something was dropped: an actor that does little holds little. */
  #tracker: CheckpointTracker | null = null;
  #writer: MemoryWriter | null = null;
  /** Whether the oldest entry of the ring is the last one dropped, kept for the state at the cut. */
  #cut = false;
  /** The state at the cut where the entry there tells none. */
  #carried: AnyMachineSnapshot | null = null;

  constructor(limit: number, head: StreamHead = { seq: 0, chain: GENESIS }) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new UsageError('SETTINGS_INVALID', `A memory journal holds 1 record or more, not ${limit}.`);
    }
    this.#limit = limit;
    this.#ring = new EntryRing(limit + 1, head.seq);
    this.#base = head;
  }

  get claimed(): boolean {
    return this.#writer !== null;
  }

  get nextSeq(): number {
    return this.#ring.firstSeq + this.#ring.size;
  }

  claim(header: StreamHeader, head: StreamHead | undefined): JournalWriter {
    const { stream } = header;
    if (this.#writer !== null) {
      throw new JournalError(
        'JOURNAL_IN_USE',
        `The stream ${stream} is being written by ${this.#writer.header.writer}. Give each actor a stream of its own.`,
        { place: stream },
      );
    }
    if (head !== undefined && head.seq !== this.nextSeq - 1) {
      throw new JournalError(
        'JOURNAL_CONFLICT',
        `The stream ${stream} stands at ${this.nextSeq - 1}, not at ${head.seq} as its next writer was told.`,
        { place: `${stream}@${this.nextSeq - 1}` },
      );
    }
    this.#writer = new MemoryWriter(header, this);
    return this.#writer;
  }

  release(): void {
    this.#writer = null;
  }

  append(entry: Entry, segment: Segment): void {
    if (this.#ring.size - Number(this.#cut) === this.#limit) this.#moveCut();
    this.#ring.push(entry, segment);
  }

  trim(seq: number): void {
    while (this.#ring.size > Number(this.#cut) && this.#ring.firstSeq + Number(this.#cut) < seq)
      this.#moveCut();
  }

  *records(): Generator<JournalRecord> {
    const ring = this.#ring;
    // As it is now: the stream may go on while somebody reads.
    const held = Array.from({ length: ring.size }, (_, at) => ring.at(at));
    const trimmed = this.#cut ? this.#trimmed(held.shift()) : null;
    if (trimmed !== null) yield trimmed;
    let chain = trimmed === null ? this.#base.chain : chainAfter(trimmed);
    for (const { entry, header } of held) {
      const record = encodeEntry(header, entry, chain);
      chain = chainAfter(record);
      yield record;
    }
  }

  head(): StreamHead {
    let head: StreamHead = this.#base;
    for (const record of this.records()) head = { seq: record.seq, chain: chainAfter(record) };
    return head;
  }

  summary(): StreamSummary | null {
    const ring = this.#ring;
    if (ring.size === 0) return null;
    const { header, entry } = ring.at(ring.size - 1);
    const { stream, machine } = header;
    return { ...this.head(), stream, first: ring.firstSeq, machine, lastWall: entry.wall };
  }

  /** Drops the oldest record: its entry becomes the cut. */
  #moveCut(): void {
    const ring = this.#ring;
    if (this.#cut) {
      if (ring.size > 1 && ring.hasState(1)) this.#carried = null;
      else this.#carried ??= ring.at(0).entry.after;
      ring.shift();
    }
    this.#cut = true;
    const step = ring.oldestStep();
    if (step === null) return;
    this.#tracker ??= new CheckpointTracker();
    this.#tracker.follow(step, step.header);
  }

  #trimmed(cut: Held | undefined): JournalRecord | null {
    if (cut === undefined) return null;
    const { entry, header } = cut;
    const state = entry.after ?? this.#carried;
    const checkpoint = this.#tracker?.checkpoint({ seq: entry.seq, header, state }) ?? null;
    // The state at the cut is that of an earlier entry where the one there (a stop, a note) tells none.
    return checkpoint === null
      ? null
      : trimmedRecord(encodeEntry(header, { ...entry, after: state }, this.#base.chain), checkpoint);
  }
}

class MemoryWriter implements JournalWriter {
  readonly header: StreamHeader;
  readonly #stream: MemoryStream;
  readonly #segment: Segment;
  #open = true;

  constructor(header: StreamHeader, stream: MemoryStream) {
    this.header = header;
    this.#stream = stream;
    this.#segment = { header, machine: null };
  }

  get nextSeq(): number {
    return this.#stream.nextSeq;
  }

  record(entry: Entry): void {
    if (this.#open) this.#stream.append(entry, this.#segment);
  }

  async durable(seq: number): Promise<void> {
    if (this.#open || seq < this.nextSeq) return;
    throw new JournalError(
      'JOURNAL_CLOSED',
      `The stream ${this.header.stream} was closed before it reached ${seq}.`,
      {
        place: `${this.header.stream}@${seq}`,
      },
    );
  }

  /** Memory does not fail. */
  onFailure(): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.release();
  }
}
