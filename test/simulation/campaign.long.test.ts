import { expect, test } from 'vitest';
import { chooseFaults, runCampaign, storeKind } from '../../src/simulation/index.ts';
import { unreached } from '../../src/simulation/must-reach.ts';

/** Seeds that no other test runs. */
const FIRST_SEED = 1_000_001;
const SEEDS = Number(process.env['SEEDS'] ?? 3000);

test.for(['redis', 'redis-replicated', 'sqlite'])(
  `over %s every promise holds in ${SEEDS} further seeds`,
  async (store) => {
    const kind = storeKind(store);
    const fixed = { faults: chooseFaults(kind, 'all') };
    const result = await runCampaign({ store, fixed, firstSeed: FIRST_SEED, seeds: SEEDS });
    expect(result.failures.map(({ seed, message }) => `seed ${seed}: ${message}`)).toEqual([]);
    expect(unreached(kind, result)).toEqual([]);
  },
);
