import { createEmptyActor, initialTransition, type SnapshotFrom } from 'xstate';
import {
  type AppliedRevision,
  type ConfigReloadEmitted,
  type ConfigReloadEvent,
  type ConfigReloadInput,
  configReloadMachine,
  type ReloadOrder,
  type ReloadStage,
  type Target,
} from '../../machines/index.ts';
import { CHANGED, failed } from './config-reload-member.ts';

/**
 * The real configuration-reload chart and a driver that answers in every way it may, in abstract time: any timer that
 * is set may fire next, any answer may come next, any input may come at any moment. Beside it a notary writes down
 * what was proved in the present attempt, so that promises can be checked without believing the chart.
 */

export type Snapshot = SnapshotFrom<typeof configReloadMachine>;

interface Request {
  readonly type: string;
  readonly attempt: number;
}

/** What the notary saw of the present attempt. */
interface Proof {
  readonly attempt: number;
  readonly sha: string | null;
  readonly stages: readonly string[];
  /** What was in force when it began. */
  readonly inForce: number | null;
  /** A commit was asked for, and neither succeeded nor was undone. */
  readonly dirty: boolean;
  /** How it was told to have ended. */
  readonly end: string | null;
}

export interface World {
  readonly snapshot: Snapshot;
  /** Events of pending timers, by id. */
  readonly timers: Readonly<Record<string, ConfigReloadEvent>>;
  /** The request that was neither answered nor given up. */
  readonly open: Request | null;
  readonly proof: Proof;
}

export interface Outcome {
  readonly world: World;
  /** A promise that this step broke. */
  readonly broken: string | null;
}

interface RawAction {
  readonly type: string;
  readonly params?: unknown;
}

const RESTING = ['idle', 'applied', 'rejected', 'waitingForFile', 'unhealthy', 'stopped'];
const NO_PROOF: Proof = { attempt: 0, sha: null, stages: [], inForce: null, dirty: false, end: null };
const PROVES: Readonly<Record<string, string>> = {
  'content.read': 'read',
  'content.parsed': 'parsed',
  'content.checked': 'checked',
  'handlers.prepared': 'prepared',
  'journal.committed': 'recorded',
  'journal.failed': 'recorded',
  'handlers.committed': 'committed',
};
const ENDS = new Set(['applied', 'unchanged', 'rejected', 'superseded', 'waitingForFile']);
const ALL_STAGES = ['read', 'parsed', 'checked', 'prepared', 'recorded', 'committed'];

const ignore = () => {};
/** One scope for all steps: nothing in it acts. */
const self = createEmptyActor();
const scope = {
  self,
  id: 'configReload',
  sessionId: 'configReload',
  logger: ignore,
  defer: ignore,
  emit: ignore,
  stopChild: ignore,
  actionExecutor: ignore,
  system: self.system,
};

export const isResting = ({ snapshot }: World): boolean => RESTING.some((state) => topOf(snapshot) === state);

export function topOf({ value }: Snapshot): string {
  return typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
}

type Machine = typeof configReloadMachine;

export function start(input: ConfigReloadInput, machine: Machine = configReloadMachine): World {
  const [snapshot] = initialTransition(machine, input);
  return { snapshot, timers: {}, open: null, proof: NO_PROOF };
}

