import type { Belief, Overlap } from '../../src/election/beliefs.ts';
import type { JournalRecord, Json } from '../../src/journal/journal.ts';

/**
 * What the worker that reads journals and the page that shows them tell each other. Records stay in the worker as
 * bytes; the page has one row of numbers for each, so that two hundred thousand of them scroll and scrub as few do.
 */

/** One life of one member: one stream. */
export interface Member {
  readonly stream: string;
  /** Holder id: what follows the resource in the stream's name. */
  readonly name: string;
  /** As short as tells lives apart. */
  readonly label: string;
  /** What is led, `configuration`, or the first part of another chart's stream. */
  readonly group: string;
  readonly lane: number;
  /** The chart that wrote it. */
  readonly machine: string;
  /** Whether this page knows that very chart, and so can tell contexts. */
  readonly known: boolean;
  readonly records: number;
}

/** One member through all its lives, on one chart. */
export interface Lane {
  readonly label: string;
  readonly group: string;
  readonly machine: string;
}

/** A belief on the common clock. */
export interface Span extends Belief {
  /** Index of its life among the members. */
  readonly life: number;
  readonly lane: number;
  /** Boot of its host; `boot` is the same for all here, since they are on one clock. */
  readonly host: string;
  /** Its last record before the end: what follows is only the lease, running out. */
  readonly heardUntil: number;
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
  /** Bits of `FLAG`. */
  readonly flags: Uint8Array;
}

/** What a record is worth a look for. */
export const FLAG = { changed: 1, turn: 2, failure: 4 } as const;

/** How a stretch of a lane looks: what its member was about. */
export const TONES = ['none', 'calm', 'busy', 'leading', 'leaving', 'bad', 'silent'] as const;
export type Tone = (typeof TONES)[number];

/** Stretches of one outer state, lane after lane, each in order of time. */
export interface Phases {
  readonly lane: Uint16Array;
  readonly from: Float64Array;
  readonly until: Float64Array;
  /** Index into `TONES`. */
  readonly tone: Uint8Array;
  readonly text: Uint32Array;
}

export interface History {
  readonly members: readonly Member[];
  readonly lanes: readonly Lane[];
  readonly strings: readonly string[];
  readonly columns: Columns;
  readonly phases: Phases;
  readonly spans: readonly Span[];
  readonly overlaps: readonly Overlap<Span>[];
  /** What a reader should know: clocks that were moved, records that were let go. */
  readonly notices: readonly string[];
  /** Files, or parts of them, that could not be shown. */
  readonly problems: readonly string[];
}

/** One record as the page shows it in full. */
export interface Detail {
  readonly record: JournalRecord;
  /** Null where it is not known, with the reason. */
  readonly context: readonly ContextChange[] | null;
  readonly why: string | null;
  /** Whether asking for the context takes a while and is worth it. */
  readonly contextLater: boolean;
}

export interface ContextChange {
  /** JSON pointer. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export interface NamedFile {
  readonly name: string;
  /** Read where it is needed: what goes through the page's thread holds it up. */
  readonly content: Blob;
}

export type Request =
  /** Adds files to what is open. */
  | {
      readonly id: number;
      readonly type: 'load';
      readonly files: readonly NamedFile[];
      readonly isChecked: boolean;
    }
  /** Adds live records, one JSON text each. */
  | { readonly id: number; readonly type: 'append'; readonly lines: readonly string[] }
  | { readonly id: number; readonly type: 'detail'; readonly row: number }
  /** The same with its context; the answer is null if another record is asked for meanwhile. */
  | { readonly id: number; readonly type: 'context'; readonly row: number }
  | { readonly id: number; readonly type: 'clear' }
  /** Asked of another worker: how far the checksums of each file are those of its lines. */
  | { readonly id: number; readonly type: 'check'; readonly contents: readonly Blob[] }
  /** Its answer, for the one that loads them under this number; none where it cannot tell. */
  | { readonly id: number; readonly type: 'checked'; readonly until: readonly number[] };

export type Reply =
  | { readonly id: number; readonly type: 'history'; readonly history: History }
  | { readonly id: number; readonly type: 'detail'; readonly detail: Detail | null }
  | { readonly id: number; readonly type: 'checked'; readonly until: readonly number[] }
  | { readonly id: number; readonly type: 'refused'; readonly message: string };
