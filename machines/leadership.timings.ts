import type { LeadershipTimings } from './leadership.events.ts';

/**
 * Which timings are safe, and what follows from the few a user gives. Pure arithmetic; times in milliseconds.
 *
 * Sources: the lease is shortened for its holder and prolonged for everybody else by the assumed drift of two
 * clocks, as in Gray and Cheriton's leases; the sum that a renewal interval must satisfy is the one Kubernetes'
 * client-go states for lease duration, renew deadline and retry period, with the call timeout added.
 */

/** Assumed difference in rate between two clocks. */
export const DRIFT = 0.01;
/** Factor by which a lease is shortened for its holder, and a wait prolonged for the others. */
export const DRIFT_FACTOR = (1 + DRIFT) / (1 - DRIFT);
/** The least safety margin before the end of a lease. */
export const GUARD_MIN_MS = 10;
/** Shorter leases end too easily by a garbage collection or a slow disk. */
export const LEASE_MIN_MS = 1000;
/**
 * Longer leases are mistakes: after a crash of the leader, and after a loss of data, nobody else leads for as long. It is
 * also well below what timers (24 days) and the records of stores (a month) take.
 */
export const LEASE_MAX_MS = 24 * 60 * 60 * 1000;

/** The least interval or timeout: below it a member would do nothing but ask. */
const TIMING_MIN_MS = 1;

/** What a user may set; everything but the lease has a default that follows from it. */
export interface TimingOptions {
  /** How long a term lasts without a renewal. Default 15 000. */
  readonly leaseDurationMs?: number;
  /** How often the leader renews. Default a third of the lease. */
  readonly renewIntervalMs?: number;
  /** How long after its last successful renewal a leader may go on at most. Default: as long as the lease allows. */
  readonly renewDeadlineMs?: number;
  /** Extra wait of the others after an expiry, so that a briefly disconnected leader may come back. Default 0. */
  readonly gracePeriodMs?: number;
  /** Longest wait for one answer of the store. Default and most: a sixth of the lease. */
  readonly callTimeoutMs?: number;
  /** First wait after a failed request. Default a fiftieth of the lease, between 20 and 1000. */
  readonly retryIntervalMs?: number;
  /** Longest wait for running work after leadership ended on purpose. Default half the lease. */
  readonly drainTimeoutMs?: number;
  /** Allows a lease below one second, for tests. */
  readonly unsafeFastLease?: boolean;
}

/** One finding about a set of timings. */
export interface TimingFinding {
  readonly setting: keyof TimingOptions;
  readonly message: string;
}

/** What `checkTimings` found: the timings with their defaults, and what is wrong with them. */
export interface CheckedTimings {
  readonly timings: LeadershipTimings;
  /** Reasons to refuse; empty if the timings are safe. */
  readonly errors: readonly TimingFinding[];
  /** Reasons to think again. */
  readonly warnings: readonly TimingFinding[];
}

const clamp = (low: number, value: number, high: number): number => Math.min(Math.max(value, low), high);

