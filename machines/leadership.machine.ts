import { and, emit, setup } from 'xstate';
import type {
  AcquireParams,
  LeadershipContext,
  LeadershipEmitted,
  LeadershipEvent,
  LeadershipInput,
  LossCause,
  RenewParams,
  Term,
} from './leadership.events.ts';

/**
 * One member's leadership of one resource.
 *
 * What it guarantees: it is in `leader` only between a won, recorded lease and `term.validUntil`, which lies
 * before the end of that lease in the store; it leaves at that moment without asking anybody; every way out of
 * `leader` ends the term (`closeTerm`) in the same step. What it leaves to its surroundings: to answer each
 * `request…` effect with a fact that carries the same attempt number, to say with each event when it happened,
 * and to compare clocks before each use of leadership, because no timer fires while a process is frozen.
 *
 * Nothing here reads a clock: times come with events and only become delays. Actions without a body here get it
 * from `leadership.rules.ts`; effects get theirs from whoever runs the chart.
 */

type At = { readonly at?: number };
const above = (a: string, b: string) => BigInt(a) > BigInt(b);
/** An event that does not say when it happened ends belief at once rather than too late. */
const beliefLeft = (context: LeadershipContext, event: At) =>
  Math.max(0, (context.term?.validUntil ?? 0) - (event.at ?? Infinity));

