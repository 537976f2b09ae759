import type { SnapshotFrom } from 'xstate';
import {
  type AcquireParams,
  type LeadershipEvent,
  leadershipMachine,
  type LeadershipTimings,
  type RenewParams,
} from '../../machines/index.ts';
import { InertScope } from '../../src/runtime/xstate-internals.ts';
import type { LeaseRecord } from '../../src/lease/lease-record.ts';
import {
  decideAcquire,
  decideRelease,
  decideRenew,
  type StoreMoment,
} from '../../src/lease/lease-protocol.ts';

/**
 * The real leadership chart of several members and the real lease protocol over one record, in abstract time:
 * whole ticks. Messages arrive and timers fire within the tick, in every order, until something goes wrong: a message
 * takes any time or is lost, a member freezes or crashes, the store loses its data. That is counted.
 */

export type Snapshot = SnapshotFrom<typeof leadershipMachine>;

interface Request {
  readonly kind: 'acquire' | 'renew' | 'release';
  readonly attempt: number;
  readonly sentAt: number;
  /** The request itself. */
  readonly ask: object;
  readonly run: (record: LeaseRecord | null, moment: StoreMoment) => Answer;
}

interface Answer {
  readonly record: LeaseRecord | null;
  readonly event: (at: number) => LeadershipEvent;
}

export interface Timer {
  readonly event: { readonly type: string };
  readonly dueAt: number;
}

export interface Member {
  readonly id: string;
  readonly incarnation: number;
  readonly snapshot: Snapshot;
  readonly timers: Readonly<Record<string, Timer>>;
  /** A frozen member fires no timer and reads no answer. */
  readonly frozen: boolean;
  /** A request on its way to the store. */
  readonly request: Request | null;
  /** The message on its way may take any time. */
  readonly delayed: boolean;
  /** An answer on its way back. */
  readonly answer: {
    readonly attempt: number;
    readonly kind: string;
    readonly event: Answer['event'];
  } | null;
}

export interface World {
  readonly now: number;
  readonly record: LeaseRecord | null;
  readonly incarnation: number;
  readonly members: readonly Member[];
  readonly faultsLeft: number;
}

/** One lease is three ticks in the store and two for its holder. */
export const TIMINGS: LeadershipTimings = {
  leaseMs: 3,
  beliefMs: 2,
  renewIntervalMs: 1,
  callTimeoutMs: 1,
  retryMs: 1,
  retryMaxMs: 1,
  graceMs: 0,
  drainMs: 1,
  journalMs: 1,
  staggerMs: 0,
};

const LUCK = 0.5;
/** One scope for all: computing transitions and nothing else. */
const inert = new InertScope({ actor: 'leadership', parent: null, stream: 'model' });
type Send = (member: Member, now: number) => Member;

export function joins(id: string, incarnation: number, now: number): Member {
  const actions = inert.begin(0, null);
  const snapshot = leadershipMachine.getInitialSnapshot(inert.scope as never, {
    resource: 'r',
    candidateId: `${id}${incarnation}`,
    timings: TIMINGS,
    onJournalFailure: 'continue',
    paused: false,
  });
  return carryOut(
    { id, incarnation, snapshot, timers: {}, frozen: false, delayed: false, request: null, answer: null },
    actions,
    now,
  );
}

/** Gives a member an event, and carries out what its chart then asks for. */
export function tell(
  member: Member,
  event: LeadershipEvent | { readonly type: string },
  now: number,
): Member {
  if (member.snapshot.status !== 'active') return member;
  const actions = inert.begin(1, member.snapshot);
  const snapshot = leadershipMachine.transition(
    member.snapshot,
    event as LeadershipEvent,
    inert.scope as never,
  ) as Snapshot;
  return awaited(carryOut({ ...member, snapshot }, actions, now));
}

/** The chart ignores an answer to any but its last request: one on its way is as good as none. */
function awaited(member: Member): Member {
  const { answer, snapshot } = member;
  return answer === null || answer.attempt === snapshot.context.attempt
    ? member
    : { ...member, answer: null };
}

