import type { Retention } from './durable-retention.ts';
import type { Claim } from './durable-claim.ts';
import type { JournalNotice } from './durable-notice.ts';
import type { Claimed } from './durable-writer.ts';
import type { StreamHead, StreamSummary } from './journal.ts';
import type { Page } from './sqlite-read.ts';
import type { WireError } from './sqlite-errors.ts';

/** What the thread that records and the thread that writes say to each other. */

export interface WorkerOptions {
  readonly path: string;
  readonly runtime: string;
  readonly retention: Required<Retention>;
}

/** Operation → what it is asked and what it answers. */
export interface Operations {
  claim: { ask: { stream: string; claim: Claim }; answer: Claimed };
  /** `parcel` is a `Parcel` as JSON: a string crosses faster than the object would be cloned. */
  append: { ask: { stream: string; claimId: string; parcel: string; wall: number }; answer: null };
  release: { ask: { stream: string; claimId: string }; answer: null };
  head: { ask: { stream: string }; answer: StreamHead };
  streams: { ask: Record<string, never>; answer: readonly StreamSummary[] };
  page: { ask: { stream: string; from: number; to: number }; answer: Page };
  trim: { ask: { stream: string; seq: number }; answer: null };
  close: { ask: Record<string, never>; answer: null };
}

export type Operation = keyof Operations;

export type Request = {
  [O in Operation]: { readonly id: number; readonly op: O } & Operations[O]['ask'];
}[Operation];

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: WireError }
  | { readonly notice: JournalNotice };
