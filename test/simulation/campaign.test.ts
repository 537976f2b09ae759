import { describe, expect, test } from 'vitest';
import { chooseFaults, runCampaign, storeKind } from '../../src/simulation/index.ts';
import { unreached } from '../../src/simulation/must-reach.ts';

/** Seeds of each kind of store: over two thousand in all. `SEEDS=20` is twenty times as many. */
const TIMES = Number(process.env['SEEDS'] ?? 1);
const CAMPAIGNS: Readonly<Record<string, number>> = {
  redis: 700,
  'redis-replicated': 700,
  sqlite: 500,
  plain: 150,
};

describe('whatever befalls the members, their clocks, links and disks, and the store', () => {
  test.for(Object.entries(CAMPAIGNS))(
    'over %s every promise holds, and everything that is meant to be tried happens',
    { timeout: 600_000 * TIMES },
    async ([store, seeds]) => {
      const kind = storeKind(store);
      const fixed = { faults: chooseFaults(kind, 'all') };
      const result = await runCampaign({ store, fixed, firstSeed: 1, seeds: seeds * TIMES });
      expect(result.failures.map(({ seed, message }) => `seed ${seed}: ${message}`)).toEqual([]);
      if (seeds >= 500) expect(unreached(kind, result)).toEqual([]);
      expect(result.journals).toBeGreaterThan(seeds / 20);
    },
  );
});
