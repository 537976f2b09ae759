import type { Belief, Overlap } from '../../src/election/beliefs.ts';
import type { JournalRecord, Json } from '../../src/journal/journal.ts';

/**
 * What the worker that reads journals and the page that shows them tell each other. Records stay in the worker as
 * bytes; the page has one row of numbers for each, so that two hundred thousand of them scroll and scrub as few do.
 */

/** One member of one resource: one stream. */
export interface Member {
  readonly stream: string;
  /** Holder id: what follows the resource in the stream's name. */
  readonly name: string;
  /** As short as tells members apart. */
  readonly label: string;
  readonly resource: string;
  /** The chart that wrote it. */
  readonly machine: string;
  /** Whether this page knows that very chart, and so can tell contexts. */
  readonly known: boolean;
  readonly records: number;
}

/** A belief on the common clock; `lane` is the index of its member. */
export interface Span extends Belief {
  readonly lane: number;
}

/** All records in the order of the merged timeline; index into `strings` where a column holds text. */
export interface Columns {
  readonly member: Uint16Array;
  readonly seq: Uint32Array;
  /** Milliseconds since the Unix epoch on the common clock. */
  readonly time: Float64Array;
  readonly kind: Uint32Array;
  readonly event: Uint32Array;
  /** State paths, `leader.held`; regions joined by `+`. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly effects: Uint32Array;
  readonly token: Uint32Array;
}

export interface History {
  readonly members: readonly Member[];
  readonly strings: readonly string[];
  readonly columns: Columns;
  readonly spans: readonly Span[];
  readonly overlaps: readonly Overlap[];
  /** What a reader should know: clocks that were moved, files that were left out, records that were let go. */
  readonly notices: readonly string[];
}

/** One record as the page shows it in full. */
export interface Detail {
  readonly record: JournalRecord;
  /** Null where the chart that wrote it is not known here, with the reason. */
  readonly context: readonly ContextChange[] | null;
  readonly why: string | null;
}

export interface ContextChange {
  /** JSON pointer. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export interface NamedFile {
  readonly name: string;
  readonly bytes: ArrayBuffer;
}

export type Request =
  | { readonly id: number; readonly type: 'load'; readonly files: readonly NamedFile[] }
  | { readonly id: number; readonly type: 'append'; readonly records: readonly JournalRecord[] }
  | { readonly id: number; readonly type: 'detail'; readonly row: number }
  | { readonly id: number; readonly type: 'clear' };

export type Reply =
  | { readonly id: number; readonly type: 'history'; readonly history: History }
  | { readonly id: number; readonly type: 'detail'; readonly detail: Detail }
  | { readonly id: number; readonly type: 'refused'; readonly message: string };
