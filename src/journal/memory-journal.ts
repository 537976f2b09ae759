import { JournalError } from '../errors.ts';
import { CheckpointTracker, chainAfter, trimmedRecord } from './checkpoint.ts';
import { encodeEntry } from './codec.ts';
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
import { Ring } from './ring.ts';

/** Records that one stream of a memory journal holds unless told otherwise. */
export const MEMORY_RECORDS_DEFAULT = 10_000;

/** Streams that a memory journal holds; beyond it, the oldest that nobody writes any more is forgotten. */
export const MEMORY_STREAMS_MAX = 10_000;

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
export function memoryJournal({
  limit = MEMORY_RECORDS_DEFAULT,
}: MemoryJournalOptions = {}): MemoryJournal {
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

/** An entry with the header of the incarnation that wrote it. */
interface Held {
  readonly entry: Entry;
  readonly header: StreamHeader;
}

class MemoryStream {
  readonly #ring: Ring<Held>;
  /** Chain before the first record ever written here. */
  readonly #base: StreamHead;
  #nextSeq: number;
  #writer: MemoryWriter | null = null;
  /** The last entry dropped, and the state there. */
  #cut: Held | null = null;
  #tracker: CheckpointTracker | null = null;

  constructor(limit: number, head: StreamHead = { seq: 0, chain: GENESIS }) {
    this.#ring = new Ring(limit);
    this.#base = head;
    this.#nextSeq = head.seq + 1;
  }

  get claimed(): boolean {
    return this.#writer !== null;
  }

  get nextSeq(): number {
    return this.#nextSeq;
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
    if (head !== undefined && head.seq !== this.#nextSeq - 1) {
      throw new JournalError(
        'JOURNAL_CONFLICT',
        `The stream ${stream} stands at ${this.#nextSeq - 1}, not at ${head.seq} as its next writer was told.`,
        { place: `${stream}@${this.#nextSeq - 1}` },
      );
    }
    this.#writer = new MemoryWriter(header, this);
    return this.#writer;
  }

  release(): void {
    this.#writer = null;
  }

  append(entry: Entry, header: StreamHeader): void {
    this.#nextSeq = entry.seq + 1;
    const evicted = this.#ring.push({ entry, header });
    if (evicted !== undefined) this.#drop(evicted);
  }

  trim(seq: number): void {
    for (const held of this.#ring.takeWhile(({ entry }) => entry.seq < seq)) this.#drop(held);
  }

  *records(): Generator<JournalRecord> {
    const held = this.#ring.toArray();
    const trimmed = this.#trimmed();
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
    const held = this.#ring.toArray();
    const last = held.at(-1) ?? this.#cut;
    if (last === null) return null;
    const { header, entry } = last;
    const first = this.#cut?.entry.seq ?? held[0]?.entry.seq ?? entry.seq;
    return { ...this.head(), stream: header.stream, first, machine: header.machine, lastWall: entry.wall };
  }

  #drop(held: Held): void {
    this.#tracker ??= new CheckpointTracker();
    this.#tracker.apply(held.entry, held.header);
    this.#cut = held;
  }

  #trimmed(): JournalRecord | null {
    const checkpoint = this.#tracker?.checkpoint() ?? null;
    if (checkpoint === null || this.#cut === null) return null;
    const { entry, header } = this.#cut;
    return trimmedRecord(encodeEntry(header, entry, this.#base.chain), checkpoint);
  }
}

class MemoryWriter implements JournalWriter {
  readonly header: StreamHeader;
  readonly #stream: MemoryStream;
  #open = true;

  constructor(header: StreamHeader, stream: MemoryStream) {
    this.header = header;
    this.#stream = stream;
  }

  get nextSeq(): number {
    return this.#stream.nextSeq;
  }

  record(entry: Entry): void {
    if (this.#open) this.#stream.append(entry, this.header);
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
