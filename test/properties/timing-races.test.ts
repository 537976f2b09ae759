import { fc, test } from '@fast-check/vitest';
import { describe, expect, vi } from 'vitest';
import { type Journal, memoryJournal } from '../../src/index.ts';
import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { RedisModel } from '../../src/simulation/redis-model.ts';
import { modelOptions, storeOver } from '../contracts/simulated-stores.ts';
import { LEASE, type Member, type Passage, Timing, type TimingLeases } from './timing-members.ts';

const RUNS = Number(process.env['RUNS'] ?? 25);

const seed = fc.integer({ min: 1, max: 1_000_000 });
const nearly = fc.constantFrom(-20, -1, -0.5, 0, 0.5, 1, 20);
const ORDER = 'in any order of what is due at one instant';

/** A store that may lose its data, and whose tokens grow all the same. */
function forgetful(clock: VirtualClock): TimingLeases {
  const model = new RedisModel({ ...modelOptions(clock), leaseMs: LEASE });
  return { ...storeOver(model), loseData: () => model.group.restart(true) };
}

/** The one that leads, once one does. */
async function leaderOf(timing: Timing): Promise<Member> {
  await timing.until(() => timing.leader !== undefined);
  return timing.leader as Member;
}

describe(`everything at the same millisecond, ${ORDER}`, () => {
  const GRID_MS = LEASE / 6;
  const act = fc.constantFrom(
    'resign',
    'pause',
    'resume',
    'freeze',
    'thaw',
    'cut',
    'join',
    'lose data',
    'configure',
  );
  const turn = fc.array(fc.tuple(act, fc.integer({ min: 0, max: 2 })), { maxLength: 4 });
  const passages: readonly Passage[] = [
    {},
    { requestMs: GRID_MS },
    { replyMs: GRID_MS },
    { requestMs: GRID_MS, replyMs: GRID_MS },
    { lost: 'request' },
    { lost: 'reply' },
  ];
  const links = fc.array(fc.nat(passages.length - 1), { minLength: 3, maxLength: 12 });

  test.prop([seed, fc.array(turn, { minLength: 3, maxLength: 25 }), links], {
    numRuns: 2 * RUNS,
    endOnFailure: true,
  })('no two believe, tokens grow, and once all is well one leads', async (order, turns, choices) => {
    await using timing = new Timing(order, forgetful);
    const passage = (_: string, n: number) => passages[choices[n % choices.length] ?? 0] ?? {};
    for (let n = 0; n < 3; n += 1) await timing.join({ passage });
    for (const acts of turns) {
      for (const [what, who] of acts) await take(timing, what, timing.members.at(-1 - who) as Member);
      await timing.advance(GRID_MS);
    }
    timing.heal();
    await timing.advance(8 * LEASE);
    expect(timing.members.filter(({ election }) => election.isLeader)).toHaveLength(1);
  });

  async function take(timing: Timing, what: string, member: Member): Promise<void> {
    const { election, node } = member;
    if (what === 'resign') void election.resign();
    if (what === 'pause') election.pause();
    if (what === 'resume') election.resume();
    if (what === 'freeze') node.pause();
    if (what === 'thaw') node.resume();
    if (what === 'cut') member.passage = () => ({ lost: 'reply' });
    if (what === 'join' && timing.members.length < 6) await timing.join({ passage: member.passage });
    if (what === 'lose data') timing.leases.loseData();
    if (what === 'configure') election.configure({ leaseDurationMs: 2 * LEASE, renewIntervalMs: LEASE / 3 });
  }
});

