import { createMachine } from 'xstate';
import { type ConfigReloadEvent, type ConfigReloadInput, configReloadMachine } from '../../machines/index.ts';
import { INPUT, problem } from './config-reload-member.ts';
import {
  heedsLate,
  isResting,
  keyOf,
  nexts,
  type Possibilities,
  start,
  step,
  topOf,
  type World,
} from './config-reload-model.ts';

/** Breadth-first search over everything that one member and its driver can do; what may come is part of a setting. */

export interface Setting extends Possibilities {
  readonly title: string;
  readonly given: Partial<ConfigReloadInput>;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** The steps that lead to a broken promise, and the promise. */
  readonly violation: readonly string[] | null;
  /** A state from which waiting alone does not lead to rest. */
  readonly stuck: string | null;
  readonly reached: ReadonlySet<string>;
  /** Whether all there is was seen. */
  readonly closed: boolean;
}

const at = 0;
const file: ConfigReloadEvent = { type: 'file.changed', at };
const environment: ConfigReloadEvent = { type: 'dependencies.changed', at };
const reload: ConfigReloadEvent = { type: 'reload', at, force: false, target: null };
const force: ConfigReloadEvent = { type: 'reload', at, force: true, target: null };
const rollback: ConfigReloadEvent = { type: 'rollback', at };
const stop: ConfigReloadEvent = { type: 'stop', at };
const follow = (head: boolean): ConfigReloadEvent => ({ type: 'follow', at, head });
const head = (generation: number, sha: string): ConfigReloadEvent => ({
  type: 'head.changed',
  at,
  term: 1,
  generation,
  sha,
});

export const SETTINGS = {
  changes: {
    title: 'its file changes, and an operator rolls back',
    given: {},
    shas: ['A', 'B'],
    dependencies: [null],
    inputs: [file, rollback],
  },
  stopping: {
    title: 'it is stopped at any moment',
    given: { onJournalFailure: 'stop' },
    shas: ['A'],
    dependencies: [null],
    inputs: [file, stop],
  },
  environment: {
    title: 'what its bytes refer to changes',
    given: {},
    shas: ['A'],
    dependencies: ['one', 'two'],
    inputs: [environment],
  },
  head: {
    title: 'the head moves',
    given: { followsHead: true },
    shas: ['A', 'B'],
    dependencies: [null],
    inputs: [head(1, 'A'), head(2, 'B')],
  },
  crash: {
    title: 'an earlier process was killed by one of two configurations',
    given: {
      onJournalFailure: 'stop',
      knownBad: [{ sha: 'B', dependencies: null, stage: 'watching', problem: problem('watching') }],
      lastGood: { generation: 1, sha: 'A', dependencies: null },
    },
    shas: ['A', 'B', 'C'],
    dependencies: [null],
    inputs: [reload],
  },
} as const satisfies Record<string, Setting>;

/** All of it at once. */
export const EVERYTHING: Setting = {
  title: 'everything at once',
  given: SETTINGS.crash.given,
  shas: ['A', 'B'],
  dependencies: [null],
  inputs: [file, force, rollback, stop, head(1, 'A'), head(2, 'B'), follow(true), follow(false)],
};

type Machine = typeof configReloadMachine;

export function explore(
  setting: Setting,
  statesMax: number,
  machine: Machine = configReloadMachine,
): Exploration {
  const first = start({ ...INPUT, ...setting.given }, machine);
  const worlds: World[] = [first];
  const numbers = new Map([[keyOf(first), 0]]);
  const parents: (readonly [number, ConfigReloadEvent] | null)[] = [null];
  const waiting: number[][] = [[]];
  const reached = new Set<string>();
  let transitions = 0;
  const result = (violation: readonly string[] | null, stuck: string | null = null) => ({
    states: worlds.length,
    transitions,
    violation,
    stuck,
    reached,
    closed: worlds.length < statesMax,
  });
  const path = (last: number, event: ConfigReloadEvent | null, broken: string) => {
    const steps = event === null ? [broken] : [labelOf(event), broken];
    for (let up = parents[last]; up; up = parents[up[0]]) steps.unshift(labelOf(up[1]));
    return result(steps);
  };
  for (const [number, world] of worlds.entries()) {
    reached.add(topOf(world.snapshot));
    if (topOf(world.snapshot) === 'stopped') continue;
    const late = heedsLate(world, machine);
    if (late !== null) return path(number, null, late);
    for (const [who, event] of nexts(world, setting)) {
      transitions += 1;
      const { world: next, broken } = step(world, event, machine);
      if (broken !== null) return path(number, event, broken);
      const key = keyOf(next);
      let to = numbers.get(key);
      if (to === undefined) {
        to = worlds.length;
        if (to >= statesMax) return result(null);
        numbers.set(key, to);
        worlds.push(next);
        parents.push([number, event]);
        waiting.push([]);
      }
      if (who === 'timer') waiting[to]?.push(number);
    }
  }
  return result(null, stuckIn(worlds, waiting));
}

function labelOf(event: ConfigReloadEvent): string {
  const { type, ...rest } = event;
  const named = rest as { readonly sha?: string; readonly stage?: string };
  return [type.replace(/^xstate\.after\./, ''), named.sha ?? named.stage].filter(Boolean).join(' ');
}

/** Follows timers backwards from rest. */
function stuckIn(worlds: readonly World[], waiting: readonly (readonly number[])[]): string | null {
  const calm = new Set(worlds.flatMap((world, number) => (isResting(world) ? [number] : [])));
  for (const number of calm) for (const before of waiting[number] ?? []) calm.add(before);
  const stuck = worlds.find((_, number) => !calm.has(number));
  return stuck ? JSON.stringify(stuck.snapshot.value) : null;
}

/** Part of a chart's configuration that a planted bug changes. */
export interface Part {
  [name: string]: Part & Part[];
}

/** The machine with a change in its chart: `state` finds a state by its path, the root by none. */
export function mutated(change: (state: (path: string) => Part) => void): Machine {
  const config = copy(configReloadMachine.config) as Part;
  change((path) =>
    (path === '' ? [] : path.split('.')).reduce((part: Part, name) => part['states']![name]!, config),
  );
  return createMachine(config, configReloadMachine.implementations as never) as unknown as Machine;
}

function copy(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(copy);
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, copy(value)]));
}
