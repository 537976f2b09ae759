import type { PortionRequest } from './portion.ts';
import { Threads } from './threads.ts';
import { addTotals, emptyTotals, type SeedFailure, type Totals } from './totals.ts';

/**
 * Many seeds, on several threads. A campaign fails if a promise broke, and also if something that it is meant to try
 * never happened (`must-reach.ts`): then it has proved nothing about it.
 */
export interface CampaignRequest extends Omit<PortionRequest, 'toFirstFailure'> {
  /** Whether to go on after a failure; default true. */
  readonly all?: boolean;
  /** Default as many as there are cores, four at most. */
  readonly threads?: number | undefined;
}

/** What all seeds of a campaign came to. */
export interface CampaignResult extends Totals {
  /** The failing seed with the lowest number. */
  readonly failure: SeedFailure | null;
}

/** Seeds that a thread takes at once. */
const PORTION = 5;

/** Runs the seeds `firstSeed … firstSeed + seeds - 1`. */
export async function runCampaign(request: CampaignRequest): Promise<CampaignResult> {
  const { all = true, threads, ...asked } = request;
  await using pool = new Threads(threads);
  let next = asked.firstSeed;
  let totals = emptyTotals();
  const take = (): PortionRequest | null => {
    const left = asked.firstSeed + asked.seeds - next;
    if (left <= 0 || (!all && totals.failures.length > 0)) return null;
    const portion = { ...asked, firstSeed: next, seeds: Math.min(PORTION, left) };
    next += portion.seeds;
    return portion;
  };
  await pool.work(take, (_, some) => (totals = addTotals(totals, some)));
  const failures = totals.failures.toSorted((a, b) => a.seed - b.seed);
  return { ...totals, failures, failure: failures[0] ?? null };
}
