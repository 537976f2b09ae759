import { assertEvent, setup } from 'xstate';
import type {
  AcquireParams,
  Failure,
  KnownLease,
  LeadershipContext,
  LeadershipEmitted,
  LeadershipEvent,
  LeadershipInput,
  LossCause,
  Term,
  WaitReason,
} from './leadership.events.ts';
import { DRIFT_FACTOR } from './leadership.timings.ts';

/**
 * What the named actions of the leadership chart do: small pure steps over its context. `machines/index.ts` gives
 * them to the chart.
 */

const chart = setup({
  types: {
    context: {} as LeadershipContext,
    events: {} as LeadershipEvent,
    emitted: {} as LeadershipEmitted,
    input: {} as LeadershipInput,
  },
  actions: {
    requestAcquire: (_, _params: object) => {},
    requestRenew: (_, _params: object) => {},
    requestRelease: (_, _params: object) => {},
    openTerm: (_, _params: Term) => {},
    extendTerm: (_, _params: { validUntil: number; validUntilWall: number }) => {},
    closeTerm: (_, _params: { token: string; cause: LossCause }) => {},
  },
});

const STORE_TIMEOUT: Failure = { code: 'STORE_TIMEOUT', message: 'The store did not answer in time.' };
const JOURNAL_TIMEOUT: Failure = {
  code: 'JOURNAL_FAILED',
  message: 'The journal did not take the record in time.',
};

const highest = (a: string, b: string): string => (BigInt(a) > BigInt(b) ? a : b);
/** The store's clock and this member's differ: what is left of a wait is never taken for nothing. */
const WAIT_MIN_MS = 1;

const atLeast0 = (ms: number): number => Math.max(0, ms);

/** When the event happened, if it says so; timers say so only inside `eventSourced`. */
function reportedAt(event: object): number | null {
  return 'at' in event && typeof event.at === 'number' ? event.at : null;
}

/** A random number in [0, 1) that came with the event; 1 where none did, the cautious end. */
function luckOf(event: object): number {
  return 'luck' in event && typeof event.luck === 'number' ? event.luck : 1;
}

/** What people call a member: its id without the part that is random in each incarnation; null if there is none. */
export function memberName(id: string): string | null {
  return /^(.+)-[a-z0-9]{16}$/.exec(id)?.[1] ?? null;
}

/** Monotonic and wall time until which success of a request sent then lets this member believe. */
export function validity(
  beliefMs: number,
  sent: { readonly sentAt: number; readonly sentWall: number; readonly guardMs: number },
): Pick<Term, 'validUntil' | 'validUntilWall'> {
  const forMs = beliefMs - sent.guardMs;
  return { validUntil: sent.sentAt + forMs, validUntilWall: sent.sentWall + forMs };
}

type Sight = Pick<KnownLease, 'holder' | 'token' | 'beat' | 'leaseMs'> & {
  readonly at: number;
  readonly ageMs: number;
};

/** What is known of a lease after the store's answer, which comes after all hints heard before and beats them. */
export function answered(known: KnownLease | null, sight: Sight, remainingMs: number): KnownLease {
  const { holder, token, beat, leaseMs, at, ageMs } = sight;
  const before = known?.token === token && known.beat === beat ? known : null;
  // The first answer about a renewal counts, as a later one may come from a clock that has stepped. What was heard of
  // it before may have been wrong, so that it makes it younger at most.
  const since = before?.told === 'beat' ? before.since : Math.max(before?.since ?? -Infinity, at - ageMs);
  return { holder, token, beat, leaseMs, since, endsAt: at + remainingMs, told: 'beat' };
}

/** What is known of a lease after a hint, which anybody may have given: none makes a grant earlier. */
export function heard(known: KnownLease | null, sight: Sight): KnownLease {
  const { holder, token, beat, at, ageMs } = sight;
  const before = known?.token === token ? known : null;
  if (before && beat <= before.beat) return before;
  const told = before === null || before.told === 'nothing' ? 'nothing' : 'token';
  // A term keeps its lease, so that the store's word for it counts.
  const leaseMs = told === 'token' && before ? before.leaseMs : sight.leaseMs;
  return { holder, token, beat, leaseMs, since: at - ageMs, endsAt: at + atLeast0(leaseMs - ageMs), told };
}

