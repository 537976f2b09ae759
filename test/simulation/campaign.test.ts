import { describe, expect, test } from 'vitest';
import { chooseFaults, runCampaign, storeKind } from '../../src/simulation/index.ts';

/**
 * Seeds of each kind of store. `SEEDS=20` is twenty times as many; thousands of others are tried, and all that is meant to
 * be reached is, in `campaign.long.test.ts`.
 */
const TIMES = Number(process.env['SEEDS'] ?? 1);
const CAMPAIGNS: Readonly<Record<string, number>> = {
  redis: 300,
  'redis-replicated': 300,
  sqlite: 200,
  plain: 100,
};

describe('whatever befalls the members, their clocks, links and disks, and the store', () => {
  test.for(Object.entries(CAMPAIGNS))(
    'over %s every promise holds',
    { timeout: 600_000 * TIMES },
    async ([store, seeds]) => {
      const kind = storeKind(store);
      const fixed = { faults: chooseFaults(kind, 'all') };
      const result = await runCampaign({ store, fixed, firstSeed: 1, seeds: seeds * TIMES });
      expect(result.failures.map(({ seed, message }) => `seed ${seed}: ${message}`)).toEqual([]);
      expect(result.journals).toBeGreaterThan(seeds / 20);
    },
  );
});
