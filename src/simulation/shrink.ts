import type { PlannedFault } from './fault-plan.ts';
import { runSeed, type RunRequest, type RunResult } from './simulation.ts';

/** Most runs that shrinking may take. */
export const SHRINK_RUNS_MAX = 300;

/** The fewest faults that still break the promise. */
export interface Shrunk {
  readonly faults: readonly PlannedFault[];
  /** The run with these faults only. */
  readonly result: RunResult;
  readonly runs: number;
}

/**
 * Finds few faults of a failing run that break the same promise, by delta debugging (Zeller and Hildebrandt's ddmin).
 * It works since no fault's absence shifts what the others draw.
 */
export async function shrink(request: RunRequest, failing: RunResult): Promise<Shrunk> {
  const shrinker = new Shrinker(request, failing);
  await shrinker.run();
  return shrinker.shrunk;
}

class Shrinker {
  readonly #request: RunRequest;
  readonly #failing: RunResult;
  #faults: readonly PlannedFault[];
  #result: RunResult;
  #runs = 0;

  constructor(request: RunRequest, failing: RunResult) {
    this.#request = request;
    this.#failing = failing;
    this.#result = failing;
    const endMs = failing.violation?.atMs ?? Infinity;
    this.#faults = failing.faults.filter(({ atMs }) => atMs <= endMs);
  }

  get shrunk(): Shrunk {
    return { faults: this.#faults, result: this.#result, runs: this.#runs };
  }

  async run(): Promise<void> {
    let parts = 2;
    while (this.#faults.length > 0 && this.#runs < SHRINK_RUNS_MAX) {
      const size = Math.ceil(this.#faults.length / parts);
      if (await this.#withoutSome(size)) parts = Math.max(parts - 1, 2);
      else if (size === 1) return;
      else parts = Math.min(parts * 2, this.#faults.length);
    }
  }

  /** Leaves out `size` faults that do not matter; false if every so many do. */
  async #withoutSome(size: number): Promise<boolean> {
    for (let from = 0; from < this.#faults.length; from += size) {
      const rest = [...this.#faults.slice(0, from), ...this.#faults.slice(from + size)];
      this.#runs += 1;
      const run = await runSeed({ ...this.#request, only: new Set(rest.map(({ id }) => id)) });
      if (run.violation?.invariant !== this.#failing.violation?.invariant) continue;
      this.#faults = rest;
      this.#result = run;
      return true;
    }
    return false;
  }
}
