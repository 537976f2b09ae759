import { describe, expect, it } from 'vitest';
import { assign, createActor, createMachine, fromPromise, setup, spawnChild, toPromise } from 'xstate';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { eventSourced, journalOf, lastSeqOf, writerOf } from '../../src/runtime/event-sourced.ts';
import { plainMachine } from '../../src/runtime/plain-machine.ts';
import { all } from './runtime-charts.ts';

/** A chart whose effects tell what they see. */
function lamp(see: (what: string) => void = () => {}) {
  return setup({
    types: {
      context: {} as { readonly switched: number },
      events: {} as { type: 'toggle' } | { type: 'break' } | { type: 'odd' },
    },
    actions: {
      light: (_, params: { readonly on: boolean }) => see(`light ${params.on}`),
      burst: () => {
        throw new Error('burst');
      },
      hum: () => see('hum'),
    },
  }).createMachine({
    id: 'lamp',
    version: '2.0.0',
    context: { switched: 0 },
    initial: 'off',
    entry: 'hum',
    options: { maxIterations: 100 },
    on: { break: { target: '.off', actions: ['hum', assign({ switched: 99 }), 'burst', 'hum'] } },
    states: {
      off: {
        entry: { type: 'light', params: { on: false } },
        on: {
          toggle: { target: 'on', actions: assign({ switched: ({ context }) => context.switched + 1 }) },
        },
      },
      on: { entry: { type: 'light', params: { on: true } }, on: { toggle: 'off' } },
    },
  });
}

const quiet = { error: () => {} };
const told = async (journal: ReturnType<typeof memoryJournal>) => {
  const records = await all(journal.export());
  return records.map(
    ({ seq, kind, event, from, to }) =>
      `${seq} ${kind} ${event.type} ${(from ?? '') as string} ${(to ?? '') as string}`,
  );
};

