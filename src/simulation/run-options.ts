import type { TimingOptions } from '../../machines/index.ts';
import { Random } from './random.ts';

/**
 * What one seed comes to before anything happens. Each seed draws its own cluster, timings, links and probabilities
 * ("swarm"): a campaign over many seeds meets combinations that no fixed choice of them would.
 */
export interface RunOptions {
  readonly seed: number;
  readonly members: readonly MemberOptions[];
  readonly timings: TimingOptions;
  /** How long faults happen, in true milliseconds; then comes the time to recover. */
  readonly faultyMs: number;
  readonly link: LinkOptions;
  readonly faults: FaultOptions;
  readonly disk: DiskOptions;
  /** Mean time between two writes of a leader to the protected resource. */
  readonly workEveryMs: number;
  /** Whether running work takes its time to settle when a term ends. */
  readonly slowWork: boolean;
}

/** The clocks of one simulated member. */
export interface MemberOptions {
  /** How much faster than true time its clocks run. */
  readonly driftPpm: number;
  /** How far its wall clock is ahead. */
  readonly offsetMs: number;
}

/** What every message meets, faults apart. */
export interface LinkOptions {
  readonly meanDelayMs: number;
  readonly loss: number;
  readonly duplicates: number;
  readonly hintLoss: number;
  /** Whether a link that is cut says so (connection refused), or swallows requests. */
  readonly refuses: boolean;
}

/** Which faults a run draws, how often and for how long. */
export interface FaultOptions {
  /** How often each fault is drawn, relative to the others; those that this run does without are missing. */
  readonly weights: Readonly<Record<string, number>>;
  readonly everyMs: number;
  /** How long those that last do so, on average. */
  readonly meanMs: number;
  /** How many of the faults of members hit whoever leads. */
  readonly atLeader: number;
}

/** What the journals of simulated members are written to. */
export interface DiskOptions {
  /** `memory`: nothing to wait for. `disk`: the shipped durable writer over a disk that takes its time. */
  readonly kind: 'memory' | 'disk';
  readonly meanDelayMs: number;
  readonly onFailure: 'continue' | 'stop';
}

/** What a caller may fix; the rest is drawn. */
export interface FixedOptions {
  readonly nodes?: number | undefined;
  readonly forMs?: number | undefined;
  readonly timings?: TimingOptions | undefined;
  /** Which faults may happen. */
  readonly faults: readonly string[];
  /** Mean time between two faults; then all of them are equally likely, instead of some drawn. */
  readonly faultEveryMs?: number | undefined;
  readonly meanDelayMs?: number | undefined;
  readonly driftPpm?: { readonly from: number; readonly to: number } | undefined;
}

const TIMINGS: readonly TimingOptions[] = [
  { leaseDurationMs: 15_000, renewIntervalMs: 5000 },
  { leaseDurationMs: 15_000, renewIntervalMs: 2000, renewDeadlineMs: 10_000 },
  { leaseDurationMs: 10_000, renewIntervalMs: 3000 },
  { leaseDurationMs: 30_000, renewIntervalMs: 10_000 },
  { leaseDurationMs: 30_000, renewIntervalMs: 15_000 },
  { leaseDurationMs: 3000, renewIntervalMs: 1000 },
  { leaseDurationMs: 6000, renewIntervalMs: 1500, gracePeriodMs: 2000 },
  { leaseDurationMs: 15_000, renewIntervalMs: 5000, gracePeriodMs: 5000 },
];

/** The promise is 1 % between two clocks. */
const DRIFT_PPM = 5000;
const NODES_MAX_DRAWN = 5;

/** What a seed decides of a run that was not fixed. The same seed draws the same. */
export function drawOptions(seed: number, fixed: FixedOptions): RunOptions {
  const random = new Random(seed).fork('options');
  const timings = fixed.timings ?? random.fork('timings').pick(TIMINGS);
  const leaseMs = timings.leaseDurationMs ?? 15_000;
  const size = random.fork('size');
  const nodes = fixed.nodes ?? 2 + size.below(NODES_MAX_DRAWN - 1);
  const members = Array.from({ length: nodes }, (_, i) => drawMember(random.fork(`member/${i}`), fixed));
  const work = random.fork('work');
  return {
    seed,
    members,
    timings,
    faultyMs: fixed.forMs ?? leaseMs * random.fork('length').between(10, 40),
    link: drawLink(random.fork('link'), leaseMs, fixed),
    faults: drawFaults(random.fork('faults'), fixed, leaseMs),
    disk: drawDisk(random.fork('disk'), leaseMs),
    workEveryMs: leaseMs * work.between(0.05, 0.5),
    slowWork: work.chance(0.3),
  };
}

function drawMember(random: Random, { driftPpm }: FixedOptions): MemberOptions {
  const { from, to } = driftPpm ?? { from: -DRIFT_PPM, to: DRIFT_PPM };
  // The ends are where it matters.
  const drift = random.chance(0.3) ? random.pick([from, to]) : random.between(from, to);
  const offsetMs = random.chance(0.5) ? 0 : Math.round(random.between(-3_600_000, 3_600_000));
  return { driftPpm: Math.round(drift), offsetMs };
}

function drawLink(random: Random, leaseMs: number, { meanDelayMs }: FixedOptions): LinkOptions {
  // From one host to across the ocean, at times as slow as it may be.
  const drawn = random.pick([0.3, 1, 5, 30, 150, leaseMs / 30]);
  return {
    meanDelayMs: meanDelayMs ?? drawn,
    loss: random.chance(0.5) ? 0 : random.between(0, 0.1),
    duplicates: random.chance(0.5) ? 0 : random.between(0, 0.3),
    hintLoss: random.chance(0.5) ? 0 : random.pick([0.1, 0.5, 1]),
    refuses: random.chance(0.5),
  };
}

function drawFaults(random: Random, fixed: FixedOptions, leaseMs: number): FaultOptions {
  const weights: Record<string, number> = {};
  for (const name of fixed.faults) {
    const own = random.fork(name);
    if (fixed.faultEveryMs !== undefined) weights[name] = 1;
    else if (own.chance(0.6)) weights[name] = own.between(0.2, 1);
  }
  const everyMs = leaseMs * random.between(0.4, 3);
  return {
    weights,
    everyMs: fixed.faultEveryMs ?? everyMs,
    meanMs: leaseMs * random.between(0.2, 1.2),
    atLeader: random.between(0.3, 0.95),
  };
}

/** A disk that is often slower than a record may take leaves its member unfit to lead: that is a fault, and drawn as one. */
function drawDisk(random: Random, leaseMs: number): DiskOptions {
  return {
    kind: random.chance(0.1) ? 'disk' : 'memory',
    meanDelayMs: Math.min(random.pick([1, 30, 300]), leaseMs / 60),
    onFailure: random.chance(0.5) ? 'continue' : 'stop',
  };
}
