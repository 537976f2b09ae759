import type { RunResult } from './simulation.ts';
import type { Invariant } from './violation.ts';

/** What runs come to, added up. Plain data, so that it travels between threads. */
export interface Totals {
  readonly seeds: number;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly records: number;
  readonly elections: number;
  readonly leaderlessMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly sometimes: Readonly<Record<string, number>>;
  readonly gaps: Spread;
  readonly recoveries: Spread;
  /** Streams whose journals were verified and replayed. */
  readonly journals: number;
  readonly failures: readonly SeedFailure[];
  /** Of all records of all runs, whatever the order of the runs. */
  readonly digest: number;
}

/** A seed that broke a promise. */
export interface SeedFailure {
  readonly seed: number;
  readonly invariant: Invariant;
  readonly message: string;
}

/**
 * How many times fell below each limit: percentiles within a tenth, however many there were. Bucket `i` counts
 * what lies between `1.1 ** (i - 1)` and `1.1 ** i` milliseconds.
 */
export interface Spread {
  readonly counts: readonly number[];
  readonly maxMs: number;
}

const BASE = 1.1;

export function spreadOf(times: readonly number[]): Spread {
  const counts: number[] = [];
  let maxMs = 0;
  for (const ms of times) {
    const bucket = ms < 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(BASE));
    while (counts.length <= bucket) counts.push(0);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    maxMs = Math.max(maxMs, ms);
  }
  return { counts, maxMs };
}

/** How many times a spread holds. */
export function countOf({ counts }: Spread): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The time that so much of all stayed below, in milliseconds; 0 where there was none. */
export function percentile(spread: Spread, part: number): number {
  let left = countOf(spread) * part;
  for (const [bucket, count] of spread.counts.entries()) {
    left -= count;
    if (left <= 0 && count > 0) return Math.min(bucket === 0 ? 0 : BASE ** bucket, spread.maxMs);
  }
  return spread.maxMs;
}

export function emptyTotals(): Totals {
  const none = { counts: [], maxMs: 0 };
  return {
    seeds: 0,
    simulatedMs: 0,
    steps: 0,
    records: 0,
    elections: 0,
    leaderlessMs: 0,
    faults: {},
    sometimes: {},
    gaps: none,
    recoveries: none,
    journals: 0,
    failures: [],
    digest: 0,
  };
}

export function totalsOf({ tally, recoveredMs, ...run }: RunResult, journals: number): Totals {
  const sometimes = Object.fromEntries(tally.sometimes);
  const faults: Record<string, number> = {};
  for (const [name, count] of tally.sometimes) {
    if (!name.startsWith(FAULT)) continue;
    faults[name.slice(FAULT.length)] = count;
    delete sometimes[name];
  }
  const { violation } = run;
  return {
    seeds: 1,
    simulatedMs: run.simulatedMs,
    steps: run.steps,
    records: run.records,
    elections: tally.elections,
    leaderlessMs: tally.leaderlessMs,
    faults,
    sometimes,
    gaps: spreadOf(tally.gapsMs),
    recoveries: spreadOf(recoveredMs === null ? [] : [recoveredMs]),
    journals,
    failures:
      violation === null
        ? []
        : [{ seed: run.seed, invariant: violation.invariant, message: violation.message }],
    digest: Number.parseInt(run.digest, 16),
  };
}

/** What the counter of an applied fault begins with. */
export const FAULT = 'fault-';

export function addTotals(one: Totals, other: Totals): Totals {
  return {
    seeds: one.seeds + other.seeds,
    simulatedMs: one.simulatedMs + other.simulatedMs,
    steps: one.steps + other.steps,
    records: one.records + other.records,
    elections: one.elections + other.elections,
    leaderlessMs: one.leaderlessMs + other.leaderlessMs,
    faults: addCounts(one.faults, other.faults),
    sometimes: addCounts(one.sometimes, other.sometimes),
    gaps: addSpreads(one.gaps, other.gaps),
    recoveries: addSpreads(one.recoveries, other.recoveries),
    journals: one.journals + other.journals,
    failures: [...one.failures, ...other.failures],
    digest: (one.digest + other.digest) >>> 0,
  };
}

function addCounts(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function addSpreads(one: Spread, other: Spread): Spread {
  const length = Math.max(one.counts.length, other.counts.length);
  return {
    counts: Array.from({ length }, (_, i) => (one.counts[i] ?? 0) + (other.counts[i] ?? 0)),
    maxMs: Math.max(one.maxMs, other.maxMs),
  };
}
