import type { AnyStateMachine } from 'xstate';
import { canonicalJson, digestOf } from '../journal/canonical.ts';
import { INLINE } from './xstate-shapes.ts';

/**
 * The structure of a chart as data: states, transitions, and the names of guards, actions, actors and delays. What
 * named code does inside is not part of it. A journal carries the structure it was written by, so that a later chart
 * can be judged before anything is replayed.
 */
export type MachineStructure = { readonly [stateId: string]: StateStructure };

/** What of one state decides behaviour, as text. */
export interface StateStructure {
  readonly type: string;
  readonly initial?: string;
  readonly history?: string;
  readonly entry?: readonly string[];
  readonly exit?: readonly string[];
  /** `id: source` of each invoked actor. */
  readonly invoke?: readonly string[];
  /** One line each: `event [guard] / action, action → #target`. */
  readonly on?: readonly string[];
}

/** What a change of the chart means for a journal that an earlier one wrote. */
export type Verdict = 'fine' | 'risky' | 'impossible';

/** Where two charts differ. */
export interface StructureDifference {
  readonly verdict: Verdict;
  /** Id of the state. */
  readonly state: string;
  readonly what: string;
}

/** Whether a chart can have written a journal, and why not. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly differences: readonly StructureDifference[];
}

interface Node {
  readonly id: string;
  readonly type: string;
  readonly history: false | string;
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly initial?: { readonly target: readonly Node[]; readonly actions: readonly unknown[] };
  readonly invoke: readonly { readonly id: string; readonly src: unknown; readonly systemId?: string }[];
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
  readonly states: Readonly<Record<string, Node>>;
}

interface Transition {
  readonly target?: readonly Node[];
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly reenter?: boolean;
}

/** By config: machines that `provide` makes of one differ in what their names stand for, not in structure. */
const known = new WeakMap<object, { readonly structure: MachineStructure; readonly hash: string }>();

/** Describes a machine's structure. Computed once for each chart. */
export function describeStructure(machine: AnyStateMachine): MachineStructure {
  return describe(machine).structure;
}

/** A hash over `describeStructure`: equal for charts that decide by the same names in the same way. */
export function structureHash(machine: AnyStateMachine): string {
  return describe(machine).hash;
}

function describe(machine: AnyStateMachine): { readonly structure: MachineStructure; readonly hash: string } {
  const config = machine.config as object;
  const before = known.get(config);
  if (before !== undefined) return before;
  const structure: Record<string, StateStructure> = {};
  collect(machine.root as unknown as Node, structure);
  const described = { structure, hash: digestOf(canonicalJson(structure as never)) };
  known.set(config, described);
  return described;
}

function collect(node: Node, into: Record<string, StateStructure>): void {
  const list = (key: string, items: readonly string[]) => (items.length > 0 ? { [key]: items } : {});
  const initial = node.type === 'compound' ? node.initial?.target.map(({ id }) => id).join(' ') : undefined;
  const always = (node.always ?? []).map((transition) => lineOf('always', transition));
  const on = [...node.transitions].flatMap(([event, transitions]) =>
    transitions.map((each) => lineOf(event, each)),
  );
  into[node.id] = {
    type: node.type,
    ...(initial !== undefined && { initial }),
    ...(node.type === 'history' && { history: String(node.history) }),
    ...list('entry', node.entry.map(actionName).filter(isNotAfter)),
    ...list('exit', node.exit.map(actionName).filter(isNotAfter)),
    ...list(
      'invoke',
      node.invoke.map(({ id, src }) => `${id}: ${typeof src === 'string' ? src : INLINE}`),
    ),
    ...list('on', [...always, ...on]),
  };
  for (const child of Object.values(node.states)) collect(child, into);
}

/** XState adds the timers of `after` to entry and exit; they are told by the transitions already. */
const isNotAfter = (action: string): boolean => !action.includes('xstate.after.');

function lineOf(event: string, { guard, actions, target, reenter }: Transition): string {
  const guarded = guard === undefined ? '' : ` [${guardName(guard)}]`;
  const acting = actions.length === 0 ? '' : ` / ${actions.map(actionName).join(', ')}`;
  const going = target === undefined ? '' : ` → ${target.map(({ id }) => `#${id}`).join(' ')}`;
  return `${event}${guarded}${acting}${going}${reenter === true ? ' (reenter)' : ''}`;
}

interface BuiltIn {
  readonly type?: string;
  readonly resolve?: unknown;
  readonly check?: unknown;
  readonly guards?: readonly unknown[];
  readonly stateValue?: unknown;
  readonly id?: unknown;
  readonly sendId?: unknown;
  readonly event?: unknown;
  readonly name?: string;
}

function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  if (typeof action === 'object' && action !== null) return String((action as BuiltIn).type);
  const { type, resolve, id, sendId, event } = action as BuiltIn;
  if (resolve === undefined || type === undefined) return INLINE;
  const about = [id, sendId, (event as BuiltIn | undefined)?.type].find((name) => typeof name === 'string');
  return about === undefined ? type : `${type}(${about})`;
}

function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null) return String((guard as BuiltIn).type);
  const { check, guards, stateValue, name } = guard as BuiltIn;
  if (check === undefined) return INLINE;
  return `${name}(${guards === undefined ? JSON.stringify(stateValue) : guards.map(guardName).join(', ')})`;
}

/**
 * Judges whether a chart can have written, or go on from, what another structure wrote.
 *
 * @example
 * compareStructures(recorded, describeStructure(machine)).verdict; // 'fine' | 'risky' | 'impossible'
 */
export function compareStructures(recorded: MachineStructure, current: MachineStructure): Judgement {
  const differences: StructureDifference[] = [];
  for (const [state, was] of Object.entries(recorded)) {
    const is = current[state];
    if (is === undefined) differences.push({ verdict: 'impossible', state, what: 'the state is gone' });
    else if (was.type !== is.type) {
      differences.push({ verdict: 'impossible', state, what: `it was ${was.type} and is ${is.type}` });
    } else differences.push(...stateDifferences(state, was, is));
  }
  for (const state of Object.keys(current)) {
    // Nothing leads there unless some transition changed, and that is told by itself.
    if (recorded[state] === undefined) differences.push({ verdict: 'fine', state, what: 'the state is new' });
  }
  return { verdict: worst(differences.map(({ verdict }) => verdict)), differences };
}

export function worst(verdicts: readonly Verdict[]): Verdict {
  return (['impossible', 'risky'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'fine';
}

function* stateDifferences(
  state: string,
  was: StateStructure,
  is: StateStructure,
): Generator<StructureDifference> {
  for (const key of ['initial', 'history'] as const) {
    if (was[key] !== is[key])
      yield { verdict: 'risky', state, what: `${key} was ${was[key] ?? 'none'} and is ${is[key] ?? 'none'}` };
  }
  for (const key of ['entry', 'exit', 'invoke', 'on'] as const) {
    const before = was[key] ?? [];
    const after = is[key] ?? [];
    const gone = before.filter((line) => !after.includes(line));
    const added = after.filter((line) => !before.includes(line));
    for (const line of gone) yield { verdict: 'risky', state, what: `${key} no longer has ${line}` };
    for (const line of added) yield { verdict: 'risky', state, what: `${key} now has ${line}` };
    if (gone.length + added.length === 0 && before.join('\n') !== after.join('\n')) {
      yield { verdict: 'risky', state, what: `the order of ${key} changed` };
    }
  }
}