/** What a step does to the world, and whether it breaks a promise. */
export function step(
  before: World,
  event: ConfigReloadEvent,
  machine: Machine = configReloadMachine,
): Outcome {
  const actions: RawAction[] = [];
  const actionExecutor = (action: RawAction) => void actions.push(action);
  const snapshot = machine.transition(before.snapshot, event, { ...scope, actionExecutor } as never);
  const isDeadline = event.type.startsWith('xstate.after.') && event.type.includes('Deadline');
  const isAnswer =
    'attempt' in event && event.attempt === before.open?.attempt && event.type !== 'health.failed';
  const timers = { ...before.timers };
  for (const [id, timer] of Object.entries(timers)) if (timer === event) delete timers[id];
  const world = {
    snapshot,
    timers,
    open: isDeadline || isAnswer ? null : before.open,
    proof: note(before, event),
  };
  let broken: string | null = null;
  for (const { type, params } of actions) {
    const { id, sendId, event: told, attempt } = (params ?? {}) as Record<string, unknown>;
    if (type === 'xstate.raise') timers[String(id)] = told as ConfigReloadEvent;
    else if (type === 'xstate.cancel') delete timers[String(sendId)];
    else if (type === 'xstate.emit') {
      broken ??= fact(before, world, told as ConfigReloadEmitted);
      world.proof = tell(world.proof, told as ConfigReloadEmitted);
    } else if (type.startsWith('request') || type === 'awaitJournal') {
      const request = { type, attempt: attempt as number };
      broken ??= asked(world, request);
      world.open = request;
      if (type === 'requestCommit') world.proof = { ...world.proof, dirty: true };
      if (type === 'requestRollback') world.proof = { ...world.proof, dirty: false };
      if (type === 'requestRead')
        world.proof = {
          ...NO_PROOF,
          attempt: request.attempt,
          inForce: snapshot.context.applied?.attempt ?? null,
        };
    }
  }
  if (broken === null && snapshot.context.run === null && world.proof.attempt > 0 && world.proof.end === null)
    broken = 'an attempt ended without a word';
  if (snapshot.context.run === null && world.proof.dirty) broken ??= 'a commit that failed was not undone';
  broken ??= rested(before, world, actions);
  return { world: snapshot.context.run === null ? { ...world, proof: NO_PROOF } : world, broken };
}

function note({ snapshot, proof }: World, event: ConfigReloadEvent): Proof {
  const stage = event.type.includes('journalDeadline') ? 'recorded' : PROVES[event.type];
  if (stage === undefined || ('attempt' in event && event.attempt !== snapshot.context.attempt)) return proof;
  const sha = event.type === 'content.read' ? event.sha : proof.sha;
  return { ...proof, sha, dirty: proof.dirty && stage !== 'committed', stages: [...proof.stages, stage] };
}

function asked({ open, snapshot: { context } }: World, { type, attempt }: Request): string | null {
  if (open !== null && (type !== 'requestAbort' || attempt !== open.attempt))
    return `${type} ${attempt} while ${open.type} ${open.attempt} is open`;
  const { run, knownBad } = context;
  if (type !== 'requestCheck' && type !== 'requestPrepare') return null;
  const known = knownBad.some(
    (bad) => bad.sha === run?.sha && (bad.dependencies === null || bad.dependencies === run.dependencies),
  );
  return known && run?.order?.force !== true ? `${type} for bytes that are known to be bad` : null;
}

function tell(proof: Proof, told: ConfigReloadEmitted): Proof {
  const ends = ENDS.has(told.type) && 'attempt' in told && told.attempt === proof.attempt;
  return ends ? { ...proof, end: told.type } : proof;
}

function fact(before: World, { snapshot, proof }: World, told: ConfigReloadEmitted): string | null {
  const { applied } = snapshot.context;
  if (ENDS.has(told.type) && 'attempt' in told && told.attempt === proof.attempt && proof.end !== null)
    return `an attempt was ${proof.end}, then ${told.type}`;
  if (told.type === 'applied') {
    const proved = proof.attempt === told.attempt && proof.sha === told.sha;
    if (!proved || proof.stages.join() !== ALL_STAGES.join()) return `applied on ${JSON.stringify(proof)}`;
  }
  if (told.type === 'rejected' && told.stage !== 'watching') {
    if (applied?.sha !== before.snapshot.context.applied?.sha) return 'a rejection changed what is in force';
    if (told.attempt === proof.attempt && (applied?.attempt ?? null) !== proof.inForce)
      return 'a rejected attempt changed what is in force';
  }
  return null;
}

