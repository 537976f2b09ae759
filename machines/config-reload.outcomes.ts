import { setup } from 'xstate';
import type {
  ChangedKeys,
  ConfigReloadContext,
  ConfigReloadEmitted,
  ConfigReloadEvent,
  ConfigReloadInput,
  Revision,
  Trouble,
} from './config-reload.events.ts';
import { covers, generationOf, revisionOf, timeoutOf } from './config-reload.judgement.ts';

/** How an attempt ends: the part of the rules that changes what is in force, and tells of it. */

const chart = setup({
  types: {
    context: {} as ConfigReloadContext,
    events: {} as ConfigReloadEvent,
    emitted: {} as ConfigReloadEmitted,
    input: {} as ConfigReloadInput,
  },
  actions: {
    watchHealth: (_, _params: { attempt: number; forMs: number }) => {},
    markGood: (_, _params: Revision) => {},
  },
});

/** The timer of the health watch outlives the state it was set in: the next reload may begin meanwhile. */
const HEALTH_WATCH = 'healthWatch';
const NO_CHANGES: ChangedKeys = { live: [], restart: [], immutable: [], omitted: 0 };

const applying = {
  apply: chart.enqueueActions(({ context, enqueue }) => {
    const { attempt, run, applied, fallback, trouble, timings, knownBad } = context;
    if (!run || run.sha === null) return;
    const { sha, dependencies, handlers, order, changed } = run;
    const generation = generationOf(context);
    const confirmed = timings.healthMs === 0;
    const next = { generation, sha, dependencies, attempt, confirmed, handlers };
    // One that was never confirmed is a way back only if there is no better and it is not known to do harm.
    const worthKeeping = applied?.confirmed === true || (fallback === null && trouble === null);
    enqueue.assign({
      applied: next,
      generation: Math.max(context.generation, generation),
      fallback: worthKeeping ? applied : fallback,
      trouble: null,
      rejection: null,
      knownBad: knownBad.filter((bad) => !covers(bad, sha, dependencies)),
    });
    enqueue.emit({
      type: 'applied',
      attempt,
      trigger: order?.trigger ?? 'command',
      generation,
      sha,
      changed: changed ?? NO_CHANGES,
      previous: applied?.sha ?? null,
    });
  }),
  /** What was just put in force is on probation, or good at once if no probation is wanted. */
  keepWatch: chart.enqueueActions(({ context: { applied, timings }, enqueue }) => {
    if (!applied) return;
    const { attempt, generation, sha } = applied;
    enqueue.cancel(HEALTH_WATCH);
    if (applied.confirmed) {
      enqueue({ type: 'markGood', params: revisionOf(applied) });
      enqueue.emit({ type: 'confirmed', generation, sha });
    } else {
      enqueue({ type: 'watchHealth', params: { attempt, forMs: timings.healthMs } });
      enqueue.raise({ type: 'watch.elapsed', attempt }, { id: HEALTH_WATCH, delay: timings.healthMs });
    }
  }),
};

