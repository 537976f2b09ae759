import { resolveTimings } from '../../machines/index.ts';
import type { JournalCheck, PlannedFault, RunOptions, RunResult, Totals } from '../simulation/index.ts';
import { percentile } from '../simulation/index.ts';
import { countOf } from '../simulation/totals.ts';
import { formatDuration } from './duration.ts';
import { print } from './output.ts';

/** What a simulation tells people. */

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`);
const percent = (part: number): string => `${Number((part * 100).toPrecision(2))} %`;
const line = (name: string, text: string) => print(`  ${name.padEnd(17)} ${text}`);

export function printOptions(
  { members, timings, link, disk, faults, faultyMs, seed }: RunOptions,
  store: string,
): void {
  const { leaseMs, renewIntervalMs, graceMs } = resolveTimings(timings);
  const grace = graceMs > 0 ? `, ${formatDuration(graceMs)} grace` : '';
  const clocks = members.map(({ driftPpm }, i) => `m${i} ${signed(driftPpm)} ppm`).join(', ');
  const names = Object.keys(faults.weights);
  print(`Seed ${seed}: ${members.length} members over ${store}, ${formatDuration(faultyMs)} of faults`);
  line('lease', `${formatDuration(leaseMs)}, renewed every ${formatDuration(renewIntervalMs)}${grace}`);
  line('clocks', clocks);
  line(
    'messages',
    `${formatDuration(link.meanDelayMs)} on average, ${percent(link.loss)} lost, ${percent(link.duplicates)} twice, ${percent(link.hintLoss)} of hints lost`,
  );
  line(
    'journals',
    disk.kind === 'memory' ? 'in memory' : `on a disk that takes ${formatDuration(disk.meanDelayMs)}`,
  );
  line(
    'faults drawn',
    names.length === 0 ? 'none' : `every ${formatDuration(faults.everyMs)} one of ${names.join(', ')}`,
  );
}

export function printTotals(totals: Totals, faultyMs: number): void {
  const { faults, elections, gaps, recoveries, leaderlessMs, simulatedMs } = totals;
  const kinds = Object.entries(faults).toSorted(([, a], [, b]) => b - a);
  const all = kinds.reduce((sum, [, count]) => sum + count, 0);
  line('simulated', formatDuration(simulatedMs));
  line(
    'faults',
    `${all}${all === 0 ? '' : `: ${kinds.map(([name, count]) => `${name} ${count}`).join(', ')}`}`,
  );
  line('elections', String(elections));
  const ratio = percent(leaderlessMs / faultyMs);
  const times = `${countOf(gaps)} times, half of them below ${formatDuration(percentile(gaps, 0.5))}, 99 of 100 below ${formatDuration(percentile(gaps, 0.99))}, ${formatDuration(gaps.maxMs)} at most`;
  line('without a leader', `${formatDuration(leaderlessMs)} (${ratio}): ${times}`);
  if (countOf(recoveries) > 0)
    line('recovered', `within ${formatDuration(recoveries.maxMs)} after the last fault`);
}

export function printJournals({ streams, records }: JournalCheck): void {
  line('journals', `${records} records of ${streams} processes verified and replayed`);
}

export function faultLine({ id, name, atMs, forMs, atLeader, member }: PlannedFault): string {
  const whom = atLeader ? 'whoever leads' : `m${member}`;
  return `#${id} ${name} at ${(atMs / 1000).toFixed(3)} s, ${whom}, for ${formatDuration(forMs)} where it lasts`;
}

/** A run as JSON tells it. */
export function runAsJson(run: RunResult, totals: Totals) {
  const { options, violation, digest, faults } = run;
  return {
    options,
    planned: faults.length,
    violation: violation === null ? null : violationAsJson(violation),
    ...totalsAsJson(totals),
    digest,
  };
}

export function violationAsJson({ invariant, atMs, message }: NonNullable<RunResult['violation']>) {
  return { invariant, atMs, message };
}

export function totalsAsJson({ gaps, recoveries, ...totals }: Totals) {
  return {
    ...totals,
    gaps: {
      times: countOf(gaps),
      p50Ms: percentile(gaps, 0.5),
      p99Ms: percentile(gaps, 0.99),
      maxMs: gaps.maxMs,
    },
    recoveredWithinMs: recoveries.maxMs,
  };
}
