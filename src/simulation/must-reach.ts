import { MEMBER_FAULTS } from './fault-plan.ts';
import type { StoreKind } from './simulated-store.ts';
import type { Totals } from './totals.ts';

/** Seeds from which on a campaign with all faults must have tried everything. */
export const REACH_SEEDS = 500;

/** What members must have met in a campaign, by the names of its `sometimes` counters. What a store must is its own. */
export const MEMBERS_MUST_REACH: readonly string[] = [
  'disk-full',
  'executed-reply-lost',
  'journal-failed',
  'leader-crashed',
  'leader-frozen-past-its-lease',
  'lost-expired',
  'lost-released',
  'lost-stopped',
  'renewed-after-unknown-outcome',
  'request-repeated',
  'stale-token-refused',
  'store-refused',
  'term-restored',
  'waited-dataLoss',
  'waited-firstTerm',
  'waited-journalFailed',
  'waited-resigned',
];

/** What a campaign with all faults over this store was meant to try and has not. */
export function unreached(store: StoreKind, { sometimes, faults }: Totals): readonly string[] {
  const events = [...MEMBERS_MUST_REACH, ...store.mustReach].filter((what) => (sometimes[what] ?? 0) === 0);
  const missing = Object.keys(MEMBER_FAULTS).filter((name) => (faults[name] ?? 0) === 0);
  return [...events, ...missing.map((name) => `fault ${name}`)];
}