function carryOut(
  member: Member,
  actions: readonly { type: string; params?: unknown }[],
  now: number,
): Member {
  let request: Request | null = null;
  const timers: Record<string, Timer> = { ...member.timers };
  const afterwards: Send[] = [];
  for (const action of actions) {
    const params = action.params as never;
    switch (action.type) {
      case 'xstate.raise': {
        const raised = params as { event: { type: string }; id?: string; delay?: number };
        if (raised.delay === undefined) break;
        timers[raised.id ?? raised.event.type] = {
          event: raised.event,
          dueAt: now + Math.ceil(raised.delay),
        };
        break;
      }
      case 'xstate.cancel':
        delete timers[(params as { sendId?: string }).sendId ?? String(params)];
        break;
      case 'requestAcquire':
        request = acquireRequest(member, params, now);
        break;
      case 'requestRenew':
        request = renewRequest(member, params, now);
        break;
      case 'requestRelease':
        request = releaseRequest(member, params, now);
        break;
      case 'awaitJournal':
        afterwards.push((m, at) =>
          tell(m, { type: 'journal.committed', at, token: (params as { token: string }).token }, at),
        );
        break;
      case 'awaitWork':
        afterwards.push((m, at) => tell(m, { type: 'work.settled', at }, at));
        break;
    }
  }
  let next: Member = { ...member, timers, ...(request !== null && { request, delayed: false }) };
  for (const send of afterwards) next = send(next, now);
  return next;
}

const holderId = (member: Member) => `${member.id}${member.incarnation}`;

function acquireRequest(member: Member, params: AcquireParams, sentAt: number): Request {
  const { attempt, observed, loss, seen, leaseMs, graceMs, longestMs } = params;
  const id = holderId(member);
  const ask = {
    resource: 'r',
    id,
    attempt,
    leaseMs,
    graceMs,
    longestMs,
    seen: BigInt(seen),
    observed: observed && {
      holder: observed.holder,
      token: BigInt(observed.token),
      beat: observed.beat,
      forMs: Math.min(sentAt - observed.since, observed.atMostMs ?? Infinity),
    },
    loss: loss && { id: loss.id, forMs: sentAt - loss.since },
    nonce: `loss:${id}#${attempt}`,
  };
  return {
    kind: 'acquire',
    attempt,
    sentAt,
    ask,
    run(before, moment) {
      const { reply, record } = decideAcquire(before, ask, moment);
      const event = (at: number): LeadershipEvent => {
        switch (reply.kind) {
          case 'won': {
            const times = { at, sentAt, wall: at, sentWall: sentAt, guardMs: 0, luck: LUCK };
            return { type: 'lease.acquired', attempt, token: `${reply.token}`, term: reply.term, ...times };
          }
          case 'held':
            return { ...reply, type: 'lease.held', attempt, at, luck: LUCK, token: `${reply.token}` };
          case 'quarantined':
            return { ...reply, type: 'lease.quarantined', attempt, at, token: `${reply.token}` };
          case 'stale':
            return { type: 'attempt.refused', attempt, at, lastAttempt: reply.lastAttempt };
        }
      };
      return { record, event };
    },
  };
}

function renewRequest(member: Member, params: RenewParams, sentAt: number): Request {
  const { attempt, token, term, leaseMs, graceMs } = params;
  const ask = {
    resource: 'r',
    id: holderId(member),
    token: BigInt(token),
    leaseMs,
    graceMs,
    beat: attempt,
    term,
  };
  return {
    kind: 'renew',
    attempt,
    sentAt,
    ask,
    run(before, moment) {
      const { reply, record } = decideRenew(before, ask, moment);
      const event = (at: number): LeadershipEvent => {
        const times = { at, sentAt, wall: at, sentWall: sentAt, guardMs: 0, luck: LUCK };
        return reply.kind === 'renewed'
          ? { type: 'lease.renewed', attempt, restored: reply.restored, namesake: null, ...times }
          : { type: 'lease.denied', attempt, at, holder: reply.holder, token: `${reply.token}` };
      };
      return { record, event };
    },
  };
}

function releaseRequest(
  member: Member,
  params: { readonly attempt: number; readonly token: string },
  sentAt: number,
): Request {
  const ask = { resource: 'r', id: holderId(member), token: BigInt(params.token) };
  const { attempt } = params;
  return {
    kind: 'release',
    attempt,
    sentAt,
    ask,
    run(before) {
      const { reply, record } = decideRelease(before, ask);
      return { record, event: (at) => ({ type: 'lease.released', attempt, at, released: reply.released }) };
    },
  };
}

/** Whether this member would tell its application, now, that it leads. */
export function believes(member: Member, now: number): boolean {
  const { snapshot } = member;
  return snapshot.matches('leader') && now < (snapshot.context.term?.validUntil ?? 0);
}