/** How far one hint may raise the tokens that later ones must exceed: far more than any term does. */
export const HEARD_TOKEN_STEP_MAX = 1_000_000_000n;

/**
 * A token that was only heard of counts, too, so that losing its data makes no store give it again; but whoever
 * invents one can waste some numbers and no more.
 */
const seenOrHeard = (seen: string, heardToken: string): string =>
  BigInt(heardToken) - BigInt(seen) > HEARD_TOKEN_STEP_MAX ? seen : highest(seen, heardToken);

/**
 * What to tell the store of having watched. Where only the term is known from its answers, the watch counts for no
 * more than the lease: then it can make the store refuse, but never grant what the store's clock would not.
 */
function observation(known: KnownLease | null): AcquireParams['observed'] {
  if (known === null || known.told === 'nothing') return null;
  const { holder, token, beat, since, told, leaseMs } = known;
  return { holder, token, beat, since, atMostMs: told === 'beat' ? null : leaseMs };
}

/** Doubles up to the limit; between half and the whole of it, by luck. */
export function backOffMs(
  timings: { readonly retryMs: number; readonly retryMaxMs: number },
  failures: number,
  luck: number,
): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(timings.retryMs * 2 ** doublings, timings.retryMaxMs) * (0.5 + luck / 2);
}

/**
 * After so many requests in a row with an outcome nobody knows, a member leaves the field to the others until a lease
 * that it may have won has ended: where only the answers get lost, it would win one after the other and lead never.
 */
export const UNANSWERED_MAX = 3;

const outcomeKnown = (event: LeadershipEvent): boolean =>
  event.type === 'store.failed' && !event.outcomeUnknown;

/** The part of XState's `enqueue` that these rules use. */
interface Enqueue {
  assign(change: Partial<LeadershipContext>): void;
  emit(event: LeadershipEmitted): void;
}

/** Tells of a leader if it is another than the one last told of. */
function tellLeader(
  enqueue: Enqueue,
  context: LeadershipContext,
  leader: string | null,
  token: string | null,
) {
  if (leader === context.leader) return;
  enqueue.assign({ leader });
  enqueue.emit({ type: 'leaderChanged', leader, token });
  if (leader === null) enqueue.emit({ type: 'vacancyObserved' });
  else if (leader !== context.candidateId)
    enqueue.emit({ type: 'newLeaderObserved', leader, token: token ?? '0' });
}

/** Tells once of each other live member that goes by this member's name. */
function tellNamesake(enqueue: Enqueue, context: LeadershipContext, id: string) {
  const name = memberName(context.candidateId);
  if (name === null || memberName(id) !== name || context.namesake === id) return;
  enqueue.assign({ namesake: id });
  enqueue.emit({ type: 'namesakeObserved', id, name });
}

const requests = {
  askForLease: chart.enqueueActions(({ context, enqueue }) => {
    const { timings, known, longestMs, seen, loss } = context;
    const attempt = context.attempt + 1;
    const observed = observation(known);
    enqueue.assign({ attempt });
    enqueue({
      type: 'requestAcquire',
      params: {
        attempt,
        leaseMs: timings.leaseMs,
        graceMs: timings.graceMs,
        longestMs,
        seen,
        observed,
        loss,
      },
    });
  }),
  askForRenewal: chart.enqueueActions(({ context: { attempt, term }, enqueue }) => {
    if (!term) return;
    const { token, number, leaseMs, graceMs } = term;
    enqueue.assign({ attempt: attempt + 1 });
    enqueue({
      type: 'requestRenew',
      params: { attempt: attempt + 1, token, term: number, leaseMs, graceMs },
    });
  }),
  askForRelease: chart.enqueueActions(({ context: { attempt, term }, enqueue }) => {
    if (!term) return;
    enqueue.assign({ attempt: attempt + 1 });
    enqueue({ type: 'requestRelease', params: { attempt: attempt + 1, token: term.token } });
  }),
};

