import { describe, expect, test } from 'vitest';
import type { LeaseStore } from '../../src/index.ts';
import {
  chooseFaults,
  INVARIANTS,
  runSeed,
  storeKind,
  type Invariant,
  type MemberMutation,
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
