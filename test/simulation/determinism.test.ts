import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { checkJournals, chooseFaults, runSeed, storeKind } from '../../src/simulation/index.ts';
import { root } from '../project/repository.ts';

const STORES = ['redis', 'redis-replicated', 'sqlite'];

async function inThisProcess(store: string, seed: number) {
  const kind = storeKind(store);
  const run = await runSeed({ seed, store: kind, fixed: { faults: chooseFaults(kind, 'all') } });
  const { digest } = await checkJournals(run);
  return { digest: run.digest, journalsDigest: digest };
}

function inAnother(store: string, seed: number) {
  const args = ['src/cli/main.ts', 'simulate', '--json', '--store', store, '--seed', String(seed)];
  const { stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    // What a process knows of itself must not matter.
    env: { ...process.env, NODE_ENV: 'development', POD_NAME: `pod-${seed}`, TZ: 'Asia/Tokyo' },
  });
  const { digest, journalsDigest } = JSON.parse(stdout) as Record<string, string>;
  return { digest, journalsDigest };
}

describe('a seed', () => {
  test.for(STORES)(
    'gives the same journals over %s, byte for byte, twice and in two processes',
    async (store) => {
      const seed = 17;
      const once = await inThisProcess(store, seed);
      expect(await inThisProcess(store, seed)).toEqual(once);
      expect(inAnother(store, seed)).toEqual(once);
    },
  );

  test('gives the same journals whatever ran before it', async () => {
    const alone = await inThisProcess('redis', 5);
    for (const seed of [6, 7, 8]) await inThisProcess('redis-replicated', seed);
    expect(await inThisProcess('redis', 5)).toEqual(alone);
  });

  test('gives another run than the next seed', async () => {
    const [one, other] = [await inThisProcess('redis', 5), await inThisProcess('redis', 6)];
    expect(one.digest).not.toBe(other.digest);
    expect(one.journalsDigest).not.toBe(other.journalsDigest);
  });

  test('draws for each fault by itself: leaving one out leaves the plan of the others as it is', async () => {
    const kind = storeKind('redis');
    const request = { seed: 9, store: kind, fixed: { faults: chooseFaults(kind, 'all') } };
    const { faults } = await runSeed(request);
    const [first, ...others] = faults;
    expect(first).toBeDefined();
    const only = new Set(others.map(({ id }) => id));
    expect((await runSeed({ ...request, only })).faults).toEqual(others);
  });
});
