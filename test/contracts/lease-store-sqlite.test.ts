import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LeaseStore } from '../../src/lease/lease-store.ts';
import { sqliteLeases } from '../../src/sqlite.ts';
import { leaseStoreContract } from './lease-store.contract.ts';

leaseStoreContract({
  name: 'sqlite',
  leaseMs: 300,
  create: async ({ freshStore }) => {
    const directory = await mkdtemp(join(tmpdir(), 'conclave-leases-'));
    const path = join(directory, 'leases.db');
    const stores: LeaseStore[] = [];
    const open = () => {
      const store = sqliteLeases({ path, freshStore });
      stores.push(store);
      return store;
    };
    // Two are opened beforehand, so that no test measures how long a thread takes to start.
    const [store, another] = [open(), open()];
    const { signal } = new AbortController();
    await Promise.all(stores.map((each) => each.read('warm-up', { signal })));
    const unused = [another];
    return {
      store,
      anotherMember: () => unused.pop() ?? open(),
      advance: async (ms) => {
        await sleep(Math.ceil(ms));
      },
      nowMs: () => performance.now(),
      loseData: () => rm(path),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(stores.map((each) => each.close()));
        await rm(directory, { recursive: true });
      },
    };
  },
});
