import { describe, expect, it } from 'vitest';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import {
  decideAcquire,
  decideRelease,
  decideRenew,
  type StoreMoment,
} from '../../src/lease/lease-protocol.ts';
import { type LeaseRecord, shownBeat } from '../../src/lease/lease-record.ts';
import type { AcquireRequest } from '../../src/lease/lease-store.ts';
import { protocolMutants } from '../../src/simulation/mutants-protocol.ts';
import { shippedProtocol } from '../../src/simulation/simulated-store.ts';
import { attack } from './lease-protocol-model.ts';
import type { Occasion } from './lease-protocol-store.ts';

/** How many schedules the shipped protocol must withstand, and within how many each planted bug must be found. */
const SEEDS = 4000;
const MUTANT_SEEDS_MAX = 6000;

/** Planted bugs that need clocks and data of a store that this small world does not have; see `mutants.ts`. */
const takesClusters = new Set(['seen-ignored', 'highest-ignored']);

describe('lease protocol: properties over random schedules', () => {
  it(`at most one member believes, tokens grow, and peace brings one leader, in ${SEEDS} schedules`, () => {
    const tried = new Map<Occasion, number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violation, seen, history } = attack(seed, shippedProtocol);
      for (const occasion of seen) tried.set(occasion, (tried.get(occasion) ?? 0) + 1);
      if (violation) {
        expect.fail(`seed ${seed}: ${violation.message}\n${history().slice(-25).join('\n')}`);
      }
    }
    // What never happened has proved nothing.
    const occasions = {
      won: 1000,
      held: 1000,
      stale: 1000,
      quarantined: 1000,
      renewed: 1000,
      restored: 500,
      denied: 500,
      released: 1000,
      'record emptied': 500,
      'record taken back': 500,
      'clock stepped forward': 300,
      'clock stepped back': 500,
      'packet repeated': 1000,
      'member frozen': 500,
      'member replaced': 500,
      'won after a quarantine': 1000,
      'granted by watching': 50,
    } satisfies Record<Occasion, number>;
    const tooRare = Object.entries(occasions).filter(
      ([name, least]) => (tried.get(name as Occasion) ?? 0) < least,
    );
    expect(tooRare).toEqual([]);
  });

  it.each(protocolMutants.filter(({ name }) => !takesClusters.has(name)))(
    'catches the planted bug: $name',
    ({ protocol }) => {
      for (let seed = 1; seed <= MUTANT_SEEDS_MAX; seed += 1) {
        if (attack(seed, { ...shippedProtocol, ...protocol }).violation) return;
      }
      expect.fail(`survived ${MUTANT_SEEDS_MAX} schedules`);
    },
  );

  it('the same seed is the same schedule', () => {
    expect(attack(17, shippedProtocol).history()).toEqual(attack(17, shippedProtocol).history());
  });
});

const LEASE_MS = 1000;

const record: LeaseRecord = {
  holder: 'a',
  by: 'a',
  attempt: 1,
  token: 7n,
  term: 1,
  leaseMs: LEASE_MS,
  graceMs: 0,
  beat: 0,
  expiresAt: 1000,
  longestMs: LEASE_MS,
  highest: 7n,
  incarnation: 'i1',
  namesake: null,
  loss: null,
};

const moment = (now: number): StoreMoment => ({
  now,
  incarnation: 'i1',
  settleMs: 0,
  tokenFloor: 0n,
  freshStore: 'wait',
});

const asks = (id: string, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
  resource: 'r',
  id,
  attempt: 1,
  leaseMs: LEASE_MS,
  graceMs: 0,
  longestMs: LEASE_MS,
  seen: 7n,
  observed: null,
  loss: null,
  nonce: `n-${id}`,
  ...more,
});

const renewal = (beat: number) =>
  ({ resource: 'r', id: 'a', token: 7n, leaseMs: LEASE_MS, graceMs: 0, beat, term: 1 }) as const;

