import { describe, expect, it, vi } from 'vitest';
import {
  assign,
  createActor,
  fromPromise,
  getNextSnapshot,
  initialTransition,
  raise,
  sendTo,
  setup,
  transition,
  waitFor,
  type AnyStateMachine,
  type InspectionEvent,
} from 'xstate';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { eventSourced, writerOf } from '../../src/runtime/event-sourced.ts';
import { assertPublicEvent, guardedSend } from '../../src/runtime/public-events.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all, counterChart, orderChart, settle } from './runtime-charts.ts';

describe('names of actors', () => {
  const spawner = setup({
    actors: { counter: counterChart },
    types: { context: {} as { refs: unknown[] } },
  }).createMachine({
    id: 'spawner',
    context: { refs: [] },
    on: {
      more: {
        actions: assign({
          refs: ({ spawn, context }) => [...context.refs, spawn('counter', { input: { from: 1 } })],
        }),
      },
      end: { actions: sendTo(({ context }) => context.refs[0] as never, { type: 'finish' } as never) },
    },
  });

  it('never carry the number XState draws, so that two runs make the same journal', async () => {
    const run = async () => {
      const journal = memoryJournal();
      const actor = createActor(eventSourced(spawner, { journal }), { clock: new VirtualClock() }).start();
      actor.send({ type: 'more' });
      actor.send({ type: 'more' });
      actor.send({ type: 'end' });
      const records = await all(journal.export());
      actor.stop();
      expect(actor.id).toBe('spawner');
      expect(replayAll(records, spawner)).toMatchObject({ divergence: null, matched: records.length });
      return JSON.stringify(
        records.map(({ event, effects, digest, cause }) => ({ event, effects, digest, cause })),
      );
    };
    const [one, two] = [await run(), await run()];
    expect(one).toBe(two);
    expect(one).not.toMatch(/x:\d/);
    expect(one).toContain('xstate.done.actor.spawner#2.1');
  });

  it('stay what the chart and the caller say', () => {
    const actor = createActor(eventSourced(spawner), { id: 'mine' }).start();
    expect(actor.id).toBe('mine');
    expect(writerOf(actor).header.stream).toBe('spawner/mine');
  });
});

