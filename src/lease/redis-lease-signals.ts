import type { LeaseSignal } from './lease-store.ts';

/** What the scripts announce on a lease's channel, as a hint; null for anything else that is said there. */
export function signalOf(resource: string, message: string): LeaseSignal | null {
  const [kind, token = '', beat, lease, ...holder] = message.split(' ');
  if (!/^\d+$/.test(token)) return null;
  if (kind === 'released') return { kind, resource, token: BigInt(token) };
  const leaseMs = Number(lease);
  if ((kind !== 'acquired' && kind !== 'renewed') || holder.length === 0 || !(leaseMs > 0)) return null;
  // Announced in the step that made it, so that it is as young as its way here was short.
  return {
    kind,
    resource,
    holder: holder.join(' '),
    token: BigInt(token),
    beat: Number(beat),
    leaseMs,
    ageMs: 0,
  };
}
