import type { SqliteLeaseNotice } from './sqlite-lease-store.ts';
import type { WireError } from './sqlite-lease-errors.ts';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseSignal,
  LeaseView,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from './lease-store.ts';

/** What the thread of the store and the thread that waits for the disk say to each other. */

export interface LeaseWorkerOptions {
  readonly path: string;
  readonly freshStore: 'wait' | 'trust';
}

/** Operation → what it is asked and what it answers. */
export interface Operations {
  acquire: { ask: AcquireRequest; answer: AcquireReply };
  renew: { ask: RenewRequest; answer: RenewReply };
  release: { ask: ReleaseRequest; answer: ReleaseReply };
  read: { ask: { readonly resource: string }; answer: LeaseView | null };
}

export type Operation = keyof Operations;

export type Call = { [O in Operation]: { readonly op: O; readonly ask: Operations[O]['ask'] } }[Operation];

export type ToWorker =
  | ({ readonly id: number } & Call)
  /** The resources that are watched from now on. */
  | { readonly watch: readonly string[] }
  | { readonly close: true };

export type FromWorker =
  | { readonly id: number; readonly answer: Operations[Operation]['answer'] }
  | { readonly id: number; readonly error: WireError }
  | { readonly signal: LeaseSignal }
  | { readonly notice: SqliteLeaseNotice };