const undoing = {
  tellUndone: chart.enqueueActions(({ context: { attempt, run, applied }, enqueue }) => {
    enqueue.emit({
      type: 'rolledBack',
      attempt,
      cause: 'commit',
      from: run?.sha ?? null,
      generation: applied?.generation ?? null,
      sha: applied?.sha ?? null,
    });
  }),
  /** Without a head to follow it is a new generation with old content: no number ever means two contents. */
  returnToFallback: chart.enqueueActions(({ context, enqueue }) => {
    const { attempt, applied, fallback, retreat, followsHead, timings } = context;
    if (!applied || !fallback || !retreat) return;
    const { cause } = retreat;
    const generation = followsHead ? fallback.generation : context.generation + 1;
    const confirmed = fallback.confirmed || timings.healthMs === 0;
    enqueue.assign({
      applied: { ...fallback, attempt, generation, confirmed },
      generation: Math.max(context.generation, generation),
      fallback: null,
      retreat: null,
      trouble: null,
    });
    enqueue.emit({
      type: 'rolledBack',
      attempt,
      cause,
      from: applied.sha,
      generation,
      sha: fallback.sha,
    });
  }),
  admitHalfDone: chart.enqueueActions(({ context: { run }, event, enqueue }) => {
    const failed = event.type === 'stage.failed' ? event : null;
    const { message } = failed?.diagnostics[0] ?? timeoutOf('rollingBack');
    const halfDone = failed?.halfDone ?? run?.handlers ?? [];
    const trouble: Trouble = { code: 'CONFIG_HALF_DONE', message, halfDone };
    enqueue.assign({ trouble, retreat: null });
    enqueue.emit({ type: 'unhealthy', ...trouble });
  }),
  /** What is in force does harm, and there is nothing to return to. */
  admitAilment: chart.enqueueActions(({ context: { retreat }, enqueue }) => {
    if (!retreat) return;
    const trouble: Trouble = { ...retreat.error, halfDone: [] };
    enqueue.assign({ trouble, retreat: null });
    enqueue.emit({ type: 'unhealthy', ...trouble });
  }),
};

const keeping = {
  /** Nothing to do, but the generation may have another number now. */
  keepApplied: chart.enqueueActions(({ context, enqueue }) => {
    const { applied, run, attempt } = context;
    if (!applied) return;
    const generation = run?.target.generation ?? applied.generation;
    enqueue.assign({
      applied: { ...applied, generation },
      generation: Math.max(context.generation, generation),
    });
    enqueue.emit({ type: 'unchanged', attempt, generation, sha: applied.sha });
  }),
  /** The head wants what is in force already: no need to read it again. */
  adoptHead: chart.enqueueActions(({ context, enqueue }) => {
    const { applied, desired } = context;
    if (!applied || !desired) return;
    const { generation, sha } = desired;
    enqueue.assign({
      applied: { ...applied, generation },
      generation: Math.max(context.generation, generation),
      order: null,
      rejection: null,
    });
    enqueue.emit({ type: 'adopted', generation, sha });
  }),
  confirm: chart.enqueueActions(({ context: { applied }, enqueue }) => {
    if (!applied) return;
    const { generation, sha } = applied;
    enqueue.assign({ applied: { ...applied, confirmed: true } });
    enqueue({ type: 'markGood', params: revisionOf(applied) });
    enqueue.emit({ type: 'confirmed', generation, sha });
  }),
};

const ending = {
  supersede: chart.enqueueActions(({ context, enqueue }) => {
    const { attempt, run, order, retreat } = context;
    if (!run) return;
    enqueue.emit({ type: 'superseded', attempt, stage: run.stage, sha: run.sha });
    // A rollback for health is no newer input: what was being tried is tried again after it.
    if (retreat?.cause === 'health' && order === null && run.order)
      enqueue.assign({ order: { ...run.order, urgent: true } });
  }),
  waitForFile: chart.enqueueActions(({ context: { attempt, run }, event, enqueue }) => {
    if (!run) return;
    const { generation, sha } = run.target;
    const found = event.type === 'content.read' ? event.sha : null;
    enqueue.assign({ run: null, failures: 0 });
    enqueue.emit({ type: 'waitingForFile', attempt, generation, sha, found });
  }),
  concludeRun: chart.enqueueActions(({ context, enqueue }) => {
    const { attempt, run, rejection, retreat, applied, failures } = context;
    // Meant for something that is not in force any more, or never came to be.
    if (retreat && retreat.attempt !== applied?.attempt) enqueue.assign({ retreat: null });
    if (!run) return;
    enqueue.assign({ run: null, failures: rejection?.transient === true ? failures + 1 : 0 });
    if (!rejection) return;
    const { order: _, dependencies: __, ...told } = rejection;
    enqueue.emit({ type: 'rejected', attempt, ...told });
  }),
};

export const outcomes = { ...applying, ...undoing, ...keeping, ...ending };
