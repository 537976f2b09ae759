import { assertEvent, setup } from 'xstate';
import type {
  CommitParams,
  ConfigReloadContext,
  ConfigReloadEmitted,
  ConfigReloadEvent,
  ConfigReloadInput,
  KnownBad,
  ReadParams,
  ReloadFailure,
  ReloadStage,
  ReloadTrigger,
  RollbackParams,
  StageParams,
} from './config-reload.events.ts';
import {
  cappedChanges,
  cappedDiagnostics,
  covers,
  generationOf,
  problemOf,
  quietLeft,
  remembering,
  reportedAt,
  retryAfterMs,
  revisionOf,
  targetOf,
  timeoutOf,
} from './config-reload.judgement.ts';
import { outcomes } from './config-reload.outcomes.ts';

/**
 * What the named actions of the configuration-reload chart do, and the guards and delays that are more than a
 * glance: small pure steps over its context. `machines/index.ts` gives them to the chart.
 */

const chart = setup({
  types: {
    context: {} as ConfigReloadContext,
    events: {} as ConfigReloadEvent,
    emitted: {} as ConfigReloadEmitted,
    input: {} as ConfigReloadInput,
  },
  actions: {
    requestRead: (_, _params: ReadParams) => {},
    requestParse: (_, _params: StageParams) => {},
    requestCheck: (_, _params: StageParams) => {},
    requestPrepare: (_, _params: StageParams) => {},
    awaitJournal: (_, _params: StageParams) => {},
    requestCommit: (_, _params: CommitParams) => {},
    requestAbort: (_, _params: StageParams) => {},
    requestRollback: (_, _params: RollbackParams) => {},
  },
});

const WITHDRAWN: ReloadFailure = { code: 'CONFIG_ROLLED_BACK', message: 'Rolled back on request.' };
/** Stages that wait for disks, stores and journals: what fails there for want of time says nothing of the bytes. */
const PATIENT: ReadonlySet<ReloadStage> = new Set(['reading', 'parsing', 'recording']);
const TRIGGERS: Readonly<Record<string, ReloadTrigger>> = {
  'file.changed': 'file',
  'file.missing': 'file',
  'dependencies.changed': 'dependencies',
  'head.changed': 'head',
};

type Scope = { readonly context: ConfigReloadContext; readonly event: ConfigReloadEvent };

function shaOf({ context, event }: Scope): string | null {
  return event.type === 'content.read' ? event.sha : (context.run?.sha ?? null);
}

function dependenciesOf(event: ConfigReloadEvent): string | null {
  return 'dependencies' in event ? event.dependencies : null;
}

/** The part of XState's `enqueue` that these rules share. */
interface Enqueue {
  assign(change: Partial<ConfigReloadContext>): void;
  emit(event: ConfigReloadEmitted): void;
}

/** Remembers bytes as bad, and tells of those that memory had to let go. */
function remember(enqueue: Enqueue, { knownBad }: ConfigReloadContext, bad: KnownBad) {
  const remembered = remembering(knownBad, bad);
  enqueue.assign({ knownBad: remembered });
  const [oldest] = knownBad;
  if (
    oldest &&
    remembered.length === knownBad.length &&
    !remembered.includes(oldest) &&
    oldest.sha !== bad.sha
  )
    enqueue.emit({ type: 'forgotten', sha: oldest.sha });
}

const orders = {
  noteOrder: chart.assign(({ context: { order }, event }) => {
    assertEvent(event, ['file.changed', 'file.missing', 'dependencies.changed', 'head.changed', 'reload']);
    const { at, type } = event;
    const command = type === 'reload' ? event : null;
    const urgent = command !== null || type === 'head.changed';
    const continues = order !== null && !order.urgent && !urgent;
    return {
      order: {
        trigger: TRIGGERS[type] ?? 'command',
        since: continues ? order.since : at,
        at,
        urgent,
        force: command?.force ?? false,
        target: command?.target ?? null,
      },
    };
  }),
  noteHead: chart.assign(({ event }) => {
    assertEvent(event, 'head.changed');
    const { term, generation, sha } = event;
    return { desired: { term, generation, sha } };
  }),
  noteRetreat: chart.assign(({ context, event }) => {
    assertEvent(event, ['rollback', 'health.failed']);
    const { run, applied, attempt } = context;
    if (event.type === 'health.failed')
      return { retreat: { cause: 'health' as const, attempt: event.attempt, error: event.error } };
    // What is about to be applied is what the command means; older orders are no longer wanted.
    const leaves = run?.stage === 'committing' ? attempt : (applied?.attempt ?? attempt);
    return { retreat: { cause: 'command' as const, attempt: leaves, error: WITHDRAWN }, order: null };
  }),
  noteRetry: chart.assign(({ context: { rejection, followsHead, desired } }) => {
    const order = rejection?.order ?? null;
    if (order === null || (order.target === null && followsHead && desired === null)) return { order: null };
    return { order: { ...order, trigger: 'retry' as const, urgent: true } };
  }),
  noteLastGood: chart.assign(({ context: { lastGood, followsHead }, event }) => {
    if (lastGood === null) return {};
    const at = reportedAt(event) ?? 0;
    const target = { generation: followsHead ? lastGood.generation : null, sha: lastGood.sha };
    return { order: { trigger: 'lastGood' as const, since: at, at, urgent: true, force: false, target } };
  }),
};