describe('an event-sourced machine', () => {
  it('is a machine: id, config, definition, version, events, implementations and resolveState are kept', () => {
    const machine = lamp();
    const logic = eventSourced(machine);
    expect(logic.id).toBe('lamp');
    expect(logic.config).toBe(machine.config);
    expect(logic.version).toBe('2.0.0');
    expect(logic.events).toEqual(machine.events);
    expect(JSON.stringify(logic.definition)).toBe(JSON.stringify(machine.definition));
    expect(logic.implementations).toBe(machine.implementations);
    expect(logic.resolveState({ value: 'on', context: { switched: 1 } }).matches('on')).toBe(true);
    expect(logic.getStateNodeById('lamp.on').key).toBe('on');
    expect(plainMachine(logic)).toBe(machine);
  });

  it('is still event-sourced after provide()', async () => {
    const journal = memoryJournal();
    const seen: string[] = [];
    const logic = eventSourced(lamp(), { journal }).provide({
      actions: { hum: () => seen.push('provided') },
    });
    const actor = createActor(logic).start();
    actor.send({ type: 'toggle' });
    expect(seen).toEqual(['provided']);
    expect(await told(journal)).toEqual(['1 init xstate.init  off', '2 event toggle off on']);
  });

  it('records nothing, claims nothing and carries out nothing before the actor starts', async () => {
    const journal = memoryJournal();
    const seen: string[] = [];
    const actor = createActor(
      eventSourced(
        lamp((what) => seen.push(what)),
        { journal, stream: 's' },
      ),
    );
    expect(actor.getSnapshot().value).toBe('off');
    expect(await journal.streams()).toEqual([]);
    expect(seen).toEqual([]);
    expect(() => writerOf(actor)).toThrow(/Call start/);
    actor.start();
    expect(seen).toEqual(['hum', 'light false']);
    expect((await journal.streams()).map(({ stream }) => stream)).toEqual(['s']);
  });

  it('records each step before its effects are carried out, the start included', () => {
    const seen: string[] = [];
    const journal = memoryJournal();
    const actor = createActor(
      eventSourced(
        lamp((what) => seen.push(`${what} @${lastSeqOf(actor)}`)),
        { journal },
      ),
    );
    actor.start();
    actor.send({ type: 'toggle' });
    expect(seen).toEqual(['hum @1', 'light false @1', 'light true @2']);
  });

  it('starts children only after its start was recorded', () => {
    const journal = memoryJournal();
    const started: number[] = [];
    const work = fromPromise(async () => void started.push(lastSeqOf(actor)));
    const machine = setup({ actors: { work } }).createMachine({
      invoke: { src: 'work', id: 'w' },
      entry: spawnChild('work', { id: 'v' }),
    });
    const actor = createActor(eventSourced(machine, { journal }));
    actor.start();
    expect(started).toEqual([1, 1]);
  });

  it('records events that change nothing, and the stop without a state', async () => {
    const journal = memoryJournal();
    const actor = createActor(eventSourced(lamp(), { journal })).start();
    actor.send({ type: 'odd' });
    actor.stop();
    const records = await all(journal.export());
    expect(await told(journal)).toEqual([
      '1 init xstate.init  off',
      '2 event odd off off',
      '3 stop xstate.stop  ',
    ]);
    expect(records[2]).toMatchObject({ kind: 'stop', from: null, to: null, digest: '' });
  });

  it('records an actor that is done as soon as it starts, although XState never calls its start', async () => {
    const journal = memoryJournal();
    const seen: string[] = [];
    const machine = createMachine({
      id: 'brief',
      initial: 'over',
      output: 7,
      states: { over: { type: 'final', entry: () => seen.push('entered') } },
    });
    const actor = createActor(eventSourced(machine, { journal })).start();
    expect(await toPromise(actor)).toBe(7);
    expect(seen).toEqual(['entered']);
    expect(await told(journal)).toEqual(['1 init xstate.init  over']);
  });

  it('leaves an actor whose context cannot be computed to XState, and claims no stream for it', async () => {
    const journal = memoryJournal();
    const machine = createMachine({
      context: () => {
        throw new Error('no context');
      },
    });
    const errors: unknown[] = [];
    const actor = createActor(eventSourced(machine, { journal }));
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    expect(errors).toEqual([new Error('no context')]);
    expect(await journal.streams()).toEqual([]);
  });

  it('rolls the state back when an action throws, as XState does, and records the fault', async () => {
    const journal = memoryJournal();
    const seen: string[] = [];
    const machine = lamp((what) => seen.push(what));
    const actor = createActor(eventSourced(machine, { journal }));
    const plain = createActor(lamp());
    for (const each of [actor, plain]) {
      each.subscribe(quiet);
      each.start();
      each.send({ type: 'toggle' });
      each.send({ type: 'break' });
    }
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'on', context: { switched: 1 } });
    expect(plain.getSnapshot()).toMatchObject({ status: 'error', value: 'on', context: { switched: 1 } });
    // What came before the fault was carried out, what came after it was not.
    expect(seen).toEqual(['hum', 'light false', 'light true', 'hum']);
    const records = await all(journal.export());
    expect(await told(journal)).toEqual([
      '1 init xstate.init  off',
      '2 event toggle off on',
      '3 event break on off',
      '4 error conclave.fault off on',
    ]);
    expect(records[3]?.event.data).toEqual({
      phase: 'action',
      during: { type: 'break' },
      error: { $error: { name: 'Error', message: 'burst' } },
    });
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: 4 });
  });

  it('records a guard that throws as a fault of which nothing happened, and replays it', async () => {
    const journal = memoryJournal();
    const machine = setup({
      types: { events: {} as { type: 'go'; n: number } },
      guards: {
        bad: ({ event }) => {
          throw new Error(`bad ${event.n}`);
        },
      },
    }).createMachine({
      id: 'g',
      initial: 'a',
      states: { a: { on: { go: { guard: 'bad', target: 'b' } } }, b: {} },
    });
    const actor = createActor(eventSourced(machine, { journal }));
    actor.subscribe(quiet);
    actor.start();
    actor.send({ type: 'go', n: 4 });
    const records = await all(journal.export());
    expect(await told(journal)).toEqual(['1 init xstate.init  a', '2 error conclave.fault a a']);
    expect(records[1]?.event.data).toMatchObject({ phase: 'transition', during: { type: 'go', n: 4 } });
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: 2 });
  });

  it('records a fault of the start, which keeps the initial state', async () => {
    const journal = memoryJournal();
    const machine = createMachine({
      id: 's',
      initial: 'a',
      states: {
        a: {
          entry: () => {
            throw new Error('entry');
          },
        },
      },
    });
    const actor = createActor(eventSourced(machine, { journal }));
    actor.subscribe(quiet);
    actor.start();
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'a' });
    const records = await all(journal.export());
    expect(await told(journal)).toEqual(['1 init xstate.init  a', '2 error conclave.fault a a']);
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: 2 });
  });

  it('reports a stream in use as the error of the second actor, which then carries out nothing', async () => {
    const journal = memoryJournal();
    const options = { journal, stream: 'one' };
    createActor(eventSourced(lamp(), options)).start();
    const seen: string[] = [];
    const errors: { code?: string }[] = [];
    const second = createActor(
      eventSourced(
        lamp((what) => seen.push(what)),
        options,
      ),
    );
    second.subscribe({ error: (error) => errors.push(error as { code?: string }) });
    second.start();
    expect(errors[0]?.code).toBe('JOURNAL_IN_USE');
    expect(seen).toEqual([]);
    expect(await told(journal)).toHaveLength(1);
  });

  it('gives unnamed actors of one machine streams of their own', async () => {
    const logic = eventSourced(lamp());
    const [one, two] = [createActor(logic).start(), createActor(logic).start()];
    const streams = await journalOf(one).streams();
    expect(streams.map(({ stream }) => stream)).toEqual(['lamp', 'lamp~2']);
    expect(journalOf(two)).toBe(journalOf(one));
    one.stop();
    two.stop();
  });
});
