import { describe, expect, it } from 'vitest';
import { createActor, createMachine, raise, setup, type AnyStateMachine } from 'xstate';
import type { ConclaveError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all } from './runtime-charts.ts';

/** Two states that time out into each other: with a delay that XState takes for now, a loop that eats all memory. */
const pingPong = (patience: unknown): AnyStateMachine =>
  createMachine(
    {
      id: 'pingPong',
      initial: 'idle',
      states: {
        idle: { on: { go: 'ping' } },
        ping: { after: { patience: 'pong' } },
        pong: { after: { patience: 'ping' } },
      },
    },
    { delays: patience === 'missing' ? {} : { patience: () => patience as number } },
  );

function failureOf(machine: AnyStateMachine, clock: object = new VirtualClock()): ConclaveError | undefined {
  let failure: ConclaveError | undefined;
  const actor = createActor(eventSourced(machine), { clock: clock as never });
  actor.subscribe({ error: (error) => (failure = error as ConclaveError) });
  actor.start();
  actor.send({ type: 'go' });
  actor.stop();
  return failure;
}

describe('a delay that is no finite number', () => {
  it.each([
    ['undefined', undefined],
    ['"5"', '5'],
    ['null', null],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['undefined', 'missing'],
  ])('fails the transition instead of being now: %s', (shown, patience) => {
    const failure = failureOf(pingPong(patience));
    expect(failure?.code).toBe('DELAY_INVALID');
    expect(failure?.message).toContain(
      `The delay "patience" in state pingPong.ping of "pingPong" is ${shown}.`,
    );
  });

  it('leaves the actor in the state it was in, and a replay agrees without looping', async () => {
    const journal = memoryJournal();
    const machine = pingPong(undefined);
    const actor = createActor(eventSourced(machine, { journal }), { clock: new VirtualClock() });
    actor.subscribe({ error: () => {} });
    actor.start();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'idle' });
    expect(replayAll(await all(journal.export()), machine)).toMatchObject({ divergence: null, matched: 2 });
  });

  it('is told of a raised event, too, by its id or type', () => {
    const machine = setup({}).createMachine({
      id: 'm',
      on: { go: { actions: raise({ type: 'late' }, { delay: () => Number.NaN, id: 'later' }) } },
    });
    expect(failureOf(machine as never)?.message).toContain('The delay "later" in {} of "m" is NaN.');
  });
});

describe('a delay', () => {
  it('that is over already waits for nothing', () => {
    const clock = new VirtualClock();
    const actor = createActor(eventSourced(pingPong(-20)), { clock }).start();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot().value).toBe('ping');
    clock.runNext();
    expect(clock.nowMs).toBe(0);
    expect(actor.getSnapshot().value).toBe('pong');
    actor.stop();
  });

  it('may be absent where an event is raised at once', () => {
    const machine = setup({}).createMachine({
      initial: 'a',
      states: {
        a: { on: { go: { actions: raise({ type: 'on' }, { delay: () => undefined as never }) }, on: 'b' } },
        b: {},
      },
    });
    const actor = createActor(eventSourced(machine)).start();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot().value).toBe('b');
  });

  it('longer than plain timers can wait is refused unless the actor has a clock that can', () => {
    const month = 30 * 86_400_000;
    const plain = { setTimeout: () => 1, clearTimeout: () => {} };
    expect(failureOf(pingPong(month), plain)?.message).toContain(
      'give createActor a clock that can, such as systemClock',
    );
    expect(failureOf(pingPong(month), systemClock)).toBeUndefined();
  });
});
