import type { Observable } from 'rxjs';

/**
 * The head-store port: what members of one namespace share of their configuration. A store keeps texts and knows one
 * atomic act, the swap; everything that is decided about them is decided by the pure functions of `head.ts`, so that no
 * two products can disagree.
 *
 * A rejection means that the store could not be asked (`StoreUnavailableError`). A swap whose outcome is unknown may
 * have happened: who reads the head again finds out. One contract suite, `test/contracts/head-store.contract.ts`, is
 * run by each adapter against the real thing.
 */
export interface HeadStore extends AsyncDisposable {
  /** Names what is shared: members with the same namespace in the same store have one configuration. */
  readonly namespace: string;
  /** The head as it stands, or null. A few hundred bytes; read again and again by every member. */
  head(options: HeadCallOptions): Promise<string | null>;
  /** The generations before, as the last swap left them. */
  history(options: HeadCallOptions): Promise<string | null>;
  /** All of it or nothing; false, and nothing, if the head is not what the caller takes it for. */
  swap(change: HeadSwap, options: HeadCallOptions): Promise<boolean>;
  /** Bytes by their hash, as text, or null. */
  content(sha: string, options: HeadCallOptions): Promise<string | null>;
  /** Keeps bytes that are not there, without moving anything. */
  keep(sha: string, text: string, options: HeadCallOptions): Promise<void>;
  /** Says how a member stands; forgotten `forMs` after it was last said. */
  report(member: string, text: string, forMs: number, options: HeadCallOptions): Promise<void>;
  reports(options: HeadCallOptions): Promise<readonly string[]>;
  /** Every move, the newest first; 1000 are kept. */
  audit(options: HeadCallOptions): Promise<readonly string[]>;
  /**
   * Has all members look now, at the head and at their own files, and say how they stand. It is a hint: who misses it
   * looks at its next poll.
   */
  call(options: HeadCallOptions): Promise<void>;
  /** Hints that something may have changed, no more; and that something was missed. Never errors. */
  watch(): Observable<HeadHint>;
  describe(): HeadStoreDescription;
  close(): Promise<void>;
}

/** `moved`: the head may be another; `called`: somebody wants to hear how this member stands. */
export type HeadHint = 'moved' | 'called';

/** What every call to a head store takes. */
export interface HeadCallOptions {
  /** Aborted when the caller has given up. */
  readonly signal: AbortSignal;
}

/** One move of the head. */
export interface HeadSwap {
  /** What the caller takes the head for; null: there is none. */
  readonly before: string | null;
  readonly head: string;
  readonly history: string;
  /** For the audit log. */
  readonly audit: string;
  /** Bytes that the new head refers to. */
  readonly content: { readonly sha: string; readonly text: string } | null;
  /** Hashes of bytes that nothing refers to any more. */
  readonly drop: readonly string[];
}

/** What kind of store it is and where, for people. */
export interface HeadStoreDescription {
  readonly kind: 'memory' | 'sqlite' | 'redis';
  /** For people: a path or an address, never a secret. */
  readonly location: string;
}

/** Moves that the audit log keeps. */
export const AUDIT_MAX = 1000;