/** What has to hold between steps. */
function rested(before: World, world: World, actions: readonly RawAction[]): string | null {
  const { context } = world.snapshot;
  const changed = context.applied?.attempt !== before.snapshot.context.applied?.attempt;
  const told = new Set(
    actions.map(({ params }) => (params as { event?: { type?: string } } | undefined)?.event?.type),
  );
  if (changed && !told.has('applied') && !told.has('rolledBack')) return 'what is in force changed silently';
  if (isResting(world)) {
    if (world.open !== null) return `${topOf(world.snapshot)} with ${world.open.type} open`;
    const { run, order, retreat, stopping } = context;
    if (run !== null) return 'at rest with a run';
    if (topOf(world.snapshot) !== 'stopped' && (order !== null || retreat !== null || stopping))
      return 'at rest with something to do';
  }
  const { order, retreat, stopping } = context;
  if (topOf(world.snapshot) === 'validating' && (order !== null || retreat !== null || stopping))
    return 'goes on although something newer came';
  if (context.run !== null && context.run.sha !== null && context.run.stage !== 'rollingBack') {
    if (context.run.target.sha !== null && context.run.target.sha !== context.run.sha)
      return 'goes on with other bytes than those asked for';
  }
  return null;
}

/** What the world may say, by the way it is asked. */
export interface Possibilities {
  readonly shas: readonly string[];
  readonly dependencies: readonly (string | null)[];
  readonly inputs: readonly ConfigReloadEvent[];
}

const fails = (stage: ReloadStage, rest: { transient?: boolean; dependencies?: string | null } = {}) =>
  ({ ...failed(stage, { ...rest, halfDone: ['cache'] }), at: 0 }) as const;

/** Every answer that this request may get. */
export function* answersTo(
  { type, attempt }: Request,
  world: World,
  can: Possibilities,
): Generator<ConfigReloadEvent> {
  const at = 0;
  const { run } = world.snapshot.context;
  if (type === 'requestRead') {
    for (const sha of can.shas)
      yield { type: 'content.read', at, attempt, sha, size: 1, where: 'f', dependencies: null };
    yield { type: 'content.missing', at, attempt };
    yield { ...fails('reading', { transient: true }), attempt };
    yield { ...fails('reading'), attempt };
  } else if (type === 'requestParse') {
    for (const dependencies of can.dependencies) yield { type: 'content.parsed', at, attempt, dependencies };
    yield { ...fails('parsing'), attempt };
  } else if (type === 'requestCheck') {
    yield { type: 'content.checked', at, attempt, changed: CHANGED };
    yield { ...fails('checking', { dependencies: run?.dependencies ?? null }), attempt };
  } else if (type === 'requestPrepare') {
    yield { type: 'handlers.prepared', at, attempt, handlers: ['cache'] };
    yield { ...fails('preparing'), attempt };
  } else if (type === 'awaitJournal') {
    yield { type: 'journal.committed', at, attempt };
    yield { type: 'journal.failed', at, attempt, error: { code: 'X', message: 'x' } };
  } else if (type === 'requestCommit') {
    yield { type: 'handlers.committed', at, attempt };
    yield { ...fails('committing'), attempt };
  } else if (type === 'requestAbort') {
    yield { type: 'handlers.aborted', at, attempt };
    yield { ...fails('aborting'), attempt };
  } else if (type === 'requestRollback') {
    yield { type: 'handlers.rolledBack', at, attempt };
    yield { ...fails('rollingBack'), attempt };
  }
}

