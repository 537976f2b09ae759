/**
 * What Stately's tools do with a chart's file, as far as it can be done without them: they read one file by itself, strip
 * its types, give it XState and nothing else, and draw what `createMachine` makes of it; or they import the JSON.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { runInThisContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import * as xstate from 'xstate';
import { configReloadMachine, leadershipMachine } from '../../machines/index.ts';
import { describeStructure } from '../../src/runtime/structure.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Everything the file exports, evaluated with no module but XState. */
function evaluated(path: string): Record<string, xstate.AnyStateMachine> {
  const plain = stripTypeScriptTypes(read(path), { mode: 'strip' });
  const [, wanted = ''] = /^import \{([^}]*)\} from 'xstate';$/m.exec(plain) ?? [];
  const body = plain
    .replace(/^import \{[^}]*\} from 'xstate';$/m, '')
    .replaceAll(/^export const (\w+)/gm, 'exported.$1');
  expect(body).not.toMatch(/^(import|export) /m);
  const exported: Record<string, xstate.AnyStateMachine> = {};
  const names = wanted.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const all = new Map<string, unknown>(Object.entries(xstate));
  const evaluate = runInThisContext(`(exported, ${names.join(', ')}) => {${body}}`) as (
    ...given: unknown[]
  ) => void;
  evaluate(exported, ...names.map((name) => all.get(name)));
  return exported;
}

describe.each([
  ['leadership', leadershipMachine],
  ['config-reload', configReloadMachine],
])('the chart %s', (name, complete) => {
  test('is one file that needs XState alone', () => {
    const [machine, ...more] = Object.values(evaluated(`machines/${name}.machine.ts`));
    expect(more).toEqual([]);
    expect(describeStructure(machine!)).toEqual(describeStructure(complete));
  });

  test('comes back from the JSON, state for state', () => {
    const config = JSON.parse(read(`visualizations/${name}.json`)) as xstate.MachineConfig<
      object,
      xstate.EventObject
    >;
    const states = (machine: xstate.AnyStateMachine) => Object.keys(describeStructure(machine));
    expect(states(xstate.createMachine(config))).toEqual(states(complete));
    expect(JSON.stringify(config)).not.toContain('(inline)');
  });
});
