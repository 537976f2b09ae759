import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { AUDIT_MAX } from '../../src/config/head-store.ts';
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

test('a shared configuration in a file keeps the last moves of each namespace, whatever the others do', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-head-'));
  const path = join(directory, 'config.db');
  const options = { signal: new AbortController().signal };
  const move = (before: string | null, head: string) =>
    ({ before, head, history: '', audit: `audit of ${head}`, content: null, drop: [] }) as const;
  try {
    await using quiet = sqliteHead({ path });
    await using busy = sqliteHead({ path, namespace: 'busy' });
    await quiet.swap(move(null, 'one'), options);
    {
      using database = new DatabaseSync(path);
      database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${AUDIT_MAX + 5})
        INSERT INTO audit (namespace, value) SELECT 'busy', 'audit of ' || i FROM n`);
    }
    await busy.swap(move(null, 'last'), options);
    await quiet.swap(move('one', 'two'), options);
    expect(await quiet.audit(options)).toEqual(['audit of two', 'audit of one']);
    const audit = await busy.audit(options);
    expect(audit).toHaveLength(AUDIT_MAX);
    expect(audit[0]).toBe('audit of last');
  } finally {
    await rm(directory, { recursive: true });
  }
});