/** Fills in the defaults. */
export function resolveTimings(options: TimingOptions): LeadershipTimings {
  const leaseMs = options.leaseDurationMs ?? 15_000;
  const callTimeoutMs = Math.min(options.callTimeoutMs ?? leaseMs / 6, leaseMs / 6);
  const beliefMs = Math.min(leaseMs / DRIFT_FACTOR, options.renewDeadlineMs ?? Infinity);
  const retryMs = options.retryIntervalMs ?? clamp(20, leaseMs / 50, 1000);
  return {
    leaseMs,
    renewIntervalMs: options.renewIntervalMs ?? leaseMs / 3,
    callTimeoutMs,
    retryMs,
    retryMaxMs: Math.max(retryMs, Math.min(leaseMs / 3, 5000)),
    graceMs: options.gracePeriodMs ?? 0,
    drainMs: options.drainTimeoutMs ?? leaseMs / 2,
    // Well inside what may be believed, or a record that never comes would let no term begin.
    journalMs: Math.min(leaseMs / 6, 1000, beliefMs / 3),
    staggerMs: Math.min(leaseMs / 100, 10),
    beliefMs,
  };
}

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(3))} s`;

/** What makes room for a second renewal: within the lease, or within its deadline where that comes first. */
function curesOf(
  { leaseMs, renewIntervalMs, callTimeoutMs, beliefMs }: LeadershipTimings,
  usableMs: number,
): string {
  if (beliefMs >= leaseMs / DRIFT_FACTOR)
    return `Renew every ${Math.floor(leaseMs / 3)} ms, or lengthen the lease to ${Math.ceil(renewIntervalMs * 3)} ms`;
  const suggested = Math.floor((usableMs - callTimeoutMs) * 0.4);
  return suggested < TIMING_MIN_MS
    ? 'Give renewals a later deadline'
    : `Renew every ${suggested} ms, or give renewals a later deadline`;
}

/** Resolves the timings and judges them, one finding a rule. */
export function checkTimings(options: TimingOptions): CheckedTimings {
  const errors: TimingFinding[] = [];
  const warnings: TimingFinding[] = [];
  const refuse = (setting: keyof TimingOptions, message: string) => errors.push({ setting, message });
  for (const [setting, value] of Object.entries(options) as [keyof TimingOptions, number | undefined][]) {
    if (setting === 'unsafeFastLease' || value === undefined) continue;
    const leastMs = setting === 'gracePeriodMs' || setting === 'drainTimeoutMs' ? 0 : TIMING_MIN_MS;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < leastMs)
      refuse(
        setting,
        `${setting} is ${String(value)}, but must be a finite number of milliseconds of ${leastMs} or more.`,
      );
  }
  const timings = resolveTimings(errors.length === 0 ? options : {});
  if (errors.length > 0) return { timings, errors, warnings };

  const { leaseMs, renewIntervalMs, callTimeoutMs, graceMs, beliefMs } = timings;
  if (leaseMs < LEASE_MIN_MS && options.unsafeFastLease !== true)
    refuse(
      'leaseDurationMs',
      `leaseDurationMs is ${leaseMs}, below ${LEASE_MIN_MS}: one garbage collection or slow disk ends such a lease. Use ${LEASE_MIN_MS} or more, or set unsafeFastLease in tests.`,
    );
  if (leaseMs > LEASE_MAX_MS)
    refuse(
      'leaseDurationMs',
      `leaseDurationMs is ${leaseMs}, above ${LEASE_MAX_MS}, a day: so long nobody would take over from a leader that died. Use ${LEASE_MAX_MS} or less.`,
    );
  if (graceMs >= leaseMs)
    refuse(
      'gracePeriodMs',
      `gracePeriodMs is ${graceMs}, but must be shorter than the lease of ${leaseMs}. Use at most ${Math.floor(leaseMs / 2)}.`,
    );
  // What is left for renewals: belief without the guard. `beliefMs` already has the drift taken off.
  const usableMs = beliefMs - GUARD_MIN_MS;
  const cures = curesOf(timings, usableMs);
  const oneAttemptMs = renewIntervalMs + callTimeoutMs;
  if (oneAttemptMs >= usableMs)
    refuse(
      'renewIntervalMs',
      `Not even one renewal fits into the lease: renewing every ${seconds(renewIntervalMs)} with calls of up to ${seconds(callTimeoutMs)} takes ${seconds(oneAttemptMs)}, but the leader of a ${seconds(leaseMs)} lease may believe for ${seconds(usableMs)} only (drift and guard taken off). ${cures}.`,
    );
  else if (
    oneAttemptMs + renewIntervalMs >= usableMs &&
    oneAttemptMs + timings.retryMs + callTimeoutMs >= usableMs
  )
    warnings.push({
      setting: 'renewIntervalMs',
      message: `Only one renewal fits into the lease of ${seconds(leaseMs)} when renewing every ${seconds(renewIntervalMs)}: one lost packet ends the term. ${cures} to have a second try.`,
    });
  return { timings, errors, warnings };
}
