import type { LeaseSignal } from './lease-store.ts';

/** Longer messages are nobody's: a hint is a line with the id of its holder. */
export const HINT_MAX_LENGTH = 1024;
/** Digits of a token at most, which are far more than milliseconds take; turning digits into numbers takes time. */
export const TOKEN_MAX_DIGITS = 40;
/** A lease that is said to be longer, in milliseconds, is none. */
export const HEARD_LEASE_MAX_MS = 24 * 60 * 60 * 1000;

const TOKEN = new RegExp(`^\\d{1,${TOKEN_MAX_DIGITS}}$`);

/**
 * What the scripts announce on a lease's channel, as a hint; null for anything else that is said there. Anybody who may
 * publish may say anything.
 */
export function signalOf(resource: string, message: string): LeaseSignal | null {
  if (message.length > HINT_MAX_LENGTH) return null;
  const [kind, digits = '', beatText = '', lease, ...holder] = message.split(' ');
  if (!TOKEN.test(digits)) return null;
  const token = BigInt(digits);
  if (kind === 'released') return { kind, resource, token };
  if ((kind !== 'acquired' && kind !== 'renewed') || holder.length === 0) return null;
  const leaseMs = Number(lease);
  const beat = Number(beatText);
  const isLease = leaseMs > 0 && leaseMs <= HEARD_LEASE_MAX_MS;
  if (!isLease || !/^\d+$/.test(beatText) || !Number.isSafeInteger(beat)) return null;
  // Announced in the step that made it, so that it is as young as its way here was short.
  return { kind, resource, holder: holder.join(' '), token, beat, leaseMs, ageMs: 0 };
}
