import { fc } from '@fast-check/vitest';
import type { StoreMoment } from '../../src/lease/lease-protocol.ts';
import { viewOf, type LeaseRecord } from '../../src/lease/lease-record.ts';
import type { LeaseOperation } from '../../src/simulation/linearizability-history.ts';
import { shippedProtocol, type StoreCall, type StoreReply } from '../../src/simulation/simulated-store.ts';

/** Histories that a single lease has given: operations one after the other, each with an interval around its moment. */

export const LEASE_MS = 1000;

interface Step {
  readonly who: number;
  readonly kind: 'acquire' | 'renew' | 'release' | 'read';
  /** Since the step before. */
  readonly afterMs: number;
  /** How long before its moment it was called, and how long after it was answered. */
  readonly beforeMs: number;
  readonly answeredMs: number;
  readonly lost: boolean;
}

interface Member {
  readonly id: string;
  token: bigint;
  asked: number;
  busyUntil: number;
}

const within = (max: number) => fc.integer({ min: 0, max });

const steps = fc.array(
  fc.record({
    who: within(2),
    kind: fc.constantFrom<Step['kind'][]>('acquire', 'acquire', 'renew', 'renew', 'release', 'read'),
    afterMs: within(600),
    beforeMs: within(400),
    answeredMs: within(400),
    lost: fc.boolean().chain((maybe) => (maybe ? fc.boolean() : fc.constant(false))),
  }),
  { minLength: 1, maxLength: 60 },
);

export const histories: fc.Arbitrary<readonly LeaseOperation[]> = steps.map(historyOf);

function historyOf(plan: readonly Step[]): readonly LeaseOperation[] {
  const members = [0, 1, 2].map((n): Member => ({ id: `m${n}`, token: 0n, asked: 0, busyUntil: -1 }));
  const operations: LeaseOperation[] = [];
  let record: LeaseRecord | null = null;
  let now = 0;
  for (const { who, kind, afterMs, beforeMs, answeredMs, lost } of plan) {
    now += afterMs + 1;
    const member = members[who] as Member;
    // A member asks one thing after the other.
    if (now <= member.busyUntil) continue;
    const calledAt = Math.max(now - beforeMs, member.busyUntil + 0.5);
    const call = callOf(kind, member);
    const decided = execute(call, record, now);
    record = decided.record;
    const returnedAt = now + answeredMs;
    member.busyUntil = returnedAt;
    if (!lost && decided.reply !== null && 'kind' in decided.reply && decided.reply.kind === 'won')
      member.token = decided.reply.token;
    const answer = lost ? { returnedAt: null, reply: null } : { returnedAt, reply: decided.reply };
    operations.push({ ...call, by: member.id, calledAt, ...answer });
  }
  return operations;
}

function callOf(kind: Step['kind'], member: Member): StoreCall {
  member.asked += 1;
  const { id, token, asked } = member;
  const resource = 'r';
  const lease = { leaseMs: LEASE_MS, graceMs: 0 };
  switch (kind) {
    case 'acquire': {
      const rest = { longestMs: LEASE_MS, seen: 0n, observed: null, loss: null, nonce: `${id}.${asked}` };
      return { kind, request: { resource, id, attempt: asked, ...lease, ...rest } };
    }
    case 'renew':
      return { kind, request: { resource, id, token, ...lease, beat: asked, term: 1 } };
    case 'release':
      return { kind, request: { resource, id, token } };
    case 'read':
      return { kind, request: { resource } };
  }
}

function execute(
  call: StoreCall,
  before: LeaseRecord | null,
  now: number,
): { readonly reply: StoreReply | null; readonly record: LeaseRecord | null } {
  const moment: StoreMoment = { now, incarnation: 'i', settleMs: 0, tokenFloor: 0n, freshStore: 'trust' };
  switch (call.kind) {
    case 'acquire':
      return shippedProtocol.acquire(before, call.request, moment);
    case 'renew':
      // A record that is not there yet is no loss in these histories.
      if (before === null) return { reply: { kind: 'denied', holder: null, token: 0n }, record: before };
      return shippedProtocol.renew(before, call.request, moment);
    case 'release':
      return shippedProtocol.release(before, call.request, moment);
    case 'read':
      return { reply: before && viewOf('r', before, now), record: before };
  }
}

/** An operation as written by hand: who asks at which time for what, and is told what at which time. */
export function operation(
  by: string,
  [calledAt, returnedAt]: readonly [number, number | null],
  call: { readonly kind: Step['kind']; readonly token?: bigint },
  reply: StoreReply | null,
): LeaseOperation {
  const asked = callOf(call.kind, { id: by, token: call.token ?? 0n, asked: calledAt, busyUntil: 0 });
  return { ...asked, by, calledAt, returnedAt, reply };
}