const requests = {
  askForContent: chart.enqueueActions(({ context, enqueue }) => {
    const attempt = context.attempt + 1;
    const { order } = context;
    const target = targetOf(context, order);
    const run = { order, target, sha: null, dependencies: null, changed: null, handlers: [] };
    enqueue.assign({ attempt, run: { stage: 'reading', ...run }, order: null, rejection: null });
    enqueue.emit({ type: 'reloadStarted', attempt, trigger: order?.trigger ?? 'command' });
    enqueue({ type: 'requestRead', params: { attempt, sha: target.sha } });
  }),
  askForParse: asking('parsing', 'requestParse'),
  askForCheck: asking('checking', 'requestCheck'),
  askForPrepare: asking('preparing', 'requestPrepare'),
  askForRecord: asking('recording', 'awaitJournal'),
  askForAbort: asking('aborting', 'requestAbort'),
  askForCommit: chart.enqueueActions(({ context, enqueue }) => {
    const { attempt, run } = context;
    if (!run) return;
    enqueue.assign({ run: { ...run, stage: 'committing' } });
    enqueue({
      type: 'requestCommit',
      params: { attempt, sha: run.sha, generation: generationOf(context) },
    });
  }),
  askForUndo: chart.enqueueActions(({ context: { attempt, run, applied }, enqueue }) => {
    if (!run) return;
    enqueue.assign({ run: { ...run, stage: 'rollingBack' } });
    const to = applied && revisionOf(applied);
    enqueue({ type: 'requestRollback', params: { attempt, to, handlers: run.handlers } });
  }),
  askForRollback: chart.enqueueActions(({ context, enqueue }) => {
    const { applied, fallback, retreat } = context;
    if (!applied || !fallback || !retreat) return;
    const attempt = context.attempt + 1;
    const { generation, sha, dependencies, handlers } = applied;
    const problem = problemOf('watching', retreat.error);
    const target = { generation: fallback.generation, sha: fallback.sha };
    const rejection = {
      stage: 'watching' as const,
      generation,
      sha,
      dependencies,
      diagnostics: [problem],
      omitted: 0,
      transient: false,
      known: false,
      order: null,
    };
    enqueue.assign({
      attempt,
      run: { stage: 'rollingBack', order: null, target, sha, dependencies, changed: null, handlers },
      rejection: retreat.cause === 'command' ? null : rejection,
    });
    remember(enqueue, context, { sha, dependencies, stage: 'watching', problem });
    enqueue({ type: 'requestRollback', params: { attempt, to: revisionOf(fallback), handlers } });
  }),
};

/** Notes the stage and asks for its effect. */
function asking(
  stage: ReloadStage,
  type: 'requestParse' | 'requestCheck' | 'requestPrepare' | 'awaitJournal' | 'requestAbort',
) {
  return chart.enqueueActions(({ context: { attempt, run }, enqueue }) => {
    if (!run) return;
    enqueue.assign({ run: { ...run, stage } });
    enqueue({ type, params: { attempt, sha: run.sha } });
  });
}

