import { expect, test } from 'vitest';
import { huntMutants, mutants } from '../../src/simulation/index.ts';

test('every planted bug is found within its budget of seeds', { timeout: 600_000 }, async () => {
  expect(mutants.length).toBeGreaterThanOrEqual(20);
  const quarries = await huntMutants();
  const survivors = quarries.filter(({ found }) => found === null);
  expect(survivors.map(({ mutant }) => `${mutant.name}: ${mutant.planted}`)).toEqual([]);
});
