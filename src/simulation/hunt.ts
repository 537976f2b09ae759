import { mutants } from './mutants.ts';
import type { PortionRequest } from './portion.ts';
import type { Mutant } from './simulated-store.ts';
import { chooseFaults, storeKind } from './store-kinds.ts';
import { Threads } from './threads.ts';
import type { SeedFailure } from './totals.ts';

/** What came of looking for a planted bug. */
export interface Quarry {
  readonly mutant: Mutant;
  /** How many seeds it took, the one that found it included; its budget if none did. */
  readonly seeds: number;
  /** What found it; null if it survived, which means that the simulator does not see what the rule is for. */
  readonly found: SeedFailure | null;
}

/** Which planted bugs to hunt, and with which seeds. */
export interface HuntOptions {
  /** Default all of them. */
  readonly mutants?: readonly Mutant[];
  readonly firstSeed?: number;
  readonly threads?: number | undefined;
}

/** Runs each planted bug until a seed finds it, or its budget is spent. */
export async function huntMutants(options: HuntOptions = {}): Promise<readonly Quarry[]> {
  const { mutants: wanted = mutants, firstSeed = 1, threads } = options;
  await using pool = new Threads(threads);
  // The long ones first, so that no thread is left alone with one at the end.
  const waiting = wanted.toSorted((a, b) => b.seeds - a.seeds).values();
  const quarries: Quarry[] = [];
  const take = () => {
    const { value } = waiting.next();
    return value === undefined ? null : portionFor(value, firstSeed);
  };
  await pool.work(take, (portion, { seeds, failures: [found = null] }) => {
    const mutant = wanted.find(({ name }) => name === portion.mutant);
    if (mutant !== undefined) quarries.push({ mutant, seeds, found });
  });
  return wanted.flatMap((mutant) => quarries.find((each) => each.mutant === mutant) ?? []);
}

function portionFor({ name, store = 'redis', seeds }: Mutant, firstSeed: number): PortionRequest {
  const faults = chooseFaults(storeKind(store), 'all');
  return {
    store,
    fixed: { faults },
    firstSeed,
    seeds,
    mutant: name,
    toFirstFailure: true,
    journalsEvery: Infinity,
  };
}