const knowledge = {
  learnLease: chart.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, ['lease.held', 'lease.observed']);
    const isAnswer = event.type === 'lease.held';
    const known = isAnswer ? answered(context.known, event, event.remainingMs) : heard(context.known, event);
    enqueue.assign({ known });
    // These are kept in the store for good once it is told of them: a hint raises them a little at most.
    enqueue.assign(
      isAnswer
        ? {
            seen: highest(context.seen, event.token),
            longestMs: Math.max(context.longestMs, event.leaseMs),
          }
        : { seen: seenOrHeard(context.seen, event.token) },
    );
    tellLeader(enqueue, context, known.holder, known.token);
    // A lease that goes on being renewed is no predecessor's.
    const renewed = context.known?.token === event.token && event.beat > context.known.beat;
    if (renewed) tellNamesake(enqueue, context, event.holder);
  }),
  learnVacancy: chart.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, 'release.observed');
    enqueue.assign({ known: null, vacant: event.token, seen: seenOrHeard(context.seen, event.token) });
    tellLeader(enqueue, context, null, null);
  }),
  /** The next answer is believed: a hint may have been wrong. */
  doubtVacancy: chart.assign({ vacant: null }),
  learnLoss: chart.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, 'lease.quarantined');
    const { lossId, at, waitedMs, token } = event;
    const loss = context.loss?.id === lossId ? context.loss : { id: lossId, since: at - waitedMs };
    enqueue.assign({ loss, seen: highest(context.seen, token), known: null });
    tellLeader(enqueue, context, null, null);
  }),
  learnAttempt: chart.assign(({ context, event }) => {
    assertEvent(event, 'attempt.refused');
    return { attempt: Math.max(context.attempt, event.lastAttempt) };
  }),
  storeAnswered: chart.enqueueActions(({ context, enqueue }) => {
    if (context.failures === 0) return;
    enqueue.assign({ failures: 0 });
    enqueue.emit({ type: 'storeRecovered' });
  }),
  storeFailed: chart.enqueueActions(({ context, event, enqueue }) => {
    const error = event.type === 'store.failed' ? event.error : STORE_TIMEOUT;
    const at = reportedAt(event);
    const { term, known } = context;
    if (context.failures === 0) enqueue.emit({ type: 'storeUnavailable', error });
    enqueue.assign({ failures: context.failures + 1 });
    if (term) {
      const remainingMs = at === null ? 0 : atLeast0(term.validUntil - at);
      enqueue.emit({ type: 'renewalFailed', error, remainingMs });
    } else if (known && at !== null && at >= known.endsAt) {
      // That lease has run out and nobody can say who follows.
      tellLeader(enqueue, context, null, null);
    }
  }),
  journalFailed: chart.enqueueActions(({ context, event, enqueue }) => {
    const error = event.type === 'journal.failed' ? event.error : JOURNAL_TIMEOUT;
    enqueue.emit({ type: 'journalFailed', error, policy: context.onJournalFailure });
  }),
};

/** Why the event that ends a term ends it. */
function causeOf(event: LeadershipEvent): LossCause {
  switch (event.type) {
    case 'lease.denied':
      return event.holder === null ? 'denied' : 'transferred';
    case 'stop':
      return 'stopped';
    case 'resign':
    case 'journal.failed':
      return 'released';
    default:
      return 'expired';
  }
}

