import { describe, expect, test } from 'vitest';
import type { JournalRecord, LeaseStore } from '../../src/index.ts';
import { chainAfter } from '../../src/journal/index.ts';
import {
  checkJournals,
  chooseFaults,
  INVARIANTS,
  runSeed,
  storeKind,
  type Invariant,
  type MemberMutation,
  type RunResult,
} from '../../src/simulation/index.ts';

import { ProtectedResource } from '../../src/simulation/protected-resource.ts';

const never = new Promise<never>(() => {});
const changed = (leases: LeaseStore, change: Partial<LeaseStore>): LeaseStore => ({
  ...leases,
  [Symbol.asyncDispose]: () => leases.close(),
  ...change,
});

/** Members that break a promise in their own way; planted bugs of the shipped rules are in `mutants.test.ts`. */
const BREAKING: Readonly<Partial<Record<Invariant, MemberMutation>>> = {
  'one-believer': {
    leases: (leases) =>
      changed(leases, {
        acquire: async (...asked) => {
          const reply = await leases.acquire(...asked);
          return reply.kind === 'held' ? { kind: 'won', token: reply.token + 1n, term: 1 } : reply;
        },
      }),
  },
  'no-early-grant': { believes: () => true },
  'stops-before-expiry': {
    event: (event) => (event.type === 'lease.renewed' ? { ...event, guardMs: -1e6 } : event),
    leases: (leases) => changed(leases, { renew: async () => ({ kind: 'renewed', restored: false }) }),
  },
  'signal-tells': { believes: () => false },
  'member-runs': {
    event: (event) => {
      if (event.type === 'lease.renewed') throw new Error('planted');
      return event;
    },
  },
  recovers: { leases: (leases) => changed(leases, { acquire: () => never }) },
  'taken-over': {
    event: (event, { actor }) =>
      event.type === 'lease.acquired' && actor.getSnapshot().context.attempt > 1 ? null : event,
  },
  'stops-in-time': { event: (event) => (event.type === 'stop' ? null : event) },
};

/** A run whose journals hold something else. */
function withRecords(run: RunResult, change: (records: JournalRecord[]) => JournalRecord[]): RunResult {
  const { journals } = run;
  const read = async function* (stream: string) {
    const records: JournalRecord[] = [];
    for await (const record of journals.read(stream)) records.push(record);
    yield* change(records);
  };
  return { ...run, journals: { names: journals.names, streams: () => journals.streams(), read } };
}

const elsewhere = (record: JournalRecord | undefined): JournalRecord => ({
  ...(record as JournalRecord),
  to: 'stopped',
});

/** With a chain that hides the change. */
function chained(records: readonly JournalRecord[]): JournalRecord[] {
  const linked: JournalRecord[] = [];
  for (const record of records) {
    const last = linked.at(-1);
    linked.push(last === undefined ? record : { ...record, prev: chainAfter(last) });
  }
  return linked;
}

describe('the judge', () => {
  test.for(Object.entries(BREAKING))('sees that this is broken: %s', async ([invariant, member]) => {
    const kind = storeKind('redis');
    const mutant = { name: invariant, planted: '', seeds: 20, member };
    const seen = new Set<string>();
    for (let seed = 1; seed <= mutant.seeds && !seen.has(invariant); seed++) {
      const faults = seed % 2 === 0 ? chooseFaults(kind, 'all') : [];
      const { violation } = await runSeed({ seed, store: kind, fixed: { faults }, mutant });
      if (violation !== null) seen.add(violation.invariant);
    }
    expect([...seen]).toContain(invariant);
  });

  test('says of members that wait for ever what each of them is at', async () => {
    const member = { leases: (leases: LeaseStore) => changed(leases, { acquire: () => never }) };
    const mutant = { name: 'silent', planted: '', seeds: 1, member };
    const { violation } = await runSeed({
      seed: 1,
      store: storeKind('redis'),
      fixed: { nodes: 2, faults: [] },
      mutant,
    });
    expect(violation?.message).toMatch(
      /leads:\n {2}m0-\w+ is .*backingOff.*failures in a row; link fine\n {2}m1-/,
    );
  });

  test('sees that a journal lacks a record, and that one was changed', async () => {
    const run = await runSeed({ seed: 1, store: storeKind('redis'), fixed: { nodes: 2, faults: [] } });
    expect((await checkJournals(run)).violation).toBeNull();
    const cut = await checkJournals(withRecords(run, (records) => records.toSpliced(3, 1)));
    expect(cut.violation?.invariant).toBe('journals-verify');
    const other = await checkJournals(
      withRecords(run, (records) => chained(records.with(4, elsewhere(records[4])))),
    );
    expect(other.violation?.invariant).toBe('journals-replay');
  });

  test('has the resource refuse what a former leader writes, and one token used by two', () => {
    const resource = new ProtectedResource();
    expect(resource.write({ token: 5n, by: 'a' })).toBe(true);
    expect(resource.write({ token: 7n, by: 'b' })).toBe(true);
    expect(resource.write({ token: 5n, by: 'a' })).toBe(false);
    expect(() => resource.write({ token: 7n, by: 'c' })).toThrow(/token 7 that b wrote with/);
  });

  test('says of each promise what it is', () => {
    for (const text of Object.values(INVARIANTS)) expect(text).toMatch(/^[A-Z].*[^.]$/);
  });
});