const findings = {
  learnContent: chart.assign(({ context: { run }, event }) => {
    assertEvent(event, 'content.read');
    return !run ? {} : { run: { ...run, sha: event.sha, dependencies: event.dependencies } };
  }),
  learnDependencies: chart.assign(({ context: { run }, event }) => {
    assertEvent(event, 'content.parsed');
    return !run ? {} : { run: { ...run, dependencies: event.dependencies } };
  }),
  learnChanges: chart.assign(({ context: { run }, event }) => {
    assertEvent(event, 'content.checked');
    return !run ? {} : { run: { ...run, changed: cappedChanges(event.changed) } };
  }),
  learnHandlers: chart.assign(({ context: { run }, event }) => {
    assertEvent(event, 'handlers.prepared');
    return !run ? {} : { run: { ...run, handlers: event.handlers } };
  }),
  noteRejection: chart.enqueueActions(({ context, event, enqueue }) => {
    const { run } = context;
    if (!run) return;
    const { stage, sha, target, order } = run;
    const failed = event.type === 'stage.failed' ? event : null;
    const error = event.type === 'journal.failed' ? event.error : timeoutOf(stage);
    const capped = cappedDiagnostics(stage, failed?.diagnostics ?? [problemOf(stage, error)]);
    const transient = failed?.transient ?? PATIENT.has(stage);
    const dependencies = failed?.dependencies ?? run.dependencies;
    const { generation } = target;
    enqueue.assign({
      rejection: {
        stage,
        generation,
        sha: sha ?? target.sha,
        dependencies,
        ...capped,
        transient,
        known: false,
        order,
      },
      run: stage === 'committing' && failed ? { ...run, handlers: failed.halfDone } : run,
    });
    const [problem] = capped.diagnostics;
    // A hash that was asked for but not read says nothing of the bytes.
    if (!transient && sha !== null && problem)
      remember(enqueue, context, { sha, dependencies, stage, problem });
  }),
  noteKnownBad: chart.assign(({ context, event }) => {
    const { run, knownBad } = context;
    const sha = shaOf({ context, event });
    const bad = knownBad.find((each) => covers(each, sha, dependenciesOf(event)));
    if (!run || !bad) return {};
    return {
      rejection: {
        stage: bad.stage,
        generation: run.target.generation,
        sha,
        dependencies: bad.dependencies,
        diagnostics: [bad.problem],
        omitted: 0,
        transient: false,
        known: true,
        order: run.order,
      },
    };
  }),
  journalFailed: chart.enqueueActions(({ context: { onJournalFailure: policy }, event, enqueue }) => {
    const error = event.type === 'journal.failed' ? event.error : timeoutOf('recording');
    enqueue.emit({ type: 'journalFailed', error, policy });
  }),
  abortFailed: chart.enqueueActions(({ context: { attempt }, event, enqueue }) => {
    const [problem] = event.type === 'stage.failed' ? event.diagnostics : [];
    const { code, message } = problem ?? timeoutOf('aborting');
    enqueue.emit({ type: 'abortFailed', attempt, error: { code, message } });
  }),
};

const settings = {
  adoptTimings: chart.assign(({ event }) => {
    assertEvent(event, 'configure');
    return { timings: event.timings };
  }),
  setSource: chart.assign(({ context, event }) => {
    assertEvent(event, 'follow');
    if (event.head === context.followsHead) return {};
    return { followsHead: event.head, desired: null, order: null };
  }),
  setStopping: chart.assign({ stopping: true }),
};

const guards = {
  /** Not the bytes that were asked for. */
  isOtherContent: ({ context: { run }, event }: Scope) =>
    event.type === 'content.read' && run !== null && run.target.sha !== null && run.target.sha !== event.sha,
  /** While handlers are half done, what is in force is in force in name only. */
  isInForce: ({ context, event }: Scope) =>
    context.trouble === null && covers(context.applied, shaOf({ context, event }), dependenciesOf(event)),
  isKnownBad: ({ context, event }: Scope) =>
    context.run?.order?.force !== true &&
    context.knownBad.some((bad) => covers(bad, shaOf({ context, event }), dependenciesOf(event))),
  /** Nothing in force yet, and what should have been was rejected for good. */
  canBootLastGood: ({ context: { applied, lastGood, rejection, knownBad } }: Scope) =>
    applied === null &&
    lastGood !== null &&
    rejection !== null &&
    !rejection.transient &&
    rejection.sha !== lastGood.sha &&
    !knownBad.some((bad) => covers(bad, lastGood.sha, lastGood.dependencies)),
};

const delays = {
  untilQuiet: ({ context: { timings, order }, event }: Scope) => quietLeft(timings, order, reportedAt(event)),
  untilRetry: ({ context: { timings, failures } }: Scope) => retryAfterMs(timings, failures),
};

/** Everything `configReloadChart.provide` needs to be complete. */
export const configReloadImplementations = {
  actions: { ...orders, ...requests, ...findings, ...outcomes, ...settings },
  guards,
  delays,
};