/** Each was a way to two leaders, or to none, in some version of the rules. */
describe('lease protocol: counter-examples', () => {
  it('a renewal that arrives twice does not bring back a beat somebody has watched for a lease', () => {
    const first = decideRenew(record, renewal(1), moment(100)).record;
    const later = decideRenew(first, renewal(2), moment(1500)).record;
    // The first packet comes again; its beat was seen at 100 and nothing since.
    const repeated = decideRenew(later, renewal(1), moment(1600)).record;
    expect(repeated).toEqual(later);
    const observed = { holder: 'a', token: 7n, beat: 1, forMs: 1600 };
    expect(decideAcquire(repeated, asks('b', { observed }), moment(1700)).reply.kind).toBe('held');
  });

  it('a packet that notices two losses does not let the wait for the first count for the second', () => {
    const packet = asks('b');
    const first = decideAcquire(null, packet, moment(0)).reply;
    if (first.kind !== 'quarantined') return expect.fail(first.kind);
    const knows = { id: first.lossId, forMs: 60_000 };
    // Long after, a leader's record is deleted, and the packet that noticed the first loss comes again.
    const again = decideAcquire(null, packet, moment(60_000)).record;
    const reply = decideAcquire(again, asks('c', { loss: knows }), moment(60_001)).reply;
    expect(reply).toMatchObject({ kind: 'quarantined', waitedMs: 1 });
  });

  it('a step of the clock forward does not shorten the wait of who knows of the loss', () => {
    const first = decideAcquire(null, asks('b'), moment(0));
    if (first.reply.kind !== 'quarantined') return expect.fail(first.reply.kind);
    const { lossId } = first.reply;
    const stepped = moment(500_000);
    const knows = asks('b', { attempt: 2, loss: { id: lossId, forMs: 400 } });
    expect(decideAcquire(first.record, knows, stepped).reply).toMatchObject({
      kind: 'quarantined',
      waitedMs: 400,
    });
  });

  it('a renewal that notices two losses does not either', () => {
    const lossOf = (kept: LeaseRecord | null) => kept?.loss?.id;
    const first = decideRenew(null, renewal(1), moment(0)).record;
    const second = decideRenew(null, renewal(1), moment(60_000)).record;
    expect(lossOf(first)).not.toBe(lossOf(second));
  });

  it('a late renewal of an earlier term does not end the quarantine of a leader whose record was lost', () => {
    // `b` leads with token 9; a failover brought back the record of `a`, who believes no more.
    const elsewhere: StoreMoment = { ...moment(200), incarnation: 'i2' };
    const renewed = decideRenew(record, renewal(1), elsewhere).record;
    const released = decideRelease(renewed, { resource: 'r', id: 'a', token: 7n }).record;
    const reply = decideAcquire(released, asks('c'), { ...elsewhere, now: 201 }).reply;
    expect(reply.kind).toBe('quarantined');
    const restored = decideRenew(released, { ...renewal(1), id: 'b', token: 9n }, { ...elsewhere, now: 300 });
    expect(restored.reply).toEqual({ kind: 'renewed', restored: true });
  });

  it('a late renewal does not bring back a term that was given up while a loss stands', () => {
    const elsewhere: StoreMoment = { ...moment(200), incarnation: 'i2' };
    const renewed = decideRenew(record, renewal(1), elsewhere).record;
    const released = decideRelease(renewed, { resource: 'r', id: 'a', token: 7n }).record;
    expect(decideRenew(released, renewal(2), elsewhere).reply.kind).toBe('denied');
    // Nor when somebody has asked for it meanwhile.
    const asked = decideAcquire(released, asks('c'), elsewhere).record;
    expect(decideRenew(asked, renewal(3), elsewhere).reply.kind).toBe('denied');
  });

  it('what was watched of one grant does not count for another that got the same token elsewhere', () => {
    const forMs = 10 * LEASE_MS;
    const watched = { holder: 'a', token: 7n, beat: shownBeat(record), forMs };
    const others = { ...record, holder: 'c', by: 'c' };
    expect(decideAcquire(others, asks('b', { observed: watched }), moment(100)).reply.kind).toBe('held');
    const again = { ...record, attempt: record.attempt + 1 };
    expect(decideAcquire(again, asks('b', { observed: watched }), moment(100)).reply.kind).toBe('held');
    expect(decideAcquire(record, asks('b', { observed: watched }), moment(100)).reply.kind).toBe('won');
  });

  it('a step of the clock forward grants nothing to who has seen the renewal', () => {
    const stepped = moment(500_000);
    const held = decideAcquire(
      record,
      asks('b', { observed: { holder: 'a', token: 7n, beat: shownBeat(record), forMs: 400 } }),
      stepped,
    );
    expect(held.reply).toMatchObject({ kind: 'held', remainingMs: 600 });
    const free = decideAcquire(
      record,
      asks('b', { observed: { holder: 'a', token: 7n, beat: shownBeat(record), forMs: LEASE_MS } }),
      stepped,
    );
    expect(free.reply.kind).toBe('won');
  });

  it('a step of the clock back refuses nothing to who has watched the lease to its end', () => {
    const behind = moment(-500_000);
    const wholeMs = LEASE_MS * DRIFT_FACTOR;
    const held = decideAcquire(
      record,
      asks('b', { observed: { holder: 'a', token: 7n, beat: shownBeat(record), forMs: wholeMs - 1 } }),
      behind,
    );
    expect(held.reply.kind).toBe('held');
    const free = decideAcquire(
      record,
      asks('b', { observed: { holder: 'a', token: 7n, beat: shownBeat(record), forMs: wholeMs } }),
      behind,
    );
    expect(free.reply.kind).toBe('won');
  });
});
