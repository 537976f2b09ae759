import type { Observable } from 'rxjs';

/**
 * The lease-store port: where members compete for a lease. A store decides by one record for each resource
 * (`lease-record.ts`) and the three operations of `lease-protocol.ts`; what differs between stores is where the
 * record lives and how a decision is made atomic.
 *
 * Results are values. An exception means that the store could not be asked (`StoreUnavailableError`); its
 * `outcomeUnknown` tells whether the request may have been executed all the same.
 * One contract suite, `test/contracts/lease-store.contract.ts`, is run by each adapter against the real thing.
 */

/** A fencing token: larger in every later term. A decimal string in JSON. */
export type Token = bigint;

/** What an asker has watched with its own eyes: this very renewal, unchanged for this long on its own clock. */
export interface Observation {
  readonly holder: string;
  readonly token: Token;
  readonly beat: number;
  /** Monotonic milliseconds on the asker's clock since the observed renewal was made, at most. */
  readonly forMs: number;
}

/** A data loss the asker has been told of, and how long ago on its own clock. */
export interface KnownLoss {
  readonly id: string;
  /** What the store had waited when it told of the loss, plus what passed since on the asker's clock. */
  readonly forMs: number;
}

/** Asks for a lease. */
export interface AcquireRequest {
  readonly resource: string;
  /** The holder id of this incarnation; never reused by another process. */
  readonly id: string;
  /** Grows with every request of this incarnation; a packet that comes late is recognised by it. */
  readonly attempt: number;
  readonly leaseMs: number;
  /** Extra wait after an expiry (never after a release), fixed with the lease. */
  readonly graceMs: number;
  /** The longest lease the asker knows to be in use on this resource, its own included. */
  readonly longestMs: number;
  /** The highest token the asker has ever seen for this resource. */
  readonly seen: Token;
  readonly observed: Observation | null;
  readonly loss: KnownLoss | null;
  /** Random; part of the id of a data loss if this request is the first to notice it. */
  readonly nonce: string;
}

/** What came of asking for a lease: it is won, somebody has it, or it must be waited for. */
export type AcquireReply =
  | { readonly kind: 'won'; readonly token: Token; readonly term: number }
  | {
      readonly kind: 'held';
      readonly holder: string;
      readonly token: Token;
      /** Of the last renewal, or the attempt that won while there was none: never used twice by its holder. */
      readonly beat: number;
      readonly leaseMs: number;
      /** Milliseconds until asking again makes sense (grace included). */
      readonly remainingMs: number;
      /** How long ago, by the store's clock, the holder renewed: 0 … leaseMs. */
      readonly ageMs: number;
    }
  | {
      readonly kind: 'quarantined';
      readonly lossId: string;
      readonly remainingMs: number;
      /** How much of the wait is over; an asker goes on counting from here on its own clock. */
      readonly waitedMs: number;
      /** Highest token the store knows of. */
      readonly token: Token;
      /** True if nothing was ever stored here, as far as anybody can tell: a first start rather than a loss. */
      readonly fresh: boolean;
    }
  | { readonly kind: 'stale'; readonly lastAttempt: number };

/** Asks to keep a lease. */
export interface RenewRequest {
  readonly resource: string;
  readonly id: string;
  readonly token: Token;
  /** The lease this term was won with; a changed setting counts from the next term. */
  readonly leaseMs: number;
  readonly graceMs: number;
  /** From the same counter as `attempt`, so above 0 and larger with every renewal of a term: one that is not above the record's is late and changes nothing. */
  readonly beat: number;
  /** Number of the term, so that a lost record can be restored whole. */
  readonly term: number;
}

/** What came of asking to keep a lease. */
export type RenewReply =
  /** `restored`: the store had lost the record and has it again from us. */
  | {
      readonly kind: 'renewed';
      readonly restored: boolean;
      /** Id of another live member that goes by the same name, if one has asked since the last renewal. */
      readonly namesake?: string;
    }
  | {
      readonly kind: 'denied';
      /** Who has the lease instead, if anybody. */
      readonly holder: string | null;
      readonly token: Token;
    };

/** Gives a lease back. */
export interface ReleaseRequest {
  readonly resource: string;
  readonly id: string;
  readonly token: Token;
}

/** `released: false` means that the lease was not this member's any more; nothing was changed. */
export interface ReleaseReply {
  readonly released: boolean;
}

/** What anybody may know about a lease. */
export interface LeaseView {
  readonly resource: string;
  /** Null when the lease was released. */
  readonly holder: string | null;
  readonly token: Token;
  readonly term: number;
  readonly beat: number;
  readonly leaseMs: number;
  /** Milliseconds left by the store's clock, never below 0. */
  readonly remainingMs: number;
}

/** A hint, never truth: what follows from it is decided by asking the store. */
export type LeaseSignal =
  | {
      readonly kind: 'acquired' | 'renewed';
      readonly resource: string;
      readonly holder: string;
      readonly token: Token;
      readonly beat: number;
      readonly leaseMs: number;
      /** How long ago the renewal was made, by the store's clock. */
      readonly ageMs: number;
    }
  | { readonly kind: 'released'; readonly resource: string; readonly token: Token }
  /** The channel was down and is up again: whatever was said meanwhile was missed. */
  | { readonly kind: 'gap'; readonly resource: string };

/** What a store can promise, for `doctor`, the documentation and the log line at start. */
export interface LeaseStoreDescription {
  readonly kind: 'memory' | 'sqlite' | 'redis' | 'disabled';
  /** For people: a path or an address, never a secret. */
  readonly location: string;
  /** Whether members in other processes, and on other hosts, compete in this store. */
  readonly scope: 'process' | 'host' | 'network';
  /** Whether waiting members are woken when a lease is released. */
  readonly push: boolean;
  /** Promises of the library that this store, as it stands, does not keep; empty if all hold. */
  readonly caveats: readonly string[];
}

/** What every call to a store takes. */
export interface CallOptions {
  /** Aborted when the caller has given up; the reply is then thrown away. */
  readonly signal: AbortSignal;
}

/**
 * The port to where members compete. Adapters: `memoryLeases`, `sqliteLeases`, `redisLeases`; one of your own runs the
 * contract suite (CONTRIBUTING.md).
 */
export interface LeaseStore extends AsyncDisposable {
  acquire(request: AcquireRequest, options: CallOptions): Promise<AcquireReply>;
  renew(request: RenewRequest, options: CallOptions): Promise<RenewReply>;
  release(request: ReleaseRequest, options: CallOptions): Promise<ReleaseReply>;
  /** The record as it stands, or null if the store holds none. Changes nothing. */
  read(resource: string, options: CallOptions): Promise<LeaseView | null>;
  /** Never completes and never errors while the store is open; subscribing costs nothing per call to the store. */
  watch(resource: string): Observable<LeaseSignal>;
  describe(): LeaseStoreDescription;
  close(): Promise<void>;
}