const STAGES = [
  'reading',
  'parsing',
  'checking',
  'preparing',
  'committing',
  'aborting',
  'rollingBack',
] as const;
const REPLIES: readonly ConfigReloadEvent[] = [
  { type: 'content.read', at: 0, attempt: -1, sha: 'late', size: 1, where: 'f', dependencies: null },
  { type: 'content.missing', at: 0, attempt: -1 },
  { type: 'content.parsed', at: 0, attempt: -1, dependencies: 'late' },
  { type: 'content.checked', at: 0, attempt: -1, changed: CHANGED },
  { type: 'handlers.prepared', at: 0, attempt: -1, handlers: [] },
  { type: 'handlers.committed', at: 0, attempt: -1 },
  { type: 'handlers.aborted', at: 0, attempt: -1 },
  { type: 'handlers.rolledBack', at: 0, attempt: -1 },
  { type: 'journal.committed', at: 0, attempt: -1 },
  { type: 'health.failed', at: 0, attempt: -1, error: { code: 'X', message: 'late' } },
  { type: 'watch.elapsed', attempt: -1 },
];
const LATE: readonly ConfigReloadEvent[] = [
  ...REPLIES,
  ...STAGES.map((stage) => Object.assign(fails(stage), { attempt: -1 })),
];

/** An answer to an attempt that is over which this state would not ignore. */
export function heedsLate({ snapshot }: World, machine: Machine = configReloadMachine): string | null {
  const late = LATE.find((event) => machine.transition(snapshot, event, scope as never) !== snapshot);
  return late ? `heeds a late ${late.type}` : null;
}

/** Everything that can happen next, with who makes it happen. */
export function* nexts(
  world: World,
  can: Possibilities,
): Generator<readonly ['timer' | 'answer' | 'input', ConfigReloadEvent]> {
  for (const timer of Object.values(world.timers)) yield ['timer', timer];
  if (world.open) for (const answer of answersTo(world.open, world, can)) yield ['answer', answer];
  const { applied } = world.snapshot.context;
  for (const input of can.inputs) yield ['input', input];
  if (applied && !applied.confirmed)
    yield [
      'input',
      { type: 'health.failed', at: 0, attempt: applied.attempt, error: { code: 'X', message: 'sick' } },
    ];
}

/** What of the world decides what can follow: times, numbers and texts do not, only which of them are equal. */
export function keyOf({ snapshot, timers, open, proof }: World): string {
  const { context, value } = snapshot;
  const { applied, fallback, desired, order, run, rejection, trouble, retreat, lastGood, stopping } = context;
  // Without a head generations are only counted.
  const known = [applied, fallback, desired, lastGood, order?.target, run?.target, run?.order?.target];
  const generations = [
    ...new Set([...known, rejection?.order?.target].map((each) => each?.generation ?? -1)),
  ];
  const rank = (generation: number | null) =>
    context.followsHead && generation !== null ? generations.indexOf(generation) : null;
  const target = (of: Target | null | undefined) => of && [rank(of.generation), of.sha];
  const wish = (of: ReloadOrder | null | undefined) =>
    of && [of.trigger === 'head', of.urgent, of.force, target(of.target)];
  const revision = (of: AppliedRevision | null) =>
    of && [rank(of.generation), of.sha, of.dependencies, of.confirmed];
  const pending = Object.entries(timers).filter(
    ([, event]) => !('attempt' in event) || event.attempt === applied?.attempt,
  );
  return JSON.stringify([
    value,
    context.followsHead,
    revision(applied),
    revision(fallback),
    desired && [rank(desired.generation), desired.sha],
    wish(order),
    run && [run.stage, wish(run.order), target(run.target), run.sha, run.dependencies],
    rejection && [
      rejection.transient,
      rejection.sha === lastGood?.sha,
      rejection.transient && wish(rejection.order),
    ],
    trouble !== null,
    retreat && [retreat.cause, retreat.attempt === applied?.attempt, retreat.attempt === context.attempt],
    stopping,
    context.knownBad.map((bad) => `${bad.sha} ${bad.dependencies}`).toSorted(),
    pending.map(([id]) => id).toSorted(),
    open && [open.type, open.attempt === context.attempt],
    [proof.sha, proof.stages.length, proof.inForce === (applied?.attempt ?? null), proof.end],
  ]);
}
