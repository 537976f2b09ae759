import { type LeaseRecord, shownBeat } from './lease-record.ts';
import type { LeaseSignal } from './lease-store.ts';

/** What of a record those who watch are told about. */
export type Watched = Pick<LeaseRecord, 'holder' | 'token' | 'beat'>;

/**
 * The hint that the change of a record is worth: none if holder, token and beat are as before. A record that is
 * gone tells nothing of what became of the lease, which is what `gap` says.
 */
export function signalBetween(
  resource: string,
  before: Watched | null,
  after: LeaseRecord | null,
  now: number,
): LeaseSignal | null {
  if (after === null) return before === null ? null : { kind: 'gap', resource };
  const { holder, token, beat, leaseMs, expiresAt } = after;
  const sameTerm = before !== null && before.token === token;
  if (holder === null) {
    const wasHeld = sameTerm ? before.holder !== null : token > (before?.token ?? 0n);
    return wasHeld ? { kind: 'released', resource, token } : null;
  }
  const goesOn = sameTerm && before.holder === holder;
  if (goesOn && before.beat === beat) return null;
  const ageMs = Math.min(Math.max(leaseMs - (expiresAt - now), 0), leaseMs);
  const kind = goesOn ? 'renewed' : 'acquired';
  return { kind, resource, holder, token, beat: shownBeat(after), leaseMs, ageMs };
}
