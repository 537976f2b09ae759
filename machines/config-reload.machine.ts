import { and, setup } from 'xstate';
import type {
  CommitParams,
  ConfigReloadContext,
  ConfigReloadEmitted,
  ConfigReloadEvent,
  ConfigReloadInput,
  ReadParams,
  Revision,
  RollbackParams,
  StageParams,
} from './config-reload.events.ts';

/**
 * One member's reloading of its configuration.
 *
 * What it guarantees: a configuration is in force (`applied` in the context) only after these very bytes were read,
 * parsed, checked, prepared by every handler, recorded (unless `onJournalFailure` is 'continue') and committed in one
 * attempt; whatever fails before leaves the one in force alone, and what fails in the middle of a commit is undone. One attempt at a time: the next begins only
 * after the last was answered or its deadline has passed. The newest input wins: it is noted wherever it comes and
 * ends an attempt that has not begun to commit. Bytes that were rejected are not tried again unless that is forced
 * or what they refer to has changed. What it leaves to its surroundings: to answer each `request…` effect with a fact
 * that carries the same attempt number, and to never let the content itself, only its hash, come near this chart.
 *
 * Nothing here reads a clock: times come with events and only become delays. What has no body here gets it
 * from `config-reload.rules.ts`; effects get theirs from whoever runs the chart.
 */

