import type { LeaseView, Token } from './lease-store.ts';

/**
 * The one record a store keeps for each resource, without a time to live: truth lives here and nowhere else.
 * Times are milliseconds on the store's own clock.
 */
export interface LeaseRecord {
  /** Holder id, or null after a release. */
  readonly holder: string | null;
  /** Who acquired last, and with which attempt. */
  readonly by: string;
  readonly attempt: number;
  readonly token: Token;
  /** Counts the terms of this resource as far as the store knows. */
  readonly term: number;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly beat: number;
  readonly expiresAt: number;
  /** The longest lease anybody was ever known to use here. */
  readonly longestMs: number;
  /** Highest token ever seen by anybody, won here or not. */
  readonly highest: Token;
  /** Incarnation of the data set this record was written in. */
  readonly incarnation: string;
  /** Another live incarnation that goes by the holder's name, not yet told to the holder; or null. */
  readonly namesake: string | null;
  /** A standing data loss, or null. */
  readonly loss: LossNote | null;
}

/** A data loss that was noticed and is being waited out. */
export interface LossNote {
  readonly id: string;
  /** Incarnation of the data set the loss was noticed in. */
  readonly incarnation: string;
  readonly at: number;
  /** Nothing was ever stored here before, as far as anybody could tell. */
  readonly fresh: boolean;
}

/** Whether storing `b` over `a` would change nothing. */
export function recordsEqual(a: LeaseRecord | null, b: LeaseRecord | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  const { loss: lossA, ...restA } = a;
  const { loss: lossB, ...restB } = b;
  if (!sameFields(restA, restB)) return false;
  return lossA === null || lossB === null ? lossA === lossB : sameFields(lossA, lossB);
}

function sameFields<T extends object>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).every((field) => a[field] === b[field]);
}

/**
 * The number by which others know a grant or a renewal: never used twice by its holder, since attempts and beats are
 * one counter. A token alone does not tell grants apart: two primaries of a split Redis may give the same one.
 */
export const shownBeat = ({ beat, attempt }: Pick<LeaseRecord, 'beat' | 'attempt'>): number =>
  beat === 0 ? attempt : beat;

/** What anybody may know of a record; `now` is the store's clock. */
export function viewOf(resource: string, record: LeaseRecord, now: number): LeaseView {
  const { holder, token, term, leaseMs, expiresAt } = record;
  const beat = shownBeat(record);
  const remainingMs = holder === null ? 0 : Math.min(Math.max(expiresAt - now, 0), leaseMs);
  return { resource, holder, token, term, beat, leaseMs, remainingMs };
}
