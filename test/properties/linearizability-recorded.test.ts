import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLeaderElection } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { LeaseHistory } from '../../src/simulation/linearizability-history.ts';
import { checkLeaseHistory } from '../../src/simulation/linearizability.ts';
import { protocolMutants } from '../../src/simulation/mutants-protocol.ts';
import type { Protocol, StoreKind } from '../../src/simulation/simulated-store.ts';
import { runSeed } from '../../src/simulation/simulation.ts';
import { faultNames, storeKind } from '../../src/simulation/store-kinds.ts';
import { sqliteLeases } from '../../src/sqlite.ts';

const SEEDS = 15;
const SEEDS_MAX = 60;

/** What the members of one simulated run asked, and were told, in true time. */
async function simulated(
  seed: number,
  kind: StoreKind,
  protocol: Partial<Protocol> = {},
): Promise<LeaseHistory> {
  const history = new LeaseHistory();
  let clock: VirtualClock | null = null;
  const store: StoreKind = {
    ...kind,
    create: (options) => {
      clock = options.clock;
      return kind.create(options);
    },
  };
  // A server's clock that steps forward is beyond what stores promise.
  const faults = faultNames(kind).filter((name) => name !== 'clock-step-forward');
  const recorder = {
    name: 'recorder',
    planted: 'Nothing: it only looks.',
    seeds: 1,
    protocol,
    member: {
      leases: (leases: Parameters<LeaseHistory['recording']>[0]) =>
        history.recording(leases, clock as VirtualClock),
    },
  };
  await runSeed({ seed, store, fixed: { faults }, mutant: recorder });
  return history;
}

describe('histories of simulated clusters under faults', () => {
  test.for(['plain', 'redis', 'redis-replicated'])(
    'are such as one lease can give, over the store %s',
    async (name) => {
      let operations = 0;
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const history = await simulated(seed, storeKind(name));
        const { violation, undecided } = checkLeaseHistory(history.operations);
        expect(violation?.message ?? null, `seed ${seed}`).toBeNull();
        expect(undecided).toEqual([]);
        expect(history.overflowed).toBe(0);
        operations += history.operations.length;
      }
      expect(operations).toBeGreaterThan(100 * SEEDS);
    },
  );

  test.for(['no-quarantine', 'ends-early', 'renewed-in-word-only', 'bare-increment'])(
    'are refused if the store has the planted bug %s',
    async (name) => {
      const mutant = protocolMutants.find((each) => each.name === name);
      for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
        const history = await simulated(seed, storeKind('redis'), mutant?.protocol);
        if (checkLeaseHistory(history.operations).violation !== null) return;
      }
      expect.fail(`not one of ${SEEDS_MAX} histories was refused`);
    },
  );
});

test('the history of elections over a real file is one that a single lease has given, answer for answer', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-history-'));
  const history = new LeaseHistory();
  const stores = ['a', 'b', 'c'].map(() => sqliteLeases({ path: join(directory, 'leases.db') }));
  const elections = stores.map((store, n) =>
    createLeaderElection({
      resource: 'r',
      candidateId: `m${n}`,
      leases: history.recording(store, systemClock),
      leaseDurationMs: 600,
      renewIntervalMs: 150,
      unsafeFastLease: true,
    }),
  );
  try {
    const led: string[] = [];
    const ledBy = (count: number) =>
      expect.poll(() => led.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(count);
    for (const election of elections) election.on('becameLeader', () => led.push(election.candidateId));
    await Promise.all(elections.map((election) => election.start()));
    for (let terms = 1; terms <= 3; terms += 1) {
      await ledBy(terms);
      await elections.find(({ isLeader }) => isLeader)?.resign();
    }
    await ledBy(4);
  } finally {
    await Promise.all(elections.map((election) => election.stop()));
    await Promise.all(stores.map((store) => store.close()));
    await rm(directory, { recursive: true });
  }
  expect(history.operations.length).toBeGreaterThan(10);
  const { violation, undecided } = checkLeaseHistory(history.operations, { judged: 'all' });
  expect(violation?.message ?? null).toBeNull();
  expect(undecided).toEqual([]);
});
