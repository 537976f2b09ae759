import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { memoryLeases } from '../../src/index.ts';
import { LEASE, type Passage, Timing } from './timing-members.ts';

const RUNS = Number(process.env['RUNS'] ?? 25);

const seed = fc.integer({ min: 1, max: 1_000_000 });
/** Within the promise of one percent between two clocks, its ends above all. */
const drift = fc.oneof(fc.constantFrom(-5000, 0, 5000), fc.integer({ min: -5000, max: 5000 }));
/** Around zero, and zero itself. */
const nearly = fc.constantFrom(-20, -1, -0.5, 0, 0.5, 1, 20);
/** The same but for zero itself, at which rounding decides. */
const beside = fc.constantFrom(-20, -1, -0.5, 0.5, 1, 20);
/** From less than anything to more than everything. */
const jump = fc
  .tuple(fc.constantFrom(-1, 1), fc.constantFrom(1, 10, 100, LEASE / 2, LEASE, 2 * LEASE, 3_600_000, 3e10))
  .map(([sign, ms]) => sign * ms);

/** Everything is lost from now on. */
const cut = (): Passage => ({ lost: 'request' });

describe('a member believes no longer than it has proof for, and never beside another', () => {
  test.prop([seed, nearly, drift], { numRuns: RUNS })(
    'when the answer to a renewal races the deadline',
    async (order, early, driftPpm) => {
      await using timing = new Timing(order);
      const a = await timing.join({ clocks: { driftPpm } });
      await timing.join();
      await timing.until(() => a.began === 1 || timing.members[1]?.began === 1);
      const leader = timing.leader as typeof a;
      // From now on each answer takes until about the deadline that stands.
      leader.passage = () => ({
        replyMs: Math.max(0, (leader.election.term?.remainingMs ?? 0) + early),
      });
      await timing.advance(3 * LEASE);
      expect(timing.tokens.length).toBeGreaterThan(0);
    },
  );

  test.prop([seed, drift, drift, drift], { numRuns: RUNS })(
    'when a cut-off leader and who follows it drift apart as far as is promised',
    async (order, one, other, stores) => {
      await using timing = new Timing(order, (clock) =>
        memoryLeases({ clock: clock.node({ driftPpm: stores }) }),
      );
      const a = await timing.join({ clocks: { driftPpm: one } });
      await timing.until(() => a.election.isLeader);
      const b = await timing.join({ clocks: { driftPpm: other } });
      await timing.advance(LEASE / 2);
      a.passage = cut;
      const cutAt = timing.clock.nowMs;
      await timing.until(() => b.election.isLeader);
      expect(timing.clock.nowMs - cutAt).toBeLessThan(2 * LEASE);
      expect(a.lost).toBe(1);
    },
  );

  test.prop([seed, beside, fc.integer({ min: 0, max: 2 * LEASE }), fc.boolean(), fc.boolean()], {
    numRuns: RUNS,
  })(
    'when it is frozen across its deadline, the wall clock set back or not: at the first look after it knows',
    async (order, near, longer, isNear, isSetBack) => {
      await using timing = new Timing(order);
      const a = await timing.join();
      const b = await timing.join();
      await timing.until(() => timing.leader !== undefined);
      await timing.advance(700);
      const leader = timing.leader as typeof a;
      const { term } = leader.election;
      const leftMs = term?.remainingMs ?? 0;
      leader.node.pause();
      const forMs = isNear ? leftMs + near : Math.max(1, longer);
      await timing.advance(forMs);
      const over = forMs >= leftMs;
      if (isSetBack) leader.node.jumpWall(-forMs);
      leader.node.resume();
      // Before any timer of its own.
      expect(leader.election.isLeader).toBe(!over);
      expect(term?.isCurrent).toBe(!over);
      if (over) expect(() => term?.assertCurrent()).toThrow('is over');
      await timing.advance(LEASE);
      expect(term?.signal.aborted).toBe(over);
      expect(a.lost + b.lost).toBe(over ? 1 : 0);
    },
  );
});

describe('the wall clock may jump by any size', () => {
  test.prop(
    [seed, fc.array(fc.tuple(jump, fc.integer({ min: 1, max: LEASE })), { minLength: 1, maxLength: 8 })],
    {
      numRuns: RUNS,
    },
  )('without a leader believing longer, or a follower waiting shorter', async (order, jumps) => {
    await using timing = new Timing(order);
    await timing.join();
    await timing.join();
    await timing.until(() => timing.leader !== undefined);
    for (const [ms, afterMs] of jumps) {
      for (const { node } of timing.members) node.jumpWall(ms);
      await timing.advance(afterMs);
    }
    await timing.until(() => timing.leader !== undefined);
  });

  test.prop([seed, jump, fc.integer({ min: 1, max: LEASE - 1 })], { numRuns: RUNS })(
    'and who waits for a lease to end waits for all of it',
    async (order, ms, whenMs) => {
      await using timing = new Timing(order);
      const a = await timing.join();
      await timing.until(() => a.election.isLeader);
      const b = await timing.join();
      await timing.advance(100);
      a.passage = cut;
      const { provenUntil } = a;
      await timing.advance(whenMs);
      b.node.jumpWall(ms);
      b.nudge();
      await timing.until(() => b.began === 1);
      expect(timing.clock.monotonicMs()).toBeGreaterThanOrEqual(provenUntil);
    },
  );

  test.prop([seed, jump], { numRuns: RUNS })(
    'and belief ends at once where it says that the lease is over, and at its time where it says nothing of it',
    async (order, ms) => {
      await using timing = new Timing(order);
      const a = await timing.join();
      await timing.until(() => a.election.isLeader);
      await timing.advance(500);
      const leftMs = a.election.term?.remainingMs ?? 0;
      a.passage = cut;
      a.node.jumpWall(ms);
      expect(a.election.isLeader).toBe(ms < leftMs);
      await timing.advance(Math.max(0, Math.ceil(Math.min(leftMs, leftMs - Math.max(0, ms)))) + 1);
      expect(a.election.isLeader).toBe(false);
    },
  );
});
