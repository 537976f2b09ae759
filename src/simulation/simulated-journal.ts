import { JournalError } from '../errors.ts';
import { chainAfter, trimmedRecord } from '../journal/checkpoint.ts';
import { sealRecord } from '../journal/codec.ts';
import type { Parcel } from '../journal/durable-backlog.ts';
import { DurableWriter, type DurableBackend } from '../journal/durable-writer.ts';
import {
  GENESIS,
  type Entry,
  type Journal,
  type JournalRecord,
  type JournalWriter,
  type ReadOptions,
  type StreamHeader,
  type StreamSummary,
} from '../journal/journal.ts';
import { memoryJournal, type MemoryJournal } from '../journal/memory-journal.ts';
import type { NodeClock } from '../runtime/virtual-clock.ts';
import type { Random } from './random.ts';
import type { DiskOptions } from './run-options.ts';

/**
 * The journals of a run: all streams of all members, in one place for whoever looks at them afterwards. A member
 * writes to it through the disk of its host: either straight into memory, or by the shipped durable writer to a disk
 * that takes its time, is full at times, and keeps only a part of what was being written when its process dies.
 */
export class SimulatedJournals {
  readonly #memory: MemoryJournal = memoryJournal();
  readonly #onDisk = new Map<string, JournalRecord[]>();
  readonly #trace: RunTrace;

  constructor(trace: RunTrace) {
    this.#trace = trace;
  }

  /** The journal of one process. */
  of(disk: SimulatedDisk, writer: string): Journal {
    const named = (header: StreamHeader) => ({ ...header, boot: 'simulation', writer });
    const open = (header: StreamHeader) =>
      disk.kind === 'memory'
        ? this.#memory.writer(header)
        : disk.writer(header, this.#recordsOf(header.stream));
    return {
      kind: 'memory',
      writer: (header) => this.#traced(open(named(header))),
      head: async () => ({ seq: 0, chain: GENESIS }),
      streams: () => this.streams(),
      read: (stream, options) => this.read(stream, options),
      trim: async () => {},
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async streams(): Promise<readonly StreamSummary[]> {
    const summaries = [...this.#onDisk].flatMap(([stream, records]) => summaryOf(stream, records) ?? []);
    return [...(await this.#memory.streams()), ...summaries];
  }

  /** Names of all streams, in the order they began. */
  get names(): readonly string[] {
    return this.#trace.streams;
  }

  async *read(stream: string, options: ReadOptions = {}): AsyncIterable<JournalRecord> {
    const records = this.#onDisk.get(stream);
    const { from = 1, to = Infinity } = options;
    if (records === undefined) yield* this.#memory.read(stream, options);
    else yield* records.filter(({ seq }) => seq >= from && seq <= to);
  }

  #recordsOf(stream: string): JournalRecord[] {
    const records: JournalRecord[] = [];
    this.#onDisk.set(stream, records);
    return records;
  }

  #traced(writer: JournalWriter): JournalWriter {
    const trace = this.#trace;
    trace.opened(writer.header.stream);
    return {
      header: writer.header,
      get nextSeq() {
        return writer.nextSeq;
      },
      record(entry) {
        trace.recorded(entry);
        writer.record(entry);
      },
      durable: (seq) => writer.durable(seq),
      onFailure: (listener) => writer.onFailure(listener),
      close: (deadlineMs) => writer.close(deadlineMs),
    };
  }
}

/** A running digest of everything that is recorded, in the order it happens: two runs are the same if theirs are. */
export class RunTrace {
  readonly streams: string[] = [];
  records = 0;
  #hash = 0x811c_9dc5;
  readonly #mono = new Float64Array(1);
  readonly #bits = new Int32Array(this.#mono.buffer);

  opened(stream: string): void {
    this.streams.push(stream);
    this.#text(stream);
  }

  recorded({ event, mono }: Entry): void {
    this.records += 1;
    this.#mono[0] = mono;
    this.#mix(this.#bits[0] ?? 0);
    this.#mix(this.#bits[1] ?? 0);
    this.#text(event.type);
  }

  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }

  #mix(bits: number): void {
    this.#hash = Math.imul(this.#hash ^ bits, 0x0100_0193);
  }
}

interface InFlight {
  readonly parcel: Parcel;
  readonly records: JournalRecord[];
}

/** The disk of one host. */
export class SimulatedDisk {
  readonly kind: DiskOptions['kind'];
  readonly #options: DiskOptions;
  readonly #node: NodeClock;
  readonly #random: Random;
  readonly #sometimes: (what: string) => void;
  readonly #full = new Set<number>();
  readonly #slow = new Map<number, number>();
  #inFlight: InFlight | null = null;

  constructor(options: DiskOptions, node: NodeClock, random: Random, sometimes: (what: string) => void) {
    this.kind = options.kind;
    this.#options = options;
    this.#node = node;
    this.#random = random;
    this.#sometimes = sometimes;
  }

  /** A fault begins; `id` ends it. Without a disk it does nothing. */
  beginFull(id: number): void {
    this.#full.add(id);
  }

  beginSlow(id: number, meanMs: number): void {
    this.#slow.set(id, meanMs);
  }

  end(id: number): void {
    this.#full.delete(id);
    this.#slow.delete(id);
  }

  heal(): void {
    this.#full.clear();
    this.#slow.clear();
  }

  /** The process dies: of what was being written, a part is on the disk. */
  crash(): void {
    if (this.#inFlight === null) return;
    const { parcel, records } = this.#inFlight;
    this.#inFlight = null;
    const kept = this.#random.below(parcel.drafts.length + 1);
    if (kept < parcel.drafts.length) this.#sometimes('journal-torn');
    store({ ...parcel, drafts: parcel.drafts.slice(0, kept) }, records);
  }

  writer(header: StreamHeader, records: JournalRecord[]): JournalWriter {
    const head = { seq: 0, chain: GENESIS };
    const backend: DurableBackend = {
      checkpointEvery: 1000,
      claim: async () => {
        await this.#wait();
        return { head, origin: null };
      },
      append: async (parcel) => {
        const writing = { parcel, records };
        this.#inFlight = writing;
        await this.#wait();
        if (this.#inFlight !== writing) return;
        this.#inFlight = null;
        if (this.#full.size > 0) {
          this.#sometimes('disk-full');
          throw new JournalError('JOURNAL_FAILED', 'The disk is full.');
        }
        store(parcel, records);
      },
      release: () => this.#wait(),
    };
    const onNotice = ({ kind }: { readonly kind: string }) => this.#sometimes(`journal-${kind}`);
    return new DurableWriter({ header, head, backend, clock: this.#node, onNotice, onClosed: () => {} });
  }

  /** By the clock of the host: the writing thread is frozen with its process. */
  #wait(): Promise<void> {
    const meanMs = Math.max(this.#options.meanDelayMs, ...this.#slow.values());
    return new Promise((resolve) => void this.#node.setTimeout(resolve, this.#random.exponential(meanMs)));
  }
}

function store({ drafts }: Parcel, records: JournalRecord[]): void {
  for (const { draft, cut } of drafts) {
    const last = records.at(-1);
    if (last !== undefined && draft.seq <= last.seq) continue;
    const sealed = sealRecord(draft, last === undefined ? GENESIS : chainAfter(last));
    records.push(cut === null ? sealed : trimmedRecord(sealed, cut));
  }
}

function summaryOf(stream: string, records: readonly JournalRecord[]): StreamSummary | null {
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) return null;
  const { machine, wall, seq } = last;
  return { stream, first: first.seq, seq, chain: chainAfter(last), machine, lastWall: wall };
}