export const configReloadChart = setup({
  types: {
    context: {} as ConfigReloadContext,
    events: {} as ConfigReloadEvent,
    emitted: {} as ConfigReloadEmitted,
    input: {} as ConfigReloadInput,
  },
  actions: {
    // Effects.
    requestRead: (_, _params: ReadParams) => {},
    requestParse: (_, _params: StageParams) => {},
    requestCheck: (_, _params: StageParams) => {},
    requestPrepare: (_, _params: StageParams) => {},
    awaitJournal: (_, _params: StageParams) => {},
    requestCommit: (_, _params: CommitParams) => {},
    requestAbort: (_, _params: StageParams) => {},
    requestRollback: (_, _params: RollbackParams) => {},
    watchHealth: (_, _params: { attempt: number; forMs: number }) => {},
    markGood: (_, _params: Revision) => {},
    // Requests: note the stage, then ask for the effect.
    askForContent: () => {},
    askForParse: () => {},
    askForCheck: () => {},
    askForPrepare: () => {},
    askForRecord: () => {},
    askForCommit: () => {},
    askForAbort: () => {},
    askForUndo: () => {},
    askForRollback: () => {},
    // What is asked of this member.
    noteOrder: () => {},
    noteHead: () => {},
    noteRetreat: () => {},
    noteRetry: () => {},
    noteLastGood: () => {},
    // What an attempt finds.
    learnContent: () => {},
    learnDependencies: () => {},
    learnChanges: () => {},
    learnHandlers: () => {},
    noteRejection: () => {},
    noteKnownBad: () => {},
    journalFailed: () => {},
    abortFailed: () => {},
    // How it ends.
    keepApplied: () => {},
    waitForFile: () => {},
    supersede: () => {},
    apply: () => {},
    keepWatch: () => {},
    tellUndone: () => {},
    returnToFallback: () => {},
    admitHalfDone: () => {},
    admitAilment: () => {},
    adoptHead: () => {},
    confirm: () => {},
    concludeRun: () => {},
    // Its settings.
    adoptTimings: () => {},
    setSource: () => {},
    setStopping: () => {},
  },
  guards: {
    // Replies, and what they tell.
    isReply: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    isFailure: ({ context, event }) =>
      event.type === 'stage.failed' &&
      event.attempt === context.attempt &&
      event.stage === context.run?.stage,
    isOtherContent: () => false,
    isInForce: () => false,
    isKnownBad: () => false,
    // What sets off a reload or a rollback.
    /** There is something to reload: without a head to follow nobody knows what is wanted. */
    hasSource: ({ context, event }) =>
      !context.followsHead || context.desired !== null || (event.type === 'reload' && event.target !== null),
    /** The own file matters: always without a head, else while what the head wants is not in force. */
    concernsFile: ({ context: { followsHead, desired, applied, trouble } }) =>
      !followsHead || (desired !== null && (desired.sha !== applied?.sha || trouble !== null)),
    /** Another wish than the last, older ones included: a head that lost its newest data is still the head. */
    isNews: ({ context: { followsHead, desired }, event }) =>
      event.type === 'head.changed' &&
      followsHead &&
      (desired?.generation !== event.generation || desired.sha !== event.sha),
    isAtHead: ({ context: { order, desired, applied, trouble } }) =>
      order?.trigger === 'head' && applied !== null && desired?.sha === applied.sha && trouble === null,
    canRollBack: ({ context: { run, fallback, applied } }) =>
      run?.stage === 'committing' ? applied !== null : run?.stage !== 'rollingBack' && fallback !== null,
    isOnProbation: ({ context: { applied, trouble, retreat }, event }) =>
      'attempt' in event &&
      event.attempt === applied?.attempt &&
      !applied.confirmed &&
      trouble === null &&
      retreat === null,
    isCalled: ({ context }) => context.stopping || context.retreat !== null || context.order !== null,
    isCalledAtOnce: ({ context }) =>
      context.stopping || context.retreat !== null || context.order?.urgent !== false,
    // Where it leads.
    obeysJournal: ({ context }) => context.onJournalFailure === 'stop',
    isStopping: ({ context }) => context.stopping,
    mustRetreat: ({ context }) => context.retreat !== null,
    hasFallback: ({ context }) => context.fallback !== null,
    hasOrder: ({ context }) => context.order !== null,
    isUrgent: ({ context }) => context.order?.urgent === true,
    canBootLastGood: () => false,
    hasTrouble: ({ context }) => context.trouble !== null,
    wasRejected: ({ context }) => context.rejection !== null,
    mayPass: ({ context }) => context.rejection?.transient === true,
    hasApplied: ({ context }) => context.applied !== null,
    isConfirmed: ({ context }) => context.applied?.confirmed === true,
  },
  delays: {
    untilQuiet: () => 0,
    readDeadline: ({ context }) => context.timings.readMs,
    parseDeadline: ({ context }) => context.timings.parseMs,
    checkDeadline: ({ context }) => context.timings.checkMs,
    prepareDeadline: ({ context }) => context.timings.prepareMs,
    journalDeadline: ({ context }) => context.timings.journalMs,
    commitDeadline: ({ context }) => context.timings.commitMs,
    abortDeadline: ({ context }) => context.timings.abortMs,
    rollbackDeadline: ({ context }) => context.timings.rollbackMs,
    untilRetry: () => 0,
  },
}).createMachine({
  id: 'configReload',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    applied: null,
    fallback: null,
    desired: null,
    order: null,
    run: null,
    rejection: null,
    trouble: null,
    retreat: null,
    failures: 0,
    stopping: false,
  }),
  initial: 'idle',
  // Input is noted wherever it comes; each state says when it looks (`isCalled`), and `settling` where it leads.
  on: {
    'file.changed': { guard: 'concernsFile', actions: 'noteOrder' },
    'file.missing': { guard: 'concernsFile', actions: 'noteOrder' },
    'dependencies.changed': { guard: 'hasSource', actions: 'noteOrder' },
    'head.changed': { guard: 'isNews', actions: ['noteHead', 'noteOrder'] },
    reload: { guard: 'hasSource', actions: 'noteOrder' },
    rollback: { guard: 'canRollBack', actions: 'noteRetreat' },
    'health.failed': { guard: 'isOnProbation', actions: 'noteRetreat' },
    'watch.elapsed': { guard: 'isOnProbation', actions: 'confirm' },
    'journal.failed': { actions: 'journalFailed' },
    follow: { actions: 'setSource' },
    configure: { actions: 'adoptTimings' },
    stop: { actions: 'setStopping' },
  },
  states: {
    /** Nothing was ever in force here. */
    idle: { always: { guard: 'isCalled', target: 'settling' } },

    debouncing: {
      always: { guard: 'isCalledAtOnce', target: 'settling' },
      after: { untilQuiet: 'validating' },
      on: {
        // Entered again, so that the wait counts from this change.
        'file.changed': { guard: 'concernsFile', target: 'debouncing', reenter: true, actions: 'noteOrder' },
        'file.missing': { guard: 'concernsFile', target: 'debouncing', reenter: true, actions: 'noteOrder' },
        'dependencies.changed': { target: 'debouncing', reenter: true, actions: 'noteOrder' },
      },
    },

    validating: {
      initial: 'reading',
      always: { guard: 'isCalled', target: 'aborting', actions: 'supersede' },
      on: { 'stage.failed': { guard: 'isFailure', target: 'aborting', actions: 'noteRejection' } },
      states: {
        reading: {
          entry: 'askForContent',
          after: { readDeadline: { target: '#configReload.aborting', actions: 'noteRejection' } },
          on: {
            'content.read': [
              {
                guard: and(['isReply', 'isOtherContent']),
                target: '#configReload.waitingForFile',
                actions: 'waitForFile',
              },
              {
                guard: and(['isReply', 'isInForce']),
                target: '#configReload.settling',
                actions: 'keepApplied',
              },
              {
                guard: and(['isReply', 'isKnownBad']),
                target: '#configReload.settling',
                actions: 'noteKnownBad',
              },
              { guard: 'isReply', target: 'parsing', actions: 'learnContent' },
            ],
            'content.missing': {
              guard: 'isReply',
              target: '#configReload.waitingForFile',
              actions: 'waitForFile',
            },
          },
        },
        /** Syntax, and what the bytes refer to: only now is known whether they mean what they meant before. */
        parsing: {
          entry: 'askForParse',
          after: { parseDeadline: { target: '#configReload.aborting', actions: 'noteRejection' } },
          on: {
            'content.parsed': [
              {
                guard: and(['isReply', 'isInForce']),
                target: '#configReload.settling',
                actions: 'keepApplied',
              },
              {
                guard: and(['isReply', 'isKnownBad']),
                target: '#configReload.settling',
                actions: 'noteKnownBad',
              },
              { guard: 'isReply', target: 'checking', actions: 'learnDependencies' },
            ],
          },
        },
        checking: {
          entry: 'askForCheck',
          after: { checkDeadline: { target: '#configReload.aborting', actions: 'noteRejection' } },
          on: {
            'content.checked': { guard: 'isReply', target: 'preparing', actions: 'learnChanges' },
          },
        },
        preparing: {
          entry: 'askForPrepare',
          after: { prepareDeadline: { target: '#configReload.aborting', actions: 'noteRejection' } },
          on: {
            'handlers.prepared': { guard: 'isReply', target: 'recording', actions: 'learnHandlers' },
          },
        },
        /** Ready but not begun: the record comes first. */
        recording: {
          entry: 'askForRecord',
          after: {
            journalDeadline: [
              {
                guard: 'obeysJournal',
                target: '#configReload.aborting',
                actions: ['journalFailed', 'noteRejection'],
              },
              { target: '#configReload.committing', actions: 'journalFailed' },
            ],
          },
          on: {
            'journal.committed': { guard: 'isReply', target: '#configReload.committing' },
            'journal.failed': [
              {
                guard: and(['isReply', 'obeysJournal']),
                target: '#configReload.aborting',
                actions: ['journalFailed', 'noteRejection'],
              },
              { guard: 'isReply', target: '#configReload.committing', actions: 'journalFailed' },
            ],
          },
        },
      },
    },

    /** The point of no return: what comes now has to wait. */
    committing: {
      entry: 'askForCommit',
      after: { commitDeadline: { target: 'undoing', actions: 'noteRejection' } },
      on: {
        'handlers.committed': { guard: 'isReply', target: 'settling', actions: ['apply', 'keepWatch'] },
        'stage.failed': {
          guard: 'isFailure',
          target: 'undoing',
          actions: 'noteRejection',
        },
      },
    },

    /** The next attempt waits for this: handlers are never asked twice at a time. */
    aborting: {
      entry: 'askForAbort',
      after: { abortDeadline: { target: 'settling', actions: 'abortFailed' } },
      on: {
        'handlers.aborted': { guard: 'isReply', target: 'settling' },
        'stage.failed': { guard: 'isFailure', target: 'settling', actions: 'abortFailed' },
      },
    },

    /** The commit failed midway: back to what is in force. */
    undoing: {
      entry: 'askForUndo',
      after: { rollbackDeadline: { target: 'settling', actions: 'admitHalfDone' } },
      on: {
        'handlers.rolledBack': { guard: 'isReply', target: 'settling', actions: 'tellUndone' },
        'stage.failed': { guard: 'isFailure', target: 'settling', actions: 'admitHalfDone' },
      },
    },

    /** What is in force does harm, or is not wanted any more: back to the one before. */
    rollingBack: {
      entry: 'askForRollback',
      after: { rollbackDeadline: { target: 'settling', actions: 'admitHalfDone' } },
      on: {
        'handlers.rolledBack': {
          guard: 'isReply',
          target: 'settling',
          actions: ['returnToFallback', 'keepWatch'],
        },
        'stage.failed': { guard: 'isFailure', target: 'settling', actions: 'admitHalfDone' },
      },
    },

    /** Where it leads: away, back, on to the newest order, or to rest. */
    settling: {
      entry: 'concludeRun',
      always: [
        { guard: 'isStopping', target: 'stopped' },
        { guard: and(['mustRetreat', 'hasFallback']), target: 'rollingBack' },
        { guard: 'mustRetreat', actions: 'admitAilment' },
        { guard: 'isAtHead', actions: 'adoptHead' },
        { guard: 'isUrgent', target: 'validating' },
        { guard: 'hasOrder', target: 'debouncing' },
        { guard: 'canBootLastGood', target: 'validating', actions: 'noteLastGood' },
        { guard: 'hasTrouble', target: 'unhealthy' },
        { guard: 'wasRejected', target: 'rejected' },
        { guard: 'hasApplied', target: 'applied' },
        { target: 'idle' },
      ],
    },

    /** The newest input is in force. */
    applied: {
      initial: 'watched',
      always: { guard: 'isCalled', target: 'settling' },
      states: {
        watched: { always: { guard: 'isConfirmed', target: 'confirmed' } },
        confirmed: {},
      },
    },

    /** The newest input is not; the one before stays. */
    rejected: {
      initial: 'held',
      always: { guard: 'isCalled', target: 'settling' },
      states: {
        held: { always: { guard: 'mayPass', target: 'retrying' } },
        retrying: { after: { untilRetry: { target: '#configReload.settling', actions: 'noteRetry' } } },
      },
    },

    /** The bytes that are wanted are not here yet. */
    waitingForFile: { always: { guard: 'isCalled', target: 'settling' } },

    /** Handlers are half done, or what is in force does harm and there is no way back. */
    unhealthy: { always: { guard: 'isCalled', target: 'settling' } },

    stopped: { type: 'final' },
  },
});
