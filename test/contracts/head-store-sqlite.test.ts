import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteHead } from '../../src/sqlite.ts';
import { headStoreContract } from './head-store.contract.ts';

headStoreContract({
  name: 'sqlite',
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conclave-head-'));
    const path = join(directory, 'config.db');
    const [store, another] = [sqliteHead({ path }), sqliteHead({ path })];
    const foreign = sqliteHead({ path, namespace: 'other' });
    return {
      store,
      another,
      foreign,
      async [Symbol.asyncDispose]() {
        await Promise.all([store, another, foreign].map((each) => each.close()));
        await rm(directory, { recursive: true });
      },
    };
  },
});
