import type { LeadershipTimings } from '../../machines/index.ts';
import { SettingsError } from '../errors.ts';
import { formatDuration } from './duration.ts';

/**
 * How a command is stopped in time. Counted back from the moment at which this member stops believing that it leads
 * (which lies before the end of the lease in the store):
 *
 *     … renewals …   | SIGTERM ← grace → | SIGKILL ← margin → | end of belief   | end of the lease
 */
export interface KillBudget {
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** From SIGKILL to the end of belief: for the kernel to end the processes, and for timers that fire late. */
  readonly marginMs: number;
}

const MARGIN_MIN_MS = 100;
const MARGIN_MAX_MS = 1000;
/** Share of the lease. */
const MARGIN = 1 / 50;
const GRACE_DEFAULT = 1 / 5;
const GRACE_DEFAULT_MAX_MS = 10_000;
/** Renewals are spread by this much, and a busy member takes up to this much of the lease off its belief. */
const SPREAD = 0.1;

/**
 * Settles the budget. What it takes off the lease must leave time for one renewal to come late, or a healthy leader
 * would stop its command for nothing.
 *
 * @throws SettingsError `TIMING_UNSAFE` with what would do
 */
export function killBudget(timings: LeadershipTimings, killAfterMs?: number): KillBudget {
  const { leaseMs, renewIntervalMs, callTimeoutMs, beliefMs, drainMs } = timings;
  const marginMs = Math.min(Math.max(MARGIN_MIN_MS, leaseMs * MARGIN), MARGIN_MAX_MS);
  const spareMs = beliefMs - leaseMs * SPREAD - renewIntervalMs * (1 + SPREAD) - callTimeoutMs;
  const mostMs = Math.floor(Math.min(spareMs, drainMs) - marginMs);
  const times = `a lease of ${formatDuration(leaseMs)}, renewed every ${formatDuration(renewIntervalMs)},`;
  if (mostMs <= 0)
    throw new SettingsError(
      'TIMING_UNSAFE',
      `No time is left to stop a command before ${times} ends: renew every ${Math.floor(leaseMs / 3)}ms (--renew), or lengthen the lease (--lease).`,
    );
  if (killAfterMs !== undefined && killAfterMs > mostMs) {
    const share = mostMs / leaseMs;
    throw new SettingsError(
      'TIMING_UNSAFE',
      `--kill-after is ${formatDuration(killAfterMs)}, but ${times} leaves ${formatDuration(mostMs)} between SIGTERM and SIGKILL. Use at most that, or --lease ${Math.ceil(killAfterMs / share / 1000)}s with --renew in proportion.`,
    );
  }
  const graceMs = killAfterMs ?? Math.min(leaseMs * GRACE_DEFAULT, GRACE_DEFAULT_MAX_MS, mostMs);
  return { graceMs, marginMs };
}
