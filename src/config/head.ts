import type { Diagnostic } from '../../machines/index.ts';
import type { HeadSwap } from './head-store.ts';
import { HISTORY_MAX } from './reload-history.ts';

/**
 * What members share, and how it moves. Pure functions over texts; a move is carried out by `HeadStore.swap`, which
 * compares the whole head with the one a decision was made on.
 *
 * That is what fences: a leader first claims the head, which puts the token of its term into it. From then on no
 * decision of an earlier leader can be carried out, however late it arrives, for it was made on another head; and if
 * that leader looks again, it finds a larger token than its own. `term` is the largest token that ever claimed.
 */
export interface HeadRecord {
  /** Fencing token of the last leader that claimed it, as a decimal string. */
  readonly term: string;
  readonly generation: number;
  readonly sha: string;
  /** Under which members digest what the configuration refers to, so that they can be compared. */
  readonly key: string;
}

/** What a member has in force, and the term that it came with. */
export type InForce = Omit<HeadRecord, 'key'>;

/** One generation, the newest first in the history. */
export interface HistoryRecord {
  readonly generation: number;
  readonly sha: string;
  /** Milliseconds since the epoch, by the clock of who moved. */
  readonly at: number;
  readonly who: string;
  readonly why: string;
  /** Fencing token the move was made under. */
  readonly token: string;
}

/** Bytes that their own leader would not take; without a hash they could not be read. */
export interface Refusal {
  readonly sha: string | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** How one member stands. */
export interface MemberReport {
  readonly member: string;
  readonly state: 'received' | 'validated' | 'applied' | 'rejected' | 'waitingForFile';
  /** What this is about. */
  readonly generation: number;
  readonly sha: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What is in force, whatever this is about. */
  readonly applied: InForce | null;
  /** Why what the member's own file holds is not handed to the others, though it leads. */
  readonly notProposed: Refusal | null;
  /** What its own file held when the store had lost the head: no news, whoever leads from then on. Else null. */
  readonly ownFile: string | null;
  /** Digest of what it refers to, under the key of the head: members that differ have another environment. */
  readonly dependencies: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Number of this saying; grows whenever the member says something, were it the same as before. */
  readonly said: number;
}

export interface HeadState extends Past {
  /** As read; what a swap compares. */
  readonly text: string | null;
  readonly head: HeadRecord | null;
}

/** What was before the head. */
export interface Past {
  readonly history: readonly HistoryRecord[];
  /**
   * Beginnings of the hashes of files that were proposed, the last first. They outlast the history: a file that nobody has
   * touched for longer than that is no news to the member that comes to lead with it.
   */
  readonly files: readonly string[];
}

/** Files that are remembered as proposed; the oldest are forgotten first. */
export const FILES_MAX = 1000;
/** Digits of their hashes that are kept. */
const FILE_DIGITS = 16;

export interface Move {
  readonly sha: string;
  readonly content: string | null;
  /** Hashes of files that are no news from now on. */
  readonly files?: readonly string[];
  /** For a head that is the first. */
  readonly key: string;
  readonly who: string;
  readonly why: string;
  readonly at: number;
}

/** A head, or null where there is none that this version understands. */
export function headOf(text: string | null): HeadRecord | null {
  const found = parsed(text) as Partial<HeadRecord> | null;
  if (typeof found?.generation !== 'number' || typeof found.sha !== 'string') return null;
  if (typeof found.key !== 'string') return null;
  return /^\d+$/.test(found.term ?? '') ? (found as HeadRecord) : null;
}

export function pastOf(text: string | null): Past {
  const { history = [], files = [] } = (parsed(text) ?? {}) as Partial<Past>;
  return Array.isArray(history) && Array.isArray(files) ? { history, files } : { history: [], files: [] };
}

/** Whether these bytes were wanted before, or proposed as somebody's file. */
export function wasThere({ history, files }: Past, sha: string): boolean {
  return history.some((each) => each.sha === sha) || files.includes(sha.slice(0, FILE_DIGITS));
}

export function reportOf(text: string): MemberReport | null {
  const found = parsed(text) as Partial<MemberReport> | null;
  if (typeof found?.member !== 'string' || typeof found.sha !== 'string') return null;
  return {
    ...(found as MemberReport),
    said: typeof found.said === 'number' ? found.said : 0,
    notProposed: found.notProposed ?? null,
    ownFile: found.ownFile ?? null,
  };
}

/** Whether a leader with this token may not move the head: a later one has claimed it. */
export function isFenced({ head }: HeadState, token: bigint): boolean {
  return head !== null && BigInt(head.term) > token;
}

/** Puts the token of a term into the head, and moves nothing else; null if it is there already. */
export function claim({ text, head, ...past }: HeadState, token: bigint, who: string, at: number) {
  if (head === null || BigInt(head.term) === token) return null;
  return swap(text, { ...head, term: String(token) }, past, { who, why: 'claimed', at }, null);
}

/** The next generation. */
export function move({ text, head, history, files }: HeadState, token: bigint, next: Move): HeadSwap {
  const { sha, who, why, at } = next;
  const generation = Math.max(head?.generation ?? 0, history[0]?.generation ?? 0) + 1;
  const entry: HistoryRecord = { generation, sha, at, who, why, token: String(token) };
  const content = next.content === null ? null : { sha, text: next.content };
  const proposed = (next.files ?? []).map((each) => each.slice(0, FILE_DIGITS));
  return swap(
    text,
    { term: String(token), generation, sha, key: head?.key ?? next.key },
    { history: [entry, ...history], files: [...new Set([...proposed, ...files])] },
    next,
    content,
  );
}

/** As `move`, where the store has lost what there was: above all that members have seen. */
export function seed(state: HeadState, token: bigint, next: Move, above: number): HeadSwap {
  const lost: HistoryRecord = {
    generation: above,
    sha: next.sha,
    at: next.at,
    who: next.who,
    why: 'reported by members',
    token: String(token),
  };
  return move({ ...state, history: above > 0 ? [lost] : [] }, token, next);
}

/** The newest configuration that anybody has in force. */
export function newest(applied: readonly (InForce | null)[]): InForce | null {
  return applied.reduce<InForce | null>(
    (best, each) => (best === null || (each && isNewer(each, best)) ? each : best),
    null,
  );
}

function isNewer(one: InForce, other: InForce): boolean {
  const [a, b] = [BigInt(one.term), BigInt(other.term)];
  if (a !== b) return a > b;
  // Equal on both counts only where a failover lost a move: any one will do, as long as all choose the same.
  return one.generation === other.generation ? one.sha > other.sha : one.generation > other.generation;
}

function swap(
  before: string | null,
  head: HeadRecord,
  { history: all, files }: Past,
  { who, why, at }: Pick<Move, 'who' | 'why' | 'at'>,
  content: HeadSwap['content'],
): HeadSwap {
  const history = all.slice(0, HISTORY_MAX);
  const kept = new Set([head.sha, ...history.map(({ sha }) => sha)]);
  const { term, generation, sha, key } = head;
  return {
    before,
    head: JSON.stringify({ term, generation, sha, key }),
    history: JSON.stringify({ history, files: files.slice(0, FILES_MAX) }),
    audit: JSON.stringify({ at, who, why, generation, sha, token: term }),
    content,
    drop: all
      .slice(HISTORY_MAX)
      .map((each) => each.sha)
      .filter((each) => !kept.has(each)),
  };
}

function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