describe('children', () => {
  it('may be event-sourced, below the stream of their parent, and tell it what they did', async () => {
    const journal = memoryJournal();
    const clock = new VirtualClock();
    const parent = setup({
      types: { context: {} as { told: number[] } },
      actors: { counter: eventSourced(counterChart, { journal }) },
    }).createMachine({
      id: 'parent',
      context: { told: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'kid', src: 'counter', input: { from: 1 }, onDone: 'idle' },
          on: {
            ping: { actions: sendTo('kid', { type: 'ping' }) },
            'child.told': {
              actions: assign({ told: ({ context, event }) => [...context.told, event.pings as number] }),
            },
          },
        },
        idle: {},
      },
    });
    const actor = createActor(eventSourced(parent, { journal }), { clock }).start();
    for (let n = 0; n < 2; n += 1) actor.send({ type: 'ping' });
    clock.advance(7_000);
    expect(actor.getSnapshot()).toMatchObject({ value: 'idle', context: { told: [3] } });
    const streams = await journal.streams();
    expect(streams.map(({ stream }) => stream)).toEqual(['parent', 'parent/kid']);
    const kid = await all(journal.read('parent/kid'));
    expect(kid.map(({ event }) => event.type)).toEqual([
      'xstate.init',
      'ping',
      'ping',
      'xstate.after.7000.counter.counting',
    ]);
    const own = await all(journal.read('parent'));
    expect(own.at(-1)).toMatchObject({ kind: 'done', source: 'invoke', cause: '1:0' });
    // Each is a fold of what it received itself; the child's message to its parent needs one there.
    expect(replayAll(kid, counterChart)).toMatchObject({ divergence: null, matched: 4 });
    expect(replayAll(own, parent)).toMatchObject({ divergence: null, matched: own.length });
    expect(kid[0]?.event.data).toMatchObject({ actor: 'kid', parent: 'parent' });
  });

  it('with a system id may be entered again, live and in a replay', async () => {
    const journal = memoryJournal();
    const machine = setup({ actors: { counter: counterChart } }).createMachine({
      id: 'again',
      initial: 'in',
      states: {
        in: {
          invoke: { id: 'c', systemId: 'the-counter', src: 'counter', input: { from: 0 } },
          on: { again: { target: 'in', reenter: true } },
        },
      },
    });
    const actor = createActor(eventSourced(machine, { journal }), { clock: new VirtualClock() }).start();
    const before = actor.system.get('the-counter') as object;
    for (let n = 0; n < 3; n += 1) actor.send({ type: 'again' });
    expect(actor.getSnapshot().status).toBe('active');
    expect(actor.system.get('the-counter')).not.toBe(before);
    expect(actor.system.get('the-counter')).toBe(actor.getSnapshot().children['c']);
    expect(replayAll(await all(journal.export()), machine)).toMatchObject({ divergence: null, matched: 4 });
  });

  it('that a state enters and leaves within one step are never started', () => {
    const started: string[] = [];
    const work = fromPromise(async () => void started.push('started'));
    const machine = setup({ actors: { work } }).createMachine({
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { invoke: { src: 'work', id: 'w' }, always: 'c' }, c: {} },
    });
    const actor = createActor(eventSourced(machine)).start();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot().value).toBe('c');
    expect(started).toEqual([]);
  });

  it('tell their snapshots, which are recorded as data and replay', async () => {
    const journal = memoryJournal();
    const machine = setup({
      types: { context: {} as { seen: number } },
      actors: { counter: counterChart },
    }).createMachine({
      id: 'watcher',
      context: { seen: 0 },
      invoke: {
        id: 'c',
        src: 'counter',
        input: { from: 5 },
        onSnapshot: {
          guard: ({ event }) => event.snapshot.matches('counting'),
          actions: assign({ seen: ({ event }) => event.snapshot.context.pings }),
        },
      },
      on: { ping: { actions: sendTo('c', { type: 'ping' }) } },
    });
    const actor = createActor(eventSourced(machine, { journal }), { clock: new VirtualClock() }).start();
    actor.send({ type: 'ping' });
    expect(actor.getSnapshot().context.seen).toBe(6);
    const records = JSON.parse(JSON.stringify(await all(journal.export()))) as never[];
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: records.length });
  });
});

describe('timers', () => {
  const chart = setup({
    types: { events: {} as { type: 'arm'; n: number } | { type: 'rang'; n: number } | { type: 'disarm' } },
  }).createMachine({
    id: 'alarm',
    on: {
      arm: {
        actions: raise(({ event }) => ({ type: 'rang' as const, n: event.n }), {
          delay: ({ event }) => event.n,
          id: 'bell',
        }),
      },
    },
    initial: 'calm',
    states: { calm: { after: { 250: 'late' } }, late: {} },
  });

  it('are told from outside events, those the chart named itself included, with the effect that set them', async () => {
    const journal = memoryJournal();
    const clock = new VirtualClock();
    const actor = createActor(eventSourced(chart, { journal }), { clock }).start();
    actor.send({ type: 'rang', n: 0 });
    actor.send({ type: 'arm', n: 100 });
    clock.advance(300);
    const records = await all(journal.export());
    expect(
      records.slice(1).map(({ kind, source, event, cause }) => [kind, source, event.type, cause]),
    ).toEqual([
      ['event', 'external', 'rang', undefined],
      ['event', 'external', 'arm', undefined],
      ['timer', 'timer', 'rang', '3:0'],
      ['timer', 'timer', 'xstate.after.250.alarm.calm', undefined],
    ]);
  });

  it('say when they fired, since a chart reads no clock', async () => {
    const journal = memoryJournal();
    const clock = new VirtualClock({ monotonicMs: 1_000 });
    createActor(eventSourced(chart, { journal }), { clock }).start();
    clock.advance(300);
    expect((await all(journal.export())).at(-1)?.event.data).toEqual({ at: 1_250 });
  });
});

