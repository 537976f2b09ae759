import { expect, test } from 'vitest';
import { trackRecord } from '../../scripts/track-record.ts';
import { trustPage } from '../../scripts/trust-page.ts';
import { readTrust } from '../../scripts/trust-record.ts';
import { mutants } from '../../src/simulation/index.ts';
import { STORE_KINDS } from '../../src/simulation/store-kinds.ts';
import { projectFiles, read } from '../project/repository.ts';

const record = readTrust();

test('docs/trust.md says what docs/trust.json holds: run `npm run generate`', async () => {
  expect(read('docs/trust.md')).toBe(await trustPage(record));
});

test('every kind of store and every planted bug is in it', () => {
  expect(Object.keys(record.campaigns).toSorted()).toEqual(STORE_KINDS.map(({ name }) => name).toSorted());
  const missing = mutants.filter(({ name }) => !(name in record.hunts)).map(({ name }) => name);
  expect(missing).toEqual([]);
});

test('the track record names tests that are there', () => {
  const files = projectFiles();
  expect(trackRecord.filter(({ heldBy }) => !files.includes(heldBy))).toEqual([]);
});
