import { resolveTimings } from '../../machines/index.ts';
import { ConclaveError } from '../errors.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { Cluster } from './cluster.ts';
import { planFaults, type PlannedFault } from './fault-plan.ts';
import { isolated } from './isolation.ts';
import { Judge, type Tally } from './judge.ts';
import { Random } from './random.ts';
import { recovery, type Goal } from './recovery.ts';
import { drawOptions, type FixedOptions, type RunOptions } from './run-options.ts';
import { RunTrace, type SimulatedJournals } from './simulated-journal.ts';
import { shippedProtocol, type Mutant, type StoreKind } from './simulated-store.ts';
import { Violation } from './violation.ts';

/**
 * One run: a cluster of members that run the shipped code, from one seed, with faults and then without.
 *
 * It guarantees that the seed decides everything: nothing in it reads real time or randomness (`isolation.ts`), each
 * purpose draws from a stream of its own (`random.ts`), what is due at one instant goes in an order drawn from the
 * seed. The same seed gives the same journals, byte for byte, on every machine.
 */
export interface RunRequest {
  readonly seed: number;
  readonly store: StoreKind;
  readonly fixed: FixedOptions;
  readonly mutant?: Mutant | undefined;
  /** Numbers of the planned faults to keep; default all. */
  readonly only?: ReadonlySet<number> | undefined;
}

/** What one seed came to. */
export interface RunResult {
  readonly seed: number;
  readonly options: RunOptions;
  readonly faults: readonly PlannedFault[];
  readonly violation: Violation | null;
  readonly tally: Tally;
  /** True milliseconds that passed. */
  readonly simulatedMs: number;
  readonly steps: number;
  readonly records: number;
  /** Digest of all records in the order they were made. */
  readonly digest: string;
  /** How long it took, with faults over, until somebody led; null if it did not come to that. */
  readonly recoveredMs: number | null;
  /** The journals of all processes there were. */
  readonly journals: Pick<SimulatedJournals, 'names' | 'streams' | 'read'>;
}

/** Runs one seed to its end, or to the first promise that is broken. The same request gives the same result. */
export async function runSeed(request: RunRequest): Promise<RunResult> {
  const run = new Run(request);
  try {
    await isolated(
      () => run.step(),
      () => run.wallMs,
    );
  } catch (error) {
    run.fail(error);
  }
  return run.result();
}

class Run {
  readonly #request: RunRequest;
  readonly #options: RunOptions;
  readonly #faults: readonly PlannedFault[];
  readonly #clock: VirtualClock;
  readonly #judge: Judge;
  readonly #cluster: Cluster;
  readonly #trace = new RunTrace();
  #nextFault = 0;
  #steps = 0;
  #recovery: Generator<Goal, void, void> | null = null;
  #goal: (Goal & { readonly byMs: number }) | null = null;
  #recoveredMs: number | null = null;
  #violation: Violation | null = null;

  constructor(request: RunRequest) {
    const { seed, store, mutant, only, fixed } = request;
    const driftPpm = mutant?.member?.driftPpm ?? fixed.driftPpm;
    this.#request = request;
    this.#options = drawOptions(seed, { ...fixed, driftPpm });
    this.#faults = planFaults(this.#options, only);
    this.#clock = new VirtualClock({ seed });
    this.#judge = new Judge(this.#clock, () => model.limit);
    const model = store.create({
      clock: this.#clock,
      random: new Random(seed).fork('store'),
      protocol: { ...shippedProtocol, ...mutant?.protocol },
      leaseMs: resolveTimings(this.#options.timings).leaseMs,
      sometimes: this.#judge.sometimes,
    });
    this.#cluster = new Cluster({
      clock: this.#clock,
      options: this.#options,
      model,
      judge: this.#judge,
      trace: this.#trace,
      mutation: mutant?.member ?? {},
    });
    this.#cluster.start();
  }

  get wallMs(): number {
    return this.#clock.wallMs();
  }

  /** One timer and whatever comes of it; false when the run is over. */
  step(): boolean {
    this.#judge.check();
    return this.#advance();
  }

  fail(error: unknown): void {
    this.#violation = this.#asViolation(error);
  }

  result(): RunResult {
    return {
      seed: this.#request.seed,
      options: this.#options,
      faults: this.#faults,
      violation: this.#violation,
      tally: this.#judge.tally,
      simulatedMs: this.#clock.nowMs,
      steps: this.#steps,
      records: this.#trace.records,
      digest: this.#trace.digest,
      recoveredMs: this.#recoveredMs,
      journals: this.#cluster.journals,
    };
  }

  #advance(): boolean {
    this.#steps += 1;
    const next = this.#clock.nextMs ?? Infinity;
    if (this.#goal !== null && (this.#goal.reached() || next > this.#goal.byMs)) return this.#nextGoal();
    const fault = this.#faults[this.#nextFault];
    if (fault !== undefined && fault.atMs <= next) {
      this.#nextFault += 1;
      this.#clock.runUntil(fault.atMs);
      this.#judge.sometimes(`fault-${fault.name}`);
      this.#cluster.apply(fault);
      return true;
    }
    const { faultyMs } = this.#options;
    if (this.#recovery === null && next > faultyMs) {
      this.#clock.runUntil(faultyMs);
      this.#judge.stopCounting();
      return this.#nextGoal();
    }
    this.#clock.runNext();
    return true;
  }

  #nextGoal(): boolean {
    const goal = this.#goal;
    const now = this.#clock.nowMs;
    if (goal !== null && !goal.reached()) {
      const waited = `after ${Math.round(goal.withinMs)} ms it has not come true that ${goal.what}`;
      throw new Violation(goal.invariant, now, `${waited}:\n${this.#cluster.describe()}`);
    }
    if (goal !== null) this.#recoveredMs ??= now - this.#options.faultyMs;
    this.#recovery ??= recovery(this.#cluster, this.#judge, new Random(this.#request.seed).fork('recovery'));
    const { value, done } = this.#recovery.next();
    if (done === true) return false;
    this.#goal = { ...value, byMs: now + value.withinMs };
    return true;
  }

  #asViolation(error: unknown): Violation {
    if (error instanceof Violation) return error;
    const { nowMs } = this.#clock;
    const ambient = error instanceof ConclaveError && error.code === 'IMPURE_TRANSITION';
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return new Violation(ambient ? 'pure-simulation' : 'member-runs', nowMs, told);
  }
}