describe('around it', () => {
  it('pure functions of XState work on it and record nothing', async () => {
    const journal = memoryJournal();
    const logic = eventSourced(orderChart, { journal });
    const [snapshot, effects] = initialTransition(logic, { limit: 2 });
    const [plain, plainEffects] = initialTransition(orderChart, { limit: 2 });
    expect(snapshot.value).toEqual(plain.value);
    expect(effects.map(({ type }) => type)).toEqual(plainEffects.map(({ type }) => type));
    const remind = { type: 'remind', afterMs: 5 } as const;
    const [next, asked] = transition(logic, snapshot, remind);
    expect(asked.map(({ type }) => type)).toEqual(
      transition(orderChart, plain, remind)[1].map(({ type }) => type),
    );
    expect(next.value).toEqual(plain.value);
    // eslint-disable-next-line typescript/no-deprecated -- it exists, so it must work
    expect(getNextSnapshot(logic, snapshot, { type: 'again' }).value).toEqual(plain.value);
    expect(await journal.streams()).toEqual([]);
  });

  it('waitFor, subscribe, emitted events and getPersistedSnapshot work on its actors', async () => {
    const clock = new VirtualClock();
    const actor = createActor(eventSourced(orderChart), { clock, input: { limit: 2 } });
    const progress: string[] = [];
    actor.on('order.progress', ({ step }) => progress.push(step));
    actor.start();
    actor.send({ type: 'place', items: ['a'], at: new Date(0) });
    actor.send({ type: 'pay', cents: 5n });
    const sold = await waitFor(actor, (snapshot) => snapshot.matches({ sale: 'sold' }));
    expect(sold.context.attempts).toBe(1);
    expect(progress).toEqual(['charging', 'sold']);
    expect(actor.getPersistedSnapshot()).toMatchObject({ status: 'active', value: sold.value });
    actor.stop();
  });

  it('inspectors see the same events and snapshots as of a bare machine, and can draw it', async () => {
    const inspected = async (machine: AnyStateMachine) => {
      const seen: string[] = [];
      const inspect = (event: InspectionEvent) => {
        if (event.type === '@xstate.event') seen.push(`event ${event.event.type}`);
        if (event.type === '@xstate.snapshot')
          seen.push(`snapshot ${JSON.stringify((event.snapshot as { value?: unknown }).value)}`);
        if (event.type === '@xstate.action') seen.push(`action ${event.action.type}`);
        if (event.type === '@xstate.actor' && seen.length === 0) {
          seen.push(
            JSON.stringify((event.actorRef as unknown as { logic: { config: unknown } }).logic.config),
          );
        }
      };
      const clock = new VirtualClock();
      const actor = createActor(machine, { clock, inspect, input: { limit: 2 } } as never);
      actor.start();
      actor.send({ type: 'place', items: ['a'], at: new Date(0) });
      clock.advance(1_000);
      await settle();
      actor.stop();
      return seen;
    };
    expect(await inspected(eventSourced(orderChart))).toEqual(await inspected(orderChart));
  });
});

describe('events from outside', () => {
  it.each(['xstate.after.1000.lamp.off', 'xstate.done.actor.x', 'xstate.stop', 'conclave.fault'])(
    'of type %s are refused',
    (type) => {
      const send = vi.fn();
      expect(() => guardedSend({ send }, { type })).toThrow(
        expect.objectContaining({ code: 'EVENT_RESERVED' }),
      );
      expect(send).not.toHaveBeenCalled();
    },
  );

  it('of any other type go through', () => {
    const send = vi.fn();
    guardedSend({ send }, { type: 'xstatement' });
    expect(send).toHaveBeenCalledWith({ type: 'xstatement' });
    expect(() => assertPublicEvent({ type: 'conclavE.x' })).not.toThrow();
  });
});
