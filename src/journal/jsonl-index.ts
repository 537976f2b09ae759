import { chainAfter } from './checkpoint.ts';
import { OriginReader, type Origin } from './durable-origin.ts';
import { GENESIS, type JournalRecord, type StreamHead, type StreamSummary } from './journal.ts';
import type { JsonlLine } from './jsonl-read.ts';

/** Where a checkpoint lies in the file. */
export interface CheckpointPlace {
  readonly seq: number;
  readonly offset: number;
  readonly end: number;
}

/** What one pass over a file tells about one of its streams. */
export interface IndexedStream {
  readonly first: number;
  readonly last: JournalRecord;
  readonly checkpoints: readonly CheckpointPlace[];
}

interface Entry {
  readonly first: number;
  last: JournalRecord;
  checkpoints: CheckpointPlace[];
  readonly origin: OriginReader;
}

/** The streams of a JSONL file, kept up to date line by line. */
export class JsonlIndex {
  readonly #streams = new Map<string, Entry>();

  add(line: JsonlLine): void {
    if (line.type === 'record') this.#addRecord(line.record);
    if (line.type !== 'checkpoint') return;
    const { offset, end } = line.frame;
    this.#streams.get(line.line.stream)?.checkpoints.push({ seq: line.line.checkpoint.seq, offset, end });
  }

  #addRecord(record: JournalRecord): void {
    let entry = this.#streams.get(record.stream);
    if (entry === undefined) {
      entry = { first: record.seq, last: record, checkpoints: [], origin: new OriginReader() };
      this.#streams.set(record.stream, entry);
    }
    entry.origin.apply(record);
    entry.last = record;
  }

  get(stream: string): IndexedStream | undefined {
    return this.#streams.get(stream);
  }

  /** All streams, the one that was written last at the end. */
  all(): [string, IndexedStream][] {
    return [...this.#streams].toSorted(([, a], [, b]) => a.last.wall - b.last.wall);
  }

  head(stream: string): StreamHead {
    const last = this.#streams.get(stream)?.last;
    return last === undefined ? { seq: 0, chain: GENESIS } : { seq: last.seq, chain: chainAfter(last) };
  }

  origin(stream: string): Origin | null {
    return this.#streams.get(stream)?.origin.origin ?? null;
  }

  summaries(): StreamSummary[] {
    return [...this.#streams].map(([stream, { first, last }]) => ({
      stream,
      seq: last.seq,
      chain: chainAfter(last),
      first,
      machine: last.machine,
      lastWall: last.wall,
    }));
  }
}
