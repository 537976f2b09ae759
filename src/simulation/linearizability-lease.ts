import { DRIFT } from '../../machines/leadership.timings.ts';
import type { Token } from '../lease/lease-store.ts';
import type { LeaseOperation } from './linearizability-history.ts';

/**
 * A lease as one object in time: what an operation may have been answered, given those before it. It knows nothing of
 * how a store decides, only what it promises: a grant comes when nobody can believe in the lease before any more, and
 * its token is above all earlier ones.
 */
export interface LeaseState {
  readonly holder: string | null;
  /** Null where the lease was granted by an operation that nobody saw answered. */
  readonly token: Token | null;
  /** All tokens so far are at most this. */
  readonly highest: Token;
  /** Until when the holder may believe. */
  readonly believedUntil: number;
}

export const FREE: LeaseState = { holder: null, token: 0n, highest: 0n, believedUntil: -Infinity };

/** What is judged: `grants`, whatever else was told; or `all` that was told, of a store that loses and repeats nothing. */
export type Judged = 'grants' | 'all';

/** An operation with what follows for the belief of who asked. */
export interface TimedOperation {
  readonly operation: LeaseOperation;
  /** Until when its success lets who asked believe; `-Infinity` where it does not. */
  readonly believedUntil: number;
}

/** The outcome of one operation: the state after it and the earliest time it can have happened, or null if it cannot. */
export type Outcome = { readonly state: LeaseState; readonly at: number } | null;

/** Applies an operation no earlier than `at`. */
export function apply(
  state: LeaseState,
  { operation, believedUntil }: TimedOperation,
  at: number,
  judged: Judged,
): Outcome {
  const { reply, by } = operation;
  const exact = judged === 'all';
  const stays: Outcome = { state, at };
  switch (operation.kind) {
    case 'acquire': {
      if (operation.returnedAt !== null && reply !== null && 'kind' in reply && reply.kind !== 'won')
        return exact && reply.kind === 'held' ? seen(state, reply, at) : stays;
      const token = reply !== null && 'kind' in reply && reply.kind === 'won' ? reply.token : null;
      if (token !== null && token <= state.highest) return null;
      const free = state.holder === null || state.holder === by;
      const granted: LeaseState = { holder: by, token, highest: token ?? state.highest, believedUntil };
      return { state: granted, at: free ? at : Math.max(at, state.believedUntil) };
    }
    case 'renew': {
      const { token } = operation.request;
      const holds = holdsWith(state, by, token);
      const renewed = reply !== null && 'kind' in reply && reply.kind === 'renewed';
      if (!renewed) return exact && holds && operation.returnedAt !== null ? null : stays;
      if (!holds) return exact || believedUntil > -Infinity ? null : stays;
      const longer = Math.max(state.believedUntil, believedUntil);
      return { state: { ...state, token, highest: max(state.highest, token), believedUntil: longer }, at };
    }
    case 'release': {
      const holds = holdsWith(state, by, operation.request.token);
      const released = reply === null || ('released' in reply && reply.released);
      if (released && holds) return { state: { ...state, holder: null, believedUntil: -Infinity }, at };
      return exact && released !== holds && operation.returnedAt !== null ? null : stays;
    }
    case 'read': {
      if (!exact || operation.returnedAt === null) return stays;
      if (reply === null || !('holder' in reply)) return state.highest === 0n ? stays : null;
      return reply.holder === null
        ? state.holder === null && reply.token === state.highest
          ? stays
          : null
        : seen(state, { holder: reply.holder, token: reply.token }, at);
    }
  }
}

/** Whether this member's lease can have this token: one that nobody saw granted is above all that came before. */
const holdsWith = ({ holder, token, highest }: LeaseState, by: string, asked: Token): boolean =>
  holder === by && (token === null ? asked > highest : token === asked);

/** Somebody was told who has the lease: that must be so, and tells a token that nobody had seen. */
function seen(
  state: LeaseState,
  told: { readonly holder: string | null; readonly token: Token },
  at: number,
): Outcome {
  if (state.holder !== told.holder) return null;
  if (state.token === told.token) return { state, at };
  if (state.token !== null || told.token <= state.highest) return null;
  return { state: { ...state, token: told.token, highest: told.token }, at };
}

/**
 * Adds what each success lets its member believe: from when it asked, for the lease less what clocks may differ by; a
 * renewal that is answered after that is thrown away; and who asks for something else has stopped believing.
 */
export function withBeliefs(operations: readonly LeaseOperation[]): TimedOperation[] {
  const ends = new Map<string, number>();
  const latest = new Map<string, number>();
  for (const operation of operations.toReversed()) {
    const { kind, by, calledAt } = operation;
    if (kind === 'renew' || kind === 'acquire') {
      const token = kind === 'renew' ? operation.request.token : tokenWon(operation);
      ends.set(`${by} ${calledAt} ${token}`, latest.get(by) ?? Infinity);
    }
    if (kind === 'acquire' || kind === 'release') latest.set(by, calledAt);
  }
  const believed = new Map<string, number>();
  return operations.map((operation) => {
    const { kind, by, calledAt, returnedAt, reply } = operation;
    const none = { operation, believedUntil: -Infinity };
    if (returnedAt === null || reply === null || (kind !== 'acquire' && kind !== 'renew')) return none;
    const token = kind === 'renew' ? operation.request.token : tokenWon(operation);
    if (token === null || !('kind' in reply) || (kind === 'renew' && reply.kind !== 'renewed')) return none;
    const term = `${by} ${token}`;
    const before = kind === 'acquire' ? Infinity : (believed.get(term) ?? -Infinity);
    const until = Math.min(
      calledAt + operation.request.leaseMs / (1 + DRIFT),
      ends.get(`${by} ${calledAt} ${token}`) ?? Infinity,
    );
    if (returnedAt >= Math.min(before, until)) return none;
    believed.set(term, Math.max(believed.get(term) ?? -Infinity, until));
    return { operation, believedUntil: until };
  });
}

function tokenWon({ kind, reply }: LeaseOperation): Token | null {
  return kind === 'acquire' && reply !== null && 'kind' in reply && reply.kind === 'won' ? reply.token : null;
}

const max = (a: Token, b: Token): Token => (a > b ? a : b);
