import { expect, test } from 'vitest';
import type { LeadershipEvent } from '../../machines/index.ts';
import { decideAcquire, decideRenew } from '../../src/lease/lease-protocol.ts';
import type { LeaseRecord } from '../../src/lease/lease-record.ts';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { joins, tell, TIMINGS, type Member } from './leadership-model.ts';

/**
 * What hints may do. Whoever may publish may give any, so that none makes a grant earlier, is kept in the store, or
 * silences a member.
 */

const moment = { incarnation: '1', settleMs: 0, tokenFloor: 0n, freshStore: 'trust' } as const;
const { leaseMs } = TIMINGS;
const asks = { resource: 'r', leaseMs, graceMs: 0, longestMs: leaseMs, seen: 0n, observed: null, loss: null };

/** A leader's lease as the store has it, renewed at this time. */
function leads(now: number, beat: number): LeaseRecord {
  const won = decideAcquire(null, { ...asks, id: 'leader', attempt: 1, nonce: 'n' }, { ...moment, now });
  if (beat === 0 || !won.record) return won.record as LeaseRecord;
  const renewal = { resource: 'r', id: 'leader', token: 1n, leaseMs, graceMs: 0, beat, term: 1 };
  return decideRenew(won.record, renewal, { ...moment, now }).record as LeaseRecord;
}

/** Lets the timers fire until the member asks, if it does by then. */
function elapses(member: Member, from: number, to: number): Member {
  let next = { ...member, request: null } as Member;
  for (let now = from; now <= to && next.request === null; now += 1) {
    for (const [id, timer] of Object.entries(next.timers)) {
      if (timer.dueAt > now) continue;
      const { [id]: _, ...timers } = next.timers;
      next = tell({ ...next, timers }, timer.event, now);
    }
  }
  return next;
}

/** What the store answers the member's request, and the member after it. */
function answers(member: Member, record: LeaseRecord | null, sent: number, storeNow = sent) {
  if (!member.request) throw new Error('It asks nothing.');
  const { event, record: after } = member.request.run(record, { ...moment, now: storeNow });
  const answer = event(sent);
  return { answer, record: after, member: tell({ ...member, request: null, answer: null }, answer, sent) };
}

const hint = (at: number, change: object = {}): LeadershipEvent => ({
  type: 'lease.observed',
  at,
  luck: 0,
  holder: 'leader',
  token: '1',
  beat: 2,
  leaseMs,
  ageMs: 0,
  ...change,
});
const released = (at: number, token: string): LeadershipEvent => ({
  type: 'release.observed',
  at,
  luck: 0,
  token,
});

/** A member that was told by the store, at time 0, of a lease. */
function follower(): Member {
  return answers(elapses(joins('a', 1, 0), 0, 0), leads(0, 0), 0).member;
}

const askedWith = (member: Member) =>
  member.request?.ask as { longestMs: number; seen: bigint; observed: { forMs: number } | null };

test('a renewal that was foretold by a hint does not look old when it comes', () => {
  const foretold = elapses(tell(follower(), hint(1, { beat: 6 }), 1), 1, 4);
  // The renewal with that beat comes just before the member asks.
  const { answer, member } = answers(foretold, leads(4, 6), 4);
  expect(answer.type).toBe('lease.held');
  // Nor later: it was watched from the answer.
  const again = elapses(member, 4, 20);
  expect(answers(again, leads(6, 6), 6).answer.type).toBe('lease.held');
});

test('what was only heard still keeps a store clock that stepped forward from granting', () => {
  const woken = elapses(
    tell(tell(follower(), hint(2), 2), { type: 'watch.resumed', at: 3, luck: 0 }, 3),
    3,
    3,
  );
  expect(answers(woken, leads(2, 2), 3, 1000).answer).toMatchObject({ type: 'lease.held', remainingMs: 2 });
});

test('a lease that ended by a store clock that stepped back is granted one answer later', () => {
  const record = leads(1002, 2);
  let member = elapses(tell(follower(), hint(2), 2), 2, 20);
  let now = 5;
  const kinds: string[] = [];
  for (let asked = 0; asked < 4 && kinds.at(-1) !== 'lease.acquired'; asked += 1) {
    const asking = answers(member, record, now, 0);
    kinds.push(asking.answer.type);
    const next = elapses(asking.member, now, 100);
    now += Math.ceil((asking.answer as { remainingMs?: number }).remainingMs ?? 0);
    member = next;
  }
  expect(kinds.at(-1)).toBe('lease.acquired');
  expect(now).toBeLessThanOrEqual(5 + 2 + leaseMs * DRIFT_FACTOR + 1);
});

test('a term the store has not told of is asked about, however long its lease is said to be', () => {
  const invented = hint(1, { token: '99999999999', leaseMs: 1e12, holder: 'nobody' });
  const asking = elapses(tell(follower(), invented, 1), 1, 2);
  expect(askedWith(asking)).toMatchObject({ longestMs: leaseMs, seen: 1n, observed: null });
  // The answer counts, and so do the leader's own renewals after it.
  const { member } = answers(asking, leads(0, 0), 2);
  expect(member.snapshot.context.known).toMatchObject({ token: '1', beat: 1 });
  expect(tell(member, hint(2), 2).snapshot.context.known).toMatchObject({ token: '1', beat: 2 });
});

test('a renewal said to have a far higher beat, or a longer lease, is corrected by the next answer', () => {
  const misled = tell(follower(), hint(1, { beat: 1e6, leaseMs: 1e12 }), 1);
  const asking = elapses(misled, 1, 1 + leaseMs);
  const { member, answer } = answers(asking, leads(3, 2), 4);
  expect(answer.type).toBe('lease.held');
  expect(member.snapshot.context).toMatchObject({ longestMs: leaseMs, known: { beat: 2, leaseMs } });
});

test('a release that was invented makes the member ask, and leaves nothing behind', () => {
  const asking = elapses(tell(follower(), released(1, '99999999999'), 1), 1, 2);
  expect(askedWith(asking).seen).toBe(1n);
  const { member } = answers(asking, leads(0, 0), 2);
  expect(member.snapshot.context).toMatchObject({ seen: '1', known: { token: '1' } });
});

test('a token that was only heard of is exceeded by later ones, should the store lose its data', () => {
  const asking = elapses(tell(follower(), hint(1, { token: '5' }), 1), 1, 2);
  expect(askedWith(asking).seen).toBe(5n);
});