describe('a lease given up', () => {
  test.prop([seed, nearly, fc.integer({ min: 0, max: 50 })], { numRuns: RUNS })(
    'goes to one that asks about when the release arrives, and to no one before its holder stopped',
    async (order, early, onItsWayMs) => {
      await using timing = new Timing(order);
      const a = await timing.join();
      await leaderOf(timing);
      a.passage = (kind) => (kind === 'release' ? { requestMs: onItsWayMs + 20 } : {});
      const resigned = a.election.resign();
      expect(a.election.isLeader).toBe(false);
      const b = await timing.join({ passage: () => ({ requestMs: Math.max(0, onItsWayMs + 20 + early) }) });
      await timing.until(() => b.election.isLeader, LEASE);
      await resigned;
      expect(a.lost).toBe(1);
    },
  );

  test.prop([seed, nearly, fc.boolean()], { numRuns: RUNS })(
    'at about the moment it ends by itself is lost once, and taken over',
    async (order, early, isCut) => {
      await using timing = new Timing(order);
      await timing.join();
      await timing.join();
      const leader = await leaderOf(timing);
      await timing.advance(500);
      leader.passage = (kind) => (kind === 'renew' || isCut ? { lost: 'request' } : {});
      const leftMs = leader.election.term?.remainingMs ?? 0;
      let resigned = false;
      timing.clock.setTimeout(() => {
        leader.election.resign().then(
          () => (resigned = true),
          () => {},
        );
      }, leftMs + early);
      await timing.advance(leftMs + 100);
      expect(leader.lost).toBe(1);
      await timing.until(() => resigned, LEASE);
      await timing.until(() => timing.leader !== undefined && timing.tokens.length > 1);
    },
  );

  // Together below what a call may take: a sixth of the lease.
  test.prop([seed, fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 200 })], { numRuns: RUNS })(
    'by hand is taken soon, and not before its leader has heard of it and stopped',
    async (order, requestMs, replyMs) => {
      await using timing = new Timing(order);
      const renew = timing.leases.renew.bind(timing.leases);
      let freed = false;
      vi.spyOn(timing.leases, 'renew').mockImplementation(async (request, options) => {
        if (!freed) return renew(request, options);
        freed = false;
        return { kind: 'denied', holder: null, token: request.token };
      });
      const a = await timing.join();
      await timing.until(() => a.election.isLeader);
      const b = await timing.join();
      await timing.advance(100);
      freed = true;
      a.passage = () => ({ requestMs, replyMs });
      await timing.until(() => a.lost === 1, LEASE);
      // One message on its way there, one to ask, one back; and what members spread their attempts over. The one that
      // had it may be the quickest to ask.
      await timing.until(() => b.election.isLeader || a.began === 2, 3 * (requestMs + replyMs) + 100);
    },
  );
});

describe('new timings', () => {
  const change = fc.record({
    leaseMs: fc.integer({ min: 1000, max: 4 * LEASE }),
    atMs: fc.integer({ min: 0, max: LEASE }),
    resigns: fc.boolean(),
  });

  test.prop([seed, fc.array(change, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 150 })], {
    numRuns: RUNS,
  })(
    'that come about when a lease is won or renewed never let a member believe longer than the store keeps its lease',
    async (order, changes, delayMs) => {
      await using timing = new Timing(order);
      const passage = () => ({ requestMs: delayMs / 2, replyMs: delayMs / 2 });
      const a = await timing.join({ passage });
      const { signal } = new AbortController();
      for (const { leaseMs, atMs, resigns } of changes) {
        await timing.advance(atMs);
        if (resigns) void a.election.resign();
        a.election.configure({ leaseDurationMs: leaseMs });
        await timing.advance(delayMs);
        const view = await timing.leases.read('r', { signal });
        const { term } = a.election;
        if (term !== null) expect(view).toMatchObject({ holder: a.election.candidateId, token: term.token });
        if (term !== null) expect(term.remainingMs).toBeLessThan(view?.remainingMs ?? 0);
      }
      await timing.until(() => a.election.isLeader, 10 * LEASE);
    },
  );
});

describe('the journal', () => {
  const JOURNAL_MS = LEASE / 6;

  /** A journal that takes the record of a win late, fails to, or never says. */
  function slow(
    timing: Timing,
    after: { readonly ms: number; readonly how: 'writes' | 'fails' | 'hangs' },
  ): Journal {
    const journal = memoryJournal();
    const writer = journal.writer.bind(journal);
    vi.spyOn(journal, 'writer').mockImplementation((...args) => {
      const made = writer(...args);
      vi.spyOn(made, 'durable').mockImplementation(
        () =>
          new Promise((resolve, reject) => {
            if (after.how === 'hangs') return;
            const end = after.how === 'writes' ? resolve : () => reject(new Error('the disk is full'));
            timing.clock.setTimeout(end, after.ms);
          }),
      );
      return made;
    });
    return journal;
  }

  test.prop(
    [
      seed,
      nearly.map((early) => JOURNAL_MS + early),
      fc.constantFrom('writes', 'fails', 'hangs'),
      fc.constantFrom('continue', 'stop'),
    ],
    { numRuns: 2 * RUNS },
  )(
    'that fails or answers about when it is given up begins a term once, or not at all and leaves it to another',
    async (order, ms, how, onJournalFailure) => {
      await using timing = new Timing(order);
      const a = await timing.join({ journal: slow(timing, { ms, how }), onJournalFailure });
      await timing.advance(2 * JOURNAL_MS);
      expect(a.began).toBeLessThanOrEqual(1);
      const isKnown = how === 'writes' && ms < JOURNAL_MS;
      const isRefused = onJournalFailure === 'stop' && (how !== 'writes' || ms > JOURNAL_MS);
      if (onJournalFailure === 'continue' || isKnown) expect(a.began).toBe(1);
      if (isRefused) expect(a.election.isLeader).toBe(false);
      const b = await timing.join();
      await timing.until(() => timing.leader !== undefined, 3 * LEASE);
      if (isRefused) expect(b.election.isLeader).toBe(true);
    },
  );
});