export const leadershipChart = setup({
  types: {
    context: {} as LeadershipContext,
    events: {} as LeadershipEvent,
    emitted: {} as LeadershipEmitted,
    input: {} as LeadershipInput,
  },
  actions: {
    // Effects.
    requestAcquire: (_, _params: AcquireParams) => {},
    requestRenew: (_, _params: RenewParams) => {},
    requestRelease: (_, _params: { attempt: number; token: string }) => {},
    awaitJournal: (_, _params: { term: Term | null }) => {},
    awaitWork: (_, _params: { token: string }) => {},
    openTerm: (_, _params: Term) => {},
    extendTerm: (_, _params: { validUntil: number; validUntilWall: number }) => {},
    closeTerm: (_, _params: { token: string; cause: LossCause }) => {},
    // Requests: count the attempt, then ask for the effect.
    askForLease: () => {},
    askForRenewal: () => {},
    askForRelease: () => {},
    // What this member knows.
    learnLease: () => {},
    learnVacancy: () => {},
    doubtVacancy: () => {},
    learnLoss: () => {},
    learnAttempt: () => {},
    storeAnswered: () => {},
    storeFailed: () => {},
    journalFailed: () => {},
    // Its term.
    winTerm: () => {},
    beginTerm: () => {},
    extendBelief: () => {},
    endTerm: () => {},
    dropTerm: () => {},
    // Its waits.
    waitForTurn: () => {},
    waitForKnown: () => {},
    waitForRenewal: () => {},
    waitToRetry: () => {},
    backOff: () => {},
    sitOut: () => {},
    standBack: () => {},
    // Its settings.
    noteTimings: () => {},
    adoptTimings: () => {},
    setPaused: () => {},
    setStopping: () => {},
  },
  guards: {
    isReply: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    /** The reply came while the lease it speaks of still allows belief, by both clocks. */
    isInTime: ({ context, event }) => {
      if (event.type !== 'lease.acquired' && event.type !== 'lease.renewed') return false;
      const forMs = (context.term?.beliefMs ?? context.timings.beliefMs) - event.guardMs;
      return event.at - event.sentAt < forMs && event.wall - event.sentWall < forMs;
    },
    termStands: ({ context: { term }, event }) =>
      term !== null &&
      'at' in event &&
      event.at < term.validUntil &&
      (!('wall' in event) || event.wall < term.validUntilWall),
    termIsOver: ({ context: { term }, event }) =>
      event.type === 'clock.moved' &&
      term !== null &&
      (event.at >= term.validUntil || event.wall >= term.validUntilWall),
    isCommit: ({ context, event }) =>
      event.type === 'journal.committed' && event.token === context.term?.token,
    /** A hint about a lease at least as new as the one known. */
    isNews: ({ context, event }) =>
      event.type === 'lease.observed' &&
      event.holder !== context.candidateId &&
      !above(context.seen, event.token) &&
      context.vacant !== event.token &&
      (context.known?.token !== event.token || event.beat > context.known.beat),
    isVacancy: ({ context, event }) => event.type === 'release.observed' && !above(context.seen, event.token),
    /** Tells of a lease that is known to have been released since. */
    isOutdated: ({ context, event }) => event.type === 'lease.held' && event.token === context.vacant,
    concernsTerm: ({ context: { term }, event }) =>
      (event.type === 'release.observed' && event.token === term?.token) ||
      (event.type === 'lease.observed' && above(event.token, term?.token ?? '0')),
    obeysJournal: ({ context }) => context.onJournalFailure === 'stop',
    isPaused: ({ context }) => context.paused,
    isStopping: ({ context }) => context.stopping,
    standsBack: ({ context }) => context.waitReason === 'journalFailed',
  },
  delays: {
    untilAttempt: ({ context }) => context.waitMs,
    untilRenewal: ({ context }) => context.waitMs,
    untilRetry: ({ context }) => context.waitMs,
    callTimeout: ({ context }) => context.timings.callTimeoutMs,
    journalDeadline: ({ context }) => context.timings.journalMs,
    untilDeadline: ({ context, event }) => beliefLeft(context, event),
    untilDrained: ({ context, event }) => Math.min(context.timings.drainMs, beliefLeft(context, event)),
  },
}).createMachine({
  id: 'leadership',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    term: null,
    known: null,
    vacant: null,
    seen: '0',
    longestMs: input.timings.leaseMs,
    loss: null,
    failures: 0,
    waitMs: 0,
    waitReason: null,
    namesake: null,
    leader: null,
    nextTimings: null,
    stopping: false,
  }),
  initial: 'follower',
  on: {
    // Wherever a request may be on its way or a term stands, what it was asked with counts.
    configure: { actions: 'noteTimings' },
    pause: { actions: 'setPaused' },
    resume: { actions: 'setPaused' },
  },
  states: {
    follower: {
      entry: ['dropTerm', 'adoptTimings'],
      initial: 'watching',
      on: {
        stop: 'stopped',
        configure: { actions: ['noteTimings', 'adoptTimings'] },
        pause: { target: '.paused', actions: 'setPaused' },
        'lease.observed': { guard: 'isNews', target: '.watching', actions: ['learnLease', 'waitForKnown'] },
        'release.observed': {
          guard: 'isVacancy',
          target: '.watching',
          actions: ['learnVacancy', 'waitForTurn'],
        },
        'watch.resumed': { target: '.watching', actions: 'waitForTurn' },
      },
      states: {
        /** Somebody leads, or may: wait until that lease can have ended. */
        watching: {
          always: { guard: 'isPaused', target: 'paused' },
          after: { untilAttempt: '#leadership.candidate' },
        },
        /** Data was lost, or this member stands back for a while. */
        waitingOut: {
          always: { guard: 'isPaused', target: 'paused' },
          after: { untilAttempt: '#leadership.candidate' },
          on: {
            'lease.observed': { guard: and(['isNews', 'standsBack']), actions: 'learnLease' },
            'release.observed': { guard: 'isVacancy', actions: 'learnVacancy' },
            'watch.resumed': {},
          },
        },
        /** The store did not answer. */
        backingOff: {
          always: { guard: 'isPaused', target: 'paused' },
          after: { untilAttempt: '#leadership.candidate' },
        },
        /** Not a candidate for now, but still told who leads. */
        paused: {
          on: {
            resume: { target: 'watching', actions: ['setPaused', 'waitForKnown'] },
            'lease.observed': { guard: 'isNews', actions: 'learnLease' },
            'release.observed': { guard: 'isVacancy', actions: 'learnVacancy' },
            'watch.resumed': {},
          },
        },
      },
    },

    candidate: {
      initial: 'acquiring',
      states: {
        acquiring: {
          entry: ['askForLease', emit({ type: 'electionStarted' })],
          after: {
            callTimeout: { target: '#leadership.follower.backingOff', actions: ['storeFailed', 'backOff'] },
          },
          on: {
            'lease.acquired': [
              {
                guard: and(['isReply', 'isInTime', 'isPaused']),
                target: '#leadership.releasing.handingOver',
                actions: ['storeAnswered', 'winTerm'],
              },
              {
                guard: and(['isReply', 'isInTime']),
                target: 'recording',
                actions: ['storeAnswered', 'winTerm'],
              },
              {
                guard: 'isReply',
                target: '#leadership.follower.watching',
                actions: ['storeAnswered', 'waitToRetry'],
              },
            ],
            'lease.held': [
              {
                guard: and(['isReply', 'isOutdated']),
                target: '#leadership.follower.watching',
                actions: ['storeAnswered', 'doubtVacancy', 'waitForTurn'],
              },
              {
                guard: 'isReply',
                target: '#leadership.follower.watching',
                actions: ['storeAnswered', 'learnLease', 'waitForKnown'],
              },
            ],
            // May overtake the reply that still speaks of this lease.
            'release.observed': { guard: 'isVacancy', actions: 'learnVacancy' },
            'lease.quarantined': {
              guard: 'isReply',
              target: '#leadership.follower.waitingOut',
              actions: ['storeAnswered', 'learnLoss', 'sitOut'],
            },
            'attempt.refused': {
              guard: 'isReply',
              target: '#leadership.follower.watching',
              actions: ['storeAnswered', 'learnAttempt', 'waitToRetry'],
            },
            'store.failed': {
              guard: 'isReply',
              target: '#leadership.follower.backingOff',
              actions: ['storeFailed', 'backOff'],
            },
            stop: { target: '#leadership.releasing.withdrawing', actions: 'setStopping' },
          },
        },
        /** The term is won but not begun: its record comes first. */
        recording: {
          entry: { type: 'awaitJournal', params: ({ context: { term } }) => ({ term }) },
          after: {
            journalDeadline: [
              {
                guard: 'obeysJournal',
                target: '#leadership.releasing.handingOver',
                actions: ['journalFailed', 'standBack'],
              },
              // The process may have been frozen meanwhile.
              {
                guard: 'termStands',
                target: '#leadership.leader',
                actions: ['journalFailed', 'beginTerm'],
              },
              { target: '#leadership.follower', actions: ['journalFailed', 'waitToRetry'] },
            ],
          },
          on: {
            'journal.committed': [
              { guard: and(['isCommit', 'termStands']), target: '#leadership.leader', actions: 'beginTerm' },
              { guard: 'isCommit', target: '#leadership.follower', actions: 'waitToRetry' },
            ],
            'journal.failed': [
              {
                guard: 'obeysJournal',
                target: '#leadership.releasing.handingOver',
                actions: ['journalFailed', 'standBack'],
              },
              { guard: 'termStands', target: '#leadership.leader', actions: ['journalFailed', 'beginTerm'] },
              { target: '#leadership.follower', actions: ['journalFailed', 'waitToRetry'] },
            ],
            'clock.moved': { guard: 'termIsOver', target: '#leadership.follower', actions: 'waitToRetry' },
            pause: { target: '#leadership.releasing.handingOver', actions: 'setPaused' },
            resign: '#leadership.releasing.handingOver',
            stop: { target: '#leadership.releasing.handingOver', actions: 'setStopping' },
          },
        },
      },
    },

    leader: {
      initial: 'renewing',
      after: {
        untilDeadline: { target: 'follower', actions: ['endTerm', 'waitToRetry'] },
      },
      on: {
        'lease.renewed': [
          {
            guard: and(['isReply', 'termStands', 'isInTime']),
            target: '.held',
            // Leaves and enters again, so that the deadline counts from this renewal.
            reenter: true,
            actions: ['storeAnswered', 'extendBelief', 'waitForRenewal'],
          },
          { guard: 'isReply', target: 'follower', actions: ['storeAnswered', 'endTerm', 'waitToRetry'] },
        ],
        'lease.denied': {
          guard: 'isReply',
          target: 'follower',
          actions: ['storeAnswered', 'endTerm', 'waitToRetry'],
        },
        'clock.moved': { guard: 'termIsOver', target: 'follower', actions: ['endTerm', 'waitToRetry'] },
        'journal.failed': [
          { guard: 'obeysJournal', target: 'releasing', actions: ['journalFailed', 'endTerm', 'standBack'] },
          { actions: 'journalFailed' },
        ],
        resign: { target: 'releasing', actions: 'endTerm' },
        stop: { target: 'releasing', actions: ['setStopping', 'endTerm'] },
        // Somebody may have freed or taken the lease by hand: the store knows.
        'release.observed': { guard: 'concernsTerm', target: '.renewing' },
        'lease.observed': { guard: 'concernsTerm', target: '.renewing' },
      },
      states: {
        held: { after: { untilRenewal: 'renewing' } },
        renewing: {
          entry: 'askForRenewal',
          after: { callTimeout: { target: 'retrying', actions: ['storeFailed', 'waitToRetry'] } },
          on: {
            'store.failed': { guard: 'isReply', target: 'retrying', actions: ['storeFailed', 'waitToRetry'] },
          },
        },
        retrying: { after: { untilRetry: 'renewing' } },
      },
    },

    releasing: {
      initial: 'draining',
      on: { stop: { actions: 'setStopping' } },
      states: {
        /** The term's signal is aborted; running work gets a bounded time to settle. */
        draining: {
          entry: { type: 'awaitWork', params: ({ context }) => ({ token: context.term?.token ?? '0' }) },
          after: { untilDrained: 'handingOver' },
          on: { 'work.settled': 'handingOver' },
        },
        /** A request is still on its way: if it wins, the lease is handed over. */
        withdrawing: {
          after: { callTimeout: 'handedOver' },
          on: {
            'lease.acquired': { guard: 'isReply', target: 'handingOver', actions: 'winTerm' },
            'lease.held': { guard: 'isReply', target: 'handedOver' },
            'lease.quarantined': { guard: 'isReply', target: 'handedOver' },
            'attempt.refused': { guard: 'isReply', target: 'handedOver' },
            'store.failed': { guard: 'isReply', target: 'handedOver' },
          },
        },
        handingOver: {
          entry: 'askForRelease',
          after: { callTimeout: 'handedOver' },
          on: {
            'lease.released': { guard: 'isReply', target: 'handedOver' },
            'store.failed': { guard: 'isReply', target: 'handedOver' },
          },
        },
        handedOver: {
          always: [
            { guard: 'isStopping', target: '#leadership.stopped' },
            { target: '#leadership.follower.waitingOut', actions: 'sitOut' },
          ],
        },
      },
    },

    stopped: { type: 'final' },
  },
});
