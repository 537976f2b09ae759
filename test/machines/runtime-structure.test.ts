import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  createMachine,
  fromPromise,
  not,
  raise,
  setup,
  stateIn,
  type AnyStateMachine,
} from 'xstate';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { plainMachine } from '../../src/runtime/plain-machine.ts';
import { compareStructures, describeStructure, structureHash } from '../../src/runtime/structure.ts';
import { jobChart, orderChart } from './runtime-charts.ts';

const door = (states: object = {}) =>
  createMachine({
    id: 'door',
    initial: 'shut',
    states: {
      shut: { on: { open: 'ajar' } },
      ajar: { on: { close: 'shut' }, after: { 100: 'shut' } },
      ...states,
    },
  } as never);

const judged = (before: object, after: object) =>
  compareStructures(describeStructure(door(before)), describeStructure(door(after)));

describe('the structure of a chart', () => {
  it('names states, transitions, guards, actions, actors and delays', () => {
    const machine = setup({
      guards: { ready: () => true, calm: () => true },
      actions: { ring: () => {} },
      actors: { work: fromPromise(async () => {}) },
      delays: { patience: 5 },
    }).createMachine({
      id: 'm',
      type: 'parallel',
      states: {
        a: {
          initial: 'one',
          states: {
            one: {
              entry: ['ring', assign({}), raise({ type: 'x' }), () => {}],
              invoke: { id: 'w', src: 'work', onDone: 'two' },
              on: {
                go: { guard: and(['ready', not('calm'), stateIn({ b: 'c' })]), target: 'two', reenter: true },
              },
              after: { patience: 'two', 250: { actions: 'ring' } },
            },
            two: { type: 'final', always: { guard: () => true, actions: 'ring' } },
            past: { type: 'history', history: 'deep', target: 'two' },
          },
        },
        b: { initial: 'c', states: { c: {} } },
      },
    } as never) as unknown as AnyStateMachine;
    expect(describeStructure(machine)).toMatchObject({
      m: { type: 'parallel' },
      'm.a': { type: 'compound', initial: 'm.a.one' },
      'm.a.one': {
        type: 'atomic',
        entry: ['ring', 'xstate.assign', 'xstate.raise(x)', '(inline)'],
        invoke: ['w: work'],
      },
      'm.a.two': { type: 'final', on: ['always [(inline)] / ring'] },
      'm.a.past': { type: 'history', history: 'deep' },
    });
    expect(new Set(describeStructure(machine)['m.a.one']?.on)).toEqual(
      new Set([
        'xstate.after.250.m.a.one / ring',
        'xstate.after.patience.m.a.one → #m.a.two',
        'go [and(ready, not(calm), stateIn({"b":"c"}))] → #m.a.two (reenter)',
        'xstate.done.actor.w → #m.a.two',
      ]),
    );
  });

  it('has a hash that does not depend on what named code does, nor on who records it', () => {
    const provided = orderChart.provide({ actions: { touch: () => 1 }, delays: { holding: 1 } });
    expect(structureHash(provided)).toBe(structureHash(orderChart));
    expect(structureHash(plainMachine(eventSourced(orderChart)))).toBe(structureHash(orderChart));
    expect(structureHash(jobChart)).not.toBe(structureHash(orderChart));
    expect(structureHash(door())).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('a changed chart', () => {
  const locked = { locked: { on: { unlock: 'shut' } } };

  it('is fine if nothing that was there changed', () => {
    expect(judged({}, {})).toEqual({ verdict: 'fine', differences: [] });
    expect(judged({}, locked)).toEqual({
      verdict: 'fine',
      differences: [{ verdict: 'fine', state: 'door.locked', what: 'the state is new' }],
    });
  });

  it.each([
    [
      'another target',
      { locked: { on: { unlock: 'ajar' } } },
      ['on no longer has unlock → #door.shut', 'on now has unlock → #door.ajar'],
    ],
    [
      'one transition more',
      { locked: { on: { unlock: 'shut', kick: 'ajar' } } },
      ['on now has kick → #door.ajar'],
    ],
    [
      'another delay',
      { ajar: { on: { close: 'shut' }, after: { 200: 'shut' } }, ...locked },
      [
        'on no longer has xstate.after.100.door.ajar → #door.shut',
        'on now has xstate.after.200.door.ajar → #door.shut',
      ],
    ],
    ['an entry action', { locked: { on: { unlock: 'shut' }, entry: 'click' } }, ['entry now has click']],
    [
      'another order of guards',
      {
        locked: {
          on: {
            unlock: [
              { guard: 'b', target: 'shut' },
              { guard: 'a', target: 'shut' },
            ],
          },
        },
      },
      null,
    ],
  ])('is risky with %s', (_, after, what) => {
    const before =
      what === null
        ? {
            locked: {
              on: {
                unlock: [
                  { guard: 'a', target: 'shut' },
                  { guard: 'b', target: 'shut' },
                ],
              },
            },
          }
        : locked;
    const { verdict, differences } = judged(before, after);
    expect(verdict).toBe('risky');
    expect(differences.map((difference) => difference.what)).toEqual(what ?? ['the order of on changed']);
  });

  it('is impossible if a state is gone or of another type', () => {
    expect(judged(locked, {})).toMatchObject({
      verdict: 'impossible',
      differences: [{ state: 'door.locked', what: 'the state is gone' }],
    });
    expect(judged(locked, { locked: { type: 'final' } })).toMatchObject({
      verdict: 'impossible',
      differences: [{ what: 'it was atomic and is final' }],
    });
  });
});
