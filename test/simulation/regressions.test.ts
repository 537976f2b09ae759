import { describe, expect, test } from 'vitest';
import { checkJournals, chooseFaults, runSeed, storeKind } from '../../src/simulation/index.ts';

/** Seeds that broke a promise once. What a seed draws may change; then they are seeds like any other. */
const BROKE: Readonly<Record<string, readonly (readonly [store: string, seed: number])[]>> = {
  'a member that asks and hears nothing won the lease again and again, so that nobody led': [
    ['redis', 29],
    ['redis', 45],
    ['redis', 68],
    ['redis', 99],
    ['redis', 2],
    ['redis', 64],
  ],
  'two primaries gave the same token, and what was watched of one grant counted for the other': [
    ['redis-replicated', 1_001_160],
  ],
};

describe.for(Object.entries(BROKE))('since then: %s', ([, seeds]) => {
  test.for(seeds)('over %s seed %i keeps every promise', async ([store, seed]) => {
    const kind = storeKind(store);
    const run = await runSeed({ seed, store: kind, fixed: { faults: chooseFaults(kind, 'all') } });
    expect(run.violation?.message).toBeUndefined();
    expect((await checkJournals(run)).violation?.message).toBeUndefined();
  });
});
