/** A Redis on which somebody has led before, so that no first term waits for a lease that could be of an earlier one. */
import { randomUUID } from 'node:crypto';
import { redisLeases } from 'conclave/redis';

/** A call may take a sixth of it, also on a busy machine. */
const LEASE_MS = 60_000;

/**
 * Has one lease won and given back: the term with number 1. Where nobody led before, a member's first term begins after
 * a whole lease, and tests would take short ones only because of that, which a busy machine lets run out.
 */
export async function ledBefore(url: string, resource: string): Promise<void> {
  await using leases = redisLeases(url, { freshStore: 'trust' });
  const signal = AbortSignal.timeout(60_000);
  const id = 'led-before';
  const times = { leaseMs: LEASE_MS, graceMs: 0, longestMs: LEASE_MS };
  const unknown = { seen: 0n, observed: null, loss: null, nonce: randomUUID() };
  const reply = await leases.acquire({ resource, id, attempt: 1, ...times, ...unknown }, { signal });
  if (reply.kind !== 'won') throw new Error(`${resource} is not new on this Redis: ${reply.kind}.`);
  await leases.release({ resource, id, token: reply.token }, { signal });
}
