import type { AcquireParams, Failure, LeadershipEvent, RenewParams } from '../../machines/index.ts';
import { ConclaveError, SettingsError, StoreUnavailableError } from '../errors.ts';
import type { CallOptions, LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';

/** What a request to the store needs besides its parameters. */
export interface Asker {
  readonly leases: LeaseStore;
  readonly resource: string;
  readonly candidateId: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Safety margin before the end of such a lease, measured now. */
  guardMs(leaseMs: number): number;
}

/** Asks for the lease and tells what came back as an event of the chart. Never rejects. */
export async function acquire(
  asker: Asker,
  params: AcquireParams,
  options: CallOptions,
): Promise<LeadershipEvent> {
  const { leases, resource, candidateId, clock, randomness } = asker;
  const { attempt, leaseMs, graceMs, longestMs, seen, observed, loss } = params;
  // Read before the request leaves: belief is counted from here.
  const sentAt = clock.monotonicMs();
  const sentWall = clock.wallMs();
  try {
    const reply = await leases.acquire(
      {
        resource,
        id: candidateId,
        attempt,
        leaseMs,
        graceMs,
        longestMs,
        seen: BigInt(seen),
        observed: observed && {
          holder: observed.holder,
          token: BigInt(observed.token),
          beat: observed.beat,
          forMs: Math.min(sentAt - observed.since, observed.atMostMs ?? Infinity),
        },
        loss: loss && { id: loss.id, forMs: sentAt - loss.since },
        nonce: randomness.id(),
      },
      options,
    );
    const at = clock.monotonicMs();
    switch (reply.kind) {
      case 'won': {
        const { term } = reply;
        const token = String(reply.token);
        const times = { at, sentAt, sentWall, wall: clock.wallMs(), guardMs: asker.guardMs(leaseMs) };
        return { type: 'lease.acquired', attempt, token, term, luck: randomness.unit(), ...times };
      }
      case 'held': {
        const { kind: _, token, ...held } = reply;
        return { type: 'lease.held', attempt, at, luck: randomness.unit(), token: String(token), ...held };
      }
      case 'quarantined': {
        const { kind: _, token, ...quarantine } = reply;
        return { type: 'lease.quarantined', attempt, at, token: String(token), ...quarantine };
      }
      case 'stale':
        return { type: 'attempt.refused', attempt, at, lastAttempt: reply.lastAttempt };
    }
  } catch (error) {
    return failed(asker, attempt, error);
  }
}

/** Renews the term's lease. Never rejects. */
export async function renew(
  asker: Asker,
  params: RenewParams,
  options: CallOptions,
): Promise<LeadershipEvent> {
  const { leases, resource, candidateId, clock, randomness } = asker;
  const { attempt, token, term, leaseMs, graceMs } = params;
  const sentAt = clock.monotonicMs();
  const sentWall = clock.wallMs();
  try {
    const reply = await leases.renew(
      // The attempt number serves as beat: it is this member's own and never used twice.
      { resource, id: candidateId, token: BigInt(token), term, leaseMs, graceMs, beat: attempt },
      options,
    );
    const at = clock.monotonicMs();
    if (reply.kind === 'denied')
      return { type: 'lease.denied', attempt, at, holder: reply.holder, token: String(reply.token) };
    const times = { at, sentAt, sentWall, wall: clock.wallMs(), guardMs: asker.guardMs(leaseMs) };
    return {
      type: 'lease.renewed',
      attempt,
      restored: reply.restored,
      namesake: reply.namesake ?? null,
      luck: randomness.unit(),
      ...times,
    };
  } catch (error) {
    return failed(asker, attempt, error);
  }
}

/** Gives the lease up. Never rejects. */
export async function release(
  asker: Asker,
  params: { readonly attempt: number; readonly token: string },
  options: CallOptions,
): Promise<LeadershipEvent> {
  const { leases, resource, candidateId, clock } = asker;
  const { attempt } = params;
  try {
    const request = { resource, id: candidateId, token: BigInt(params.token) };
    const { released } = await leases.release(request, options);
    return { type: 'lease.released', attempt, at: clock.monotonicMs(), released };
  } catch (error) {
    return failed(asker, attempt, error);
  }
}

function failed({ clock, randomness }: Asker, attempt: number, error: unknown): LeadershipEvent {
  // What must be changed before it can be asked (a key of somebody else's, say) was refused: that is an answer.
  const outcomeUnknown =
    error instanceof StoreUnavailableError ? error.outcomeUnknown : !(error instanceof SettingsError);
  const at = clock.monotonicMs();
  return {
    type: 'store.failed',
    attempt,
    at,
    error: failureOf(error),
    outcomeUnknown,
    luck: randomness.unit(),
  };
}

/** An error as plain data: code and message, never a stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ConclaveError) return { code: error.code, message: error.message };
  return { code: 'STORE_UNAVAILABLE', message: error instanceof Error ? error.message : String(error) };
}
