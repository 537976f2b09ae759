import { checkTimings, DRIFT } from '../../machines/leadership.timings.ts';
import { milliseconds, type RedisFinding, unknown } from './doctor-findings.ts';
import type { ClockSample, LeasePlan, RedisFacts } from './doctor-facts.ts';

/** Whether the server and the way to it are fast enough, and its clock goes as ours does. */
export function timeFindings(facts: RedisFacts): RedisFinding[] {
  return [timings(facts.plan), roundTrips(facts), clock(facts.samples.clock), ...stalls(facts)].flat();
}

function timings({ leaseMs, renewMs }: LeasePlan): RedisFinding[] {
  const { errors, warnings } = checkTimings({ leaseDurationMs: leaseMs, renewIntervalMs: renewMs });
  const seen = `lease ${leaseMs} ms, renewed every ${renewMs} ms`;
  const [worst] = [...errors, ...warnings];
  if (worst === undefined) return [];
  return [
    {
      check: 'timings',
      severity: errors.length > 0 ? 'danger' : 'warning',
      seen,
      why: worst.message,
      cure: null,
    },
  ];
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** A call may take a sixth of a lease; what is usual should be far below, and what is rare below. */
const CALLS_OF_LEASE = 6;
const USUAL_MARGIN = 4;

/** A lease for which the slowest of a hundred round trips is a quarter of what a call may take; never below a second. */
export function safeLeaseMs(p99Ms: number, maxMs: number): number {
  const needed = Math.max(p99Ms * USUAL_MARGIN, maxMs) * CALLS_OF_LEASE;
  return Math.max(1000, Math.ceil(needed / 500) * 500);
}

function roundTrips({ samples: { rttMs }, plan }: RedisFacts): RedisFinding {
  const check = 'round-trip';
  if (rttMs.length === 0)
    return unknown(
      check,
      'no PING was answered',
      'Calls must be answered well within a lease.',
      'See the other findings.',
    );
  const [p50, p99, most] = [percentile(rttMs, 0.5), percentile(rttMs, 0.99), rttMs.at(-1) ?? 0];
  const callMs = plan.leaseMs / CALLS_OF_LEASE;
  const safe = safeLeaseMs(p99, most);
  const measured = `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}, longest ${milliseconds(most)} of ${rttMs.length}`;
  const seen = `${measured}; a call may take ${milliseconds(callMs)}; leases from ${safe} ms on, renewed every ${Math.floor(safe / 3)} ms, would have room`;
  const base = { check, seen };
  const cure = `--lease ${safe}ms --renew ${Math.floor(safe / 3)}ms, or a server nearer by.`;
  if (p99 >= callMs)
    return {
      ...base,
      severity: 'danger',
      why: 'Renewals will time out in ordinary operation, and terms end for nothing.',
      cure,
    };
  if (p99 * USUAL_MARGIN >= callMs || most >= callMs)
    return { ...base, severity: 'warning', why: 'A little more load, and renewals time out.', cure };
  return {
    ...base,
    severity: 'ok',
    why: `A lease of ${plan.leaseMs} ms leaves room for slow answers and a second try.`,
    cure: null,
  };
}

/** A jump of the server's clock that is more than how we measure it. */
const STEP_MS = 50;
const FAR_APART_MS = 60_000;

function clock(samples: readonly ClockSample[]): RedisFinding {
  const check = 'clock';
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length < 2)
    return unknown(
      check,
      'TIME was not answered',
      'Leases end by the clock of the server.',
      'Give the user +time.',
    );
  const moves = samples.slice(1).map((sample, index) => moveBetween(samples[index] ?? first, sample));
  const step = Math.max(...moves.map(({ beyondMs }) => beyondMs));
  // A step is no rate.
  const steady = moves.filter(({ beyondMs }) => beyondMs <= STEP_MS);
  const overMs = steady.reduce((sum, move) => sum + move.overMs, 0);
  const gained = steady.reduce((sum, move) => sum + move.gainedMs, 0);
  // The server tells microseconds; what is unsure is when within the round trip it read them.
  const unsureMs = first.uncertainMs + last.uncertainMs + 1;
  const offset = last.serverMs - last.wallMs;
  const rate = overMs === 0 ? 0 : gained / overMs;
  const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
  const seen = `${milliseconds(Math.abs(offset))} ${offset < 0 ? 'behind' : 'ahead of'} this machine's, rate ${percent(rate)} ± ${percent(unsureMs / Math.max(1, overMs))} over ${milliseconds(overMs)}`;
  const base = { check, seen };
  if (Math.abs(rate) - unsureMs / Math.max(1, overMs) > DRIFT)
    return {
      ...base,
      severity: 'danger',
      why: `The two clocks differ in rate by more than ${percent(DRIFT)}, which leases assume: a leader may believe for longer than its lease.`,
      cure: 'Look at time synchronisation (chronyc tracking) and at virtual machines that are starved, on both sides.',
    };
  if (step > STEP_MS)
    return {
      ...base,
      severity: 'warning',
      why: `The server's clock stepped by ${milliseconds(step)} while it was watched: a step forward may end leases early.`,
      cure: 'Have the clock slewed, not stepped (chrony: makestep only at the start).',
    };
  if (Math.abs(offset) > FAR_APART_MS)
    return {
      ...base,
      severity: 'note',
      why: 'Leases do not mind, for they compare no clocks; tokens and logs will look odd.',
      cure: 'Synchronise the clocks.',
    };
  return {
    ...base,
    severity: 'ok',
    why: 'Only its rate matters to leases, and that is as ours.',
    cure: null,
  };
}

interface Move {
  readonly overMs: number;
  /** How much the server's clock moved more than ours. */
  readonly gainedMs: number;
  /** How much of that, in either direction, cannot come from what is unsure. */
  readonly beyondMs: number;
}

function moveBetween(before: ClockSample, after: ClockSample): Move {
  const overMs = after.monotonicMs - before.monotonicMs;
  const gainedMs = after.serverMs - before.serverMs - overMs;
  return { overMs, gainedMs, beyondMs: Math.abs(gainedMs) - before.uncertainMs - after.uncertainMs };
}

function stalls({ stalls: asked, slowestMs, plan }: RedisFacts): RedisFinding[] {
  const check = 'stalls';
  const callMs = plan.leaseMs / CALLS_OF_LEASE;
  const why = 'While one command runs, or the server forks or waits for its disk, no renewal is answered.';
  const cure =
    'LATENCY DOCTOR and SLOWLOG GET tell what it was; avoid KEYS, large deletions, transparent huge pages and slow disks.';
  if ('refused' in asked && 'refused' in slowestMs)
    return [unknown(check, asked.refused, why, 'LATENCY LATEST and SLOWLOG GET, where they are allowed.')];
  const known = 'answer' in asked ? asked.answer : {};
  const slowest = 'answer' in slowestMs ? slowestMs.answer : 0;
  const parts = Object.entries(known).map(([event, ms]) => `${event} ${milliseconds(ms)}`);
  const worst = Math.max(slowest, ...Object.values(known));
  const seen = `${parts.length === 0 ? 'the latency monitor saw none (off, unless latency-monitor-threshold is set)' : `latency monitor: ${parts.join(', ')}`}; slowest command ${slowest === 0 ? 'not known' : milliseconds(slowest)}`;
  const severity = worst >= callMs ? 'warning' : 'ok';
  return [
    {
      check,
      severity,
      seen,
      why: severity === 'ok' ? `Nothing took as long as a call may (${milliseconds(callMs)}).` : why,
      cure: severity === 'ok' ? null : cure,
    },
  ];
}
