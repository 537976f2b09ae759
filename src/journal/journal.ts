import type { AnyMachineSnapshot, EventObject, StateValue } from 'xstate';

/**
 * The journal port: what the event-sourced runtime writes to and what replay, the command line and the viewer
 * read from. Adapters: `memory-journal.ts` (a bounded ring), `sqlite-journal.ts` (durable, in a worker),
 * `jsonl-journal.ts` (the travelling form). One contract suite, `test/contracts/journal.contract.ts`, is run by
 * each of them.
 *
 * Two shapes of the same thing. An `Entry` is what the runtime hands over on the hot path: references to
 * immutable snapshots and nothing computed. A `JournalRecord` is what leaves the process: plain JSON with a
 * digest and a hash chain, made from entries by `codec.ts` when (and only when) a record travels.
 */

/** The record format this version writes. A higher number in a file is refused, a lower one is read. */
export const JOURNAL_FORMAT = 1;

/** What a record is about. `trimmed` opens a journal whose beginning is gone and carries the state at the cut. */
export type RecordKind = 'init' | 'event' | 'timer' | 'done' | 'error' | 'stop' | 'note' | 'trimmed';

/** Where an event came from, as far as the runtime can tell. */
export type EventSource = 'external' | 'timer' | 'invoke' | 'child' | 'self' | 'operator';

/** Anything JSON can carry without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The chart a record was written by. `hash` covers its structure: states, targets, names, delays. */
export interface MachineIdentity {
  readonly id: string;
  readonly version: string | null;
  readonly hash: string;
}

/** One effect the chart asked for; `id` is `"<seq>:<n>"`. */
export interface EffectRecord {
  readonly id: string;
  readonly type: string;
  readonly params?: Json;
}

/** One processed event of one actor, format 1. The order of keys is the order in files. */
export interface JournalRecord {
  readonly v: number;
  readonly stream: string;
  /** 1, 2, 3 … without a gap within the stream. */
  readonly seq: number;
  readonly kind: RecordKind;
  readonly machine: MachineIdentity;
  /** Package and xstate version, for example `conclave@0.1.0 xstate@5.33.3`. */
  readonly runtime: string;
  /** Unix milliseconds, for people. Never subtracted. */
  readonly wall: number;
  /** Monotonic milliseconds, comparable within `boot` (see `boot`). */
  readonly mono: number;
  /** Host boot and time namespace, so that `mono` is comparable between processes of one boot. */
  readonly boot: string;
  /** The process incarnation that wrote it, for example `host:pid:random`. */
  readonly writer: string;
  /** Fencing token in force after the event, as a decimal string. */
  readonly token: string | null;
  readonly event: { readonly type: string; readonly data?: Json };
  readonly source: EventSource;
  readonly from: StateValue | null;
  readonly to: StateValue | null;
  readonly effects: readonly EffectRecord[];
  /** Digest of the resulting persisted snapshot (canonical JSON, redacted). */
  readonly digest: string;
  /** Hash of the record before this one in the stream; the chain that makes loss and change evident. */
  readonly prev: string;
  readonly cause?: string;
  readonly correlation?: string;
  /** JSON pointers whose values were replaced by a keyed hash. */
  readonly redacted?: readonly string[];
}

/** An effect as the chart asked for it, before anything is encoded. */
export interface AskedEffect {
  readonly type: string;
  readonly params?: unknown;
}

/** What the runtime hands over for each processed event. Holds references only; nothing here is ever mutated. */
export interface Entry {
  readonly seq: number;
  readonly kind: RecordKind;
  readonly mono: number;
  readonly wall: number;
  readonly event: EventObject;
  readonly source: EventSource;
  /** Null for `init` and for `trimmed`. */
  readonly before: AnyMachineSnapshot | null;
  /** Null for `stop` and `note`: they change no state. */
  readonly after: AnyMachineSnapshot | null;
  readonly effects: readonly AskedEffect[];
  readonly cause?: string;
  readonly correlation?: string;
}

/** What is the same for all records that one actor incarnation writes to its stream. */
export interface StreamHeader {
  /** A stable logical address such as `leadership/billing/web-1-x7Kq`; never an XState session id. */
  readonly stream: string;
  readonly machine: MachineIdentity;
  readonly runtime: string;
  readonly boot: string;
  readonly writer: string;
  /** Reads the fencing token off a snapshot, where the chart has one. */
  readonly tokenOf?: (snapshot: AnyMachineSnapshot) => string | null;
  /** JSON pointers (relative to the persisted snapshot or to an event's data) that hold secrets. */
  readonly secrets?: readonly string[];
  /** Key of the hash that replaces secrets; random for each process unless given. */
  readonly secretKey?: string;
}

/** Where a stream stands: what a continuing writer needs to go on. */
export interface StreamHead {
  /** The highest sequence number ever written, 0 for an empty stream; trimming does not lower it. */
  readonly seq: number;
  /** Hash of the record at `seq`, the next record's `prev`. */
  readonly chain: string;
}

/** What a reader is told about a stream without reading it. */
export interface StreamSummary extends StreamHead {
  readonly stream: string;
  /** Lowest sequence number still held. */
  readonly first: number;
  readonly machine: MachineIdentity;
  readonly lastWall: number;
}

/**
 * One actor's pen. `record` is called on the hot path: it appends a reference to a bounded ring, never throws,
 * never waits. A durable journal drains the ring in the background and tells by `durable` how far it got.
 */
export interface JournalWriter {
  readonly header: StreamHeader;
  /** Sequence number the next entry must carry. */
  readonly nextSeq: number;
  record(entry: Entry): void;
  /**
   * Resolves when everything up to `seq` is as durable as this journal makes it; rejects with a `JournalError`
   * when the journal has failed or was closed before that. The memory journal resolves at once.
   */
  durable(seq: number): Promise<void>;
  /** Calls back on the first failure and on each recovery (`null`). Returns the function that unsubscribes. */
  onFailure(listener: (failure: Error | null) => void): () => void;
  /** Flushes what can be flushed within `deadlineMs` (default 2000) and gives the stream up. */
  close(deadlineMs?: number): Promise<void>;
}

/** Which part of a stream to read. */
export interface ReadOptions {
  /** First sequence number wanted; default the first held. */
  readonly from?: number;
  /** Last sequence number wanted; default the last. */
  readonly to?: number;
}

/** A place where streams live. */
export interface Journal extends AsyncDisposable {
  readonly kind: 'memory' | 'sqlite' | 'jsonl';
  /**
   * Claims `header.stream` for writing. Two live writers on one stream are refused: synchronously with
   * `JOURNAL_IN_USE` where that can be told at once, else by the writer's failure.
   */
  writer(header: StreamHeader, head?: StreamHead): JournalWriter;
  /** Where the stream stands; `{ seq: 0, chain: GENESIS }` if it is not there. */
  head(stream: string): Promise<StreamHead>;
  streams(): Promise<readonly StreamSummary[]>;
  /** Records in order of sequence. Throws `JOURNAL_CORRUPT` with the place at the first damaged record. */
  read(stream: string, options?: ReadOptions): AsyncIterable<JournalRecord>;
  /** Drops records below `seq` and leaves a `trimmed` record with the state at the cut. */
  trim(stream: string, seq: number): Promise<void>;
  close(): Promise<void>;
}

/** `prev` of the first record of a stream. */
export const GENESIS = 'genesis';
