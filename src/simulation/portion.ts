import { SettingsError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { checkJournals } from './journal-check.ts';
import { mutants } from './mutants.ts';
import type { FixedOptions } from './run-options.ts';
import type { Mutant } from './simulated-store.ts';
import { runSeed, type RunRequest, type RunResult } from './simulation.ts';
import { storeKind } from './store-kinds.ts';
import { addTotals, emptyTotals, totalsOf, type Totals } from './totals.ts';

/** A few seeds. Plain data, so that it travels to a thread. */
export interface PortionRequest {
  /** Name of the kind of store. */
  readonly store: string;
  readonly fixed: FixedOptions;
  readonly firstSeed: number;
  readonly seeds: number;
  /** Name of a planted bug. */
  readonly mutant?: string | undefined;
  readonly toFirstFailure?: boolean;
  /** Journals of one seed in so many are verified and replayed; default 20. */
  readonly journalsEvery?: number;
}

const JOURNALS_EVERY = 20;

/** @throws SettingsError that lists what there is */
export function mutantCalled(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant !== undefined) return mutant;
  const known = mutants.map((each) => each.name);
  const near = nearest(name, known);
  throw new SettingsError(
    'SETTINGS_INVALID',
    `There is no planted bug "${name}"${near === null ? '.' : `; did you mean "${near}"?`} There are: ${known.join(', ')}.`,
  );
}

/** Runs a few seeds, one after the other, in this thread. */
export async function runPortion(request: PortionRequest): Promise<Totals> {
  const { store, fixed, firstSeed, seeds, mutant, journalsEvery = JOURNALS_EVERY } = request;
  const common = {
    store: storeKind(store),
    fixed,
    mutant: mutant === undefined ? undefined : mutantCalled(mutant),
  };
  let totals = emptyTotals();
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const looksAtJournals = seed % journalsEvery === 0;
    totals = addTotals(totals, await runOne({ ...common, seed }, looksAtJournals));
    if (request.toFirstFailure === true && totals.failures.length > 0) break;
  }
  return totals;
}

async function runOne(request: RunRequest, looksAtJournals: boolean): Promise<Totals> {
  const run = await runSeed(request);
  if (!looksAtJournals || run.violation !== null) return totalsOf(run, 0);
  const { violation, streams } = await checkJournals(run);
  return totalsOf({ ...run, violation } satisfies RunResult, streams);
}
