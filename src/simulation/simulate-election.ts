import type { TimingOptions } from '../../machines/index.ts';
import { resolveTimingOptions } from '../election/options.ts';
import { SettingsError } from '../errors.ts';
import { runSeed } from './simulation.ts';
import { chooseFaults, storeKind } from './store-kinds.ts';
import { countOf, percentile, totalsOf } from './totals.ts';

/** What to simulate. */
export interface SimulateElectionOptions {
  /** The timings to try, as `createLeaderElection` takes them. */
  readonly options?: TimingOptions;
  /** `all`, `none`, or some by name; default `all`. */
  readonly faults?: 'all' | 'none' | readonly string[];
  /** How long, in simulated hours; default 24. */
  readonly hours?: number;
  /** How many members compete; default 3. */
  readonly members?: number;
  /** How many faults an hour brings; default 4. */
  readonly faultsPerHour?: number;
  /** How long a message takes in one direction, on average; default 1. */
  readonly meanDelayMs?: number;
  /** Which kind of store; default `redis`. */
  readonly store?: string;
  /** The same seed is the same run; default 1. */
  readonly seed?: number;
}

/** How often, and how long, a service is without a leader. */
export interface ElectionForecast {
  readonly hours: number;
  readonly faults: number;
  readonly elections: number;
  readonly leaderless: {
    /** In all, in milliseconds. */
    readonly ms: number;
    /** As a part of the whole, between 0 and 1. */
    readonly ratio: number;
    readonly times: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  };
  /** What promise broke, if one did; null otherwise. It would be a bug of this library. */
  readonly violation: string | null;
  /** Two runs with the same digest were the same run. */
  readonly digest: string;
}

/** Longest run, in simulated hours: some minutes of real time. */
export const HOURS_MAX = 10_000;
/** Most members of a simulated cluster. */
export const MEMBERS_MAX = 50;

/**
 * Tries timings out: runs the shipped election under faults in simulated time, some hours in a second.
 *
 * @throws SettingsError for timings that are unsafe, unknown faults, numbers out of range
 * @example
 * const { leaderless } = await simulateElection({
 *   options: { leaseDurationMs: 15_000, renewIntervalMs: 5_000 },
 *   faults: ['crash', 'cut', 'freeze'],
 *   hours: 1,
 * });
 * console.log(`without a leader ${leaderless.times} times, ${leaderless.p99Ms} ms at most in 99 of 100`);
 */
export async function simulateElection(wanted: SimulateElectionOptions = {}): Promise<ElectionForecast> {
  const { options = {}, faults = 'all', hours = 24, members = 3, faultsPerHour = 4 } = wanted;
  const { meanDelayMs = 1, store = 'redis', seed = 1 } = wanted;
  inRange('hours', hours, { above: 0, most: HOURS_MAX });
  inRange('members', members, { above: 0, most: MEMBERS_MAX, whole: true });
  inRange('faultsPerHour', faultsPerHour, { above: 0, most: 3600 });
  inRange('meanDelayMs', meanDelayMs, { above: 0, most: 60_000 });
  inRange('seed', seed, { above: -1, most: 2 ** 32, whole: true });
  resolveTimingOptions(options);
  const kind = storeKind(store);
  const run = await runSeed({
    seed,
    store: kind,
    fixed: {
      nodes: members,
      forMs: hours * HOUR_MS,
      timings: options,
      faults: chooseFaults(kind, faults),
      faultEveryMs: HOUR_MS / faultsPerHour,
      meanDelayMs,
    },
  });
  const { gaps, leaderlessMs, elections } = totalsOf(run, 0);
  return {
    hours,
    faults: run.faults.length,
    elections,
    leaderless: {
      ms: leaderlessMs,
      ratio: leaderlessMs / (hours * HOUR_MS),
      times: countOf(gaps),
      p50Ms: percentile(gaps, 0.5),
      p99Ms: percentile(gaps, 0.99),
      maxMs: gaps.maxMs,
    },
    violation:
      run.violation === null ? null : `${run.violation.message} (seed ${seed}, digest ${run.digest})`,
    digest: run.digest,
  };
}

const HOUR_MS = 3_600_000;

function inRange(
  name: string,
  value: number,
  { above, most, whole = false }: { readonly above: number; readonly most: number; readonly whole?: boolean },
): void {
  if (Number.isFinite(value) && value > above && value <= most && (!whole || Number.isInteger(value))) return;
  const kind = whole ? 'a whole number' : 'a number';
  throw new SettingsError(
    'SETTINGS_INVALID',
    `${name} is ${String(value)}, but must be ${kind} above ${above} and at most ${most}.`,
  );
}
