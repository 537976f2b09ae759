import { chainAfter } from './checkpoint.ts';
import type { Origin } from './durable-backlog.ts';
import { GENESIS, type JournalRecord, type Json, type StreamHead, type StreamSummary } from './journal.ts';
import type { JsonlLine } from './jsonl-read.ts';
import { TimerLedger } from './pending-timers.ts';

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
  readonly timers: TimerLedger;
  actor: string;
  parent: string | null;
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
      const timers = new TimerLedger();
      entry = { first: record.seq, last: record, checkpoints: [], timers, actor: '', parent: null };
      this.#streams.set(record.stream, entry);
    }
    if (record.kind === 'init' || record.kind === 'trimmed') {
      const data = record.event.data as { readonly actor?: string; readonly parent?: string } | undefined;
      entry.actor = data?.actor ?? '';
      entry.parent = data?.parent ?? null;
    }
    entry.timers.apply(record, record.boot);
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
    const entry = this.#streams.get(stream);
    if (entry === undefined) return null;
    return { actor: entry.actor, parent: entry.parent, timers: entry.timers.pending as unknown as Json };
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