const termActions = {
  winTerm: chart.assign(({ context, event }) => {
    assertEvent(event, 'lease.acquired');
    const { leaseMs, graceMs, beliefMs } = context.timings;
    const { token, term: number } = event;
    return {
      term: { token, number, leaseMs, graceMs, beliefMs, ...validity(beliefMs, event) },
      seen: highest(context.seen, token),
      known: null,
      loss: null,
    };
  }),
  beginTerm: chart.enqueueActions(({ context, enqueue }) => {
    const { term, candidateId } = context;
    if (!term) return;
    enqueue({ type: 'openTerm', params: term });
    enqueue.emit({ type: 'becameLeader', token: term.token, term: term.number });
    tellLeader(enqueue, context, candidateId, term.token);
  }),
  extendBelief: chart.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, 'lease.renewed');
    const { term } = context;
    if (!term) return;
    const until = validity(term.beliefMs, event);
    enqueue.assign({ term: { ...term, ...until } });
    enqueue({ type: 'extendTerm', params: until });
    if (event.namesake !== null) tellNamesake(enqueue, context, event.namesake);
    enqueue.emit({ type: 'renewed', token: term.token, restored: event.restored });
  }),
  endTerm: chart.enqueueActions(({ context, event, enqueue }) => {
    const { term } = context;
    if (!term) return;
    const cause = causeOf(event);
    enqueue({ type: 'closeTerm', params: { token: term.token, cause } });
    enqueue.emit({ type: 'lostLeadership', cause, token: term.token, term: term.number });
    tellLeader(enqueue, context, null, null);
  }),
  dropTerm: chart.assign({ term: null }),
};

const waits = {
  waitForTurn: chart.assign({
    waitMs: ({ context, event }) => luckOf(event) * context.timings.staggerMs,
    waitReason: null,
  }),
  waitForKnown: chart.assign({
    waitMs: ({ context: { known, timings }, event }) => {
      const at = reportedAt(event);
      // Of a term the store has not told of it is asked at once, so that no hint silences anybody.
      const leftMs = known && known.told !== 'nothing' && at !== null ? known.endsAt - at : 0;
      return Math.max(leftMs, WAIT_MIN_MS) + luckOf(event) * timings.staggerMs;
    },
    waitReason: null,
  }),
  /** The interval counts from when the last renewal was sent, and varies by a tenth either way. */
  waitForRenewal: chart.assign({
    waitMs: ({ context, event }) => {
      assertEvent(event, 'lease.renewed');
      const intervalMs = context.timings.renewIntervalMs * (0.9 + event.luck / 5);
      return atLeast0(event.sentAt + intervalMs - event.at);
    },
    waitReason: null,
  }),
  /** Never at once: a store that contradicts itself must not be asked in a circle. */
  waitToRetry: chart.assign({
    waitMs: ({ context, event }) => context.timings.retryMs * (0.5 + luckOf(event) / 2),
    waitReason: null,
  }),
  backOff: chart.enqueueActions(({ context, event, enqueue }) => {
    const { timings, failures } = context;
    const soonMs = backOffMs(timings, failures, luckOf(event));
    if (outcomeKnown(event) || failures % UNANSWERED_MAX !== 0) {
      enqueue.assign({ waitMs: soonMs, waitReason: null });
      return;
    }
    const forMs = timings.leaseMs * DRIFT_FACTOR + timings.graceMs + soonMs;
    enqueue.assign({ waitMs: forMs, waitReason: 'unanswered' });
    enqueue.emit({ type: 'waiting', reason: 'unanswered', forMs });
  }),
  sitOut: chart.enqueueActions(({ context, event, enqueue }) => {
    const [reason, forMs]: [WaitReason, number] =
      event.type === 'lease.quarantined'
        ? [event.fresh ? 'firstTerm' : 'dataLoss', Math.max(event.remainingMs, WAIT_MIN_MS)]
        : [context.waitReason === 'journalFailed' ? 'journalFailed' : 'resigned', context.timings.leaseMs];
    enqueue.assign({ waitMs: forMs, waitReason: reason });
    enqueue.emit({ type: 'waiting', reason, forMs });
  }),
  standBack: chart.assign({ waitReason: 'journalFailed' }),
};

const settings = {
  noteTimings: chart.assign(({ event }) => {
    assertEvent(event, 'configure');
    return { nextTimings: event.timings };
  }),
  adoptTimings: chart.assign(({ context: { timings, nextTimings } }) => ({
    timings: nextTimings ?? timings,
    nextTimings: null,
  })),
  setPaused: chart.assign(({ event }) => ({ paused: event.type === 'pause' })),
  setStopping: chart.assign({ stopping: true }),
};

/** Everything `leadershipChart.provide` needs to be complete. */
export const leadershipImplementations = {
  actions: { ...requests, ...knowledge, ...termActions, ...waits, ...settings },
};
