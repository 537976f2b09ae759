/** Whole elections under faults, from a seed, in virtual time: try your own timings. */
export { runCampaign, type CampaignRequest, type CampaignResult } from './campaign.ts';
export { MEMBER_FAULTS, type PlannedFault } from './fault-plan.ts';
export { huntMutants, type HuntOptions, type Quarry } from './hunt.ts';
export { checkJournals, type JournalCheck } from './journal-check.ts';
export { mutants } from './mutants.ts';
export { Random } from './random.ts';
export type * from './run-options.ts';
export { shrink, type Shrunk } from './shrink.ts';
export {
  simulateElection,
  type ElectionForecast,
  type SimulateElectionOptions,
} from './simulate-election.ts';
export type * from './simulated-store.ts';
export { runSeed, type RunRequest, type RunResult } from './simulation.ts';
export { chooseFaults, faultNames, storeKind, STORE_KINDS } from './store-kinds.ts';
export { percentile, type SeedFailure, type Totals } from './totals.ts';
export { INVARIANTS, Violation, type Invariant } from './violation.ts';
