import { describe, expect, it } from 'vitest';
import { createActor, sendTo, setup } from 'xstate';
import type { ConclaveError } from '../../src/errors.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { memorySnapshotCache, takeSnapshot } from '../../src/journal/snapshot-cache.ts';
import { verify } from '../../src/journal/verify.ts';
import { eventSourced, lastSeqOf } from '../../src/runtime/event-sourced.ts';
import { recover } from '../../src/runtime/recovery.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all, counterChart } from './runtime-charts.ts';
import { born, crash, machine, reborn, world } from './runtime-recovery-world.ts';

describe('recovery', () => {
  it('of an empty stream makes a fresh actor', async () => {
    const { actor, recovered } = await reborn(world());
    expect(recovered).toMatchObject({ seq: 0, options: {}, ended: null });
    expect(actor.getSnapshot().value).toBe('idle');
    expect(lastSeqOf(actor)).toBe(1);
  });

  it('begins with a snapshot that fits, and folds only what came after it', async () => {
    const w = world();
    const cache = memorySnapshotCache();
    const first = born(w);
    first.send({ type: 'go' });
    for (let n = 0; n < 20; n += 1) first.send({ type: 'add', by: 1 });
    expect(await takeSnapshot(w.journal, 's', machine, cache)).toMatchObject({ seq: 22 });
    first.send({ type: 'add', by: 1 });
    await crash(first);
    const options = { journal: w.journal, stream: 's', clock: w.clock, boot: 'boot-1' };
    expect(await recover(machine, { ...options, cache })).toMatchObject({
      seq: 23,
      folded: 1,
      fromSnapshot: true,
    });
    const timers = (await recover(machine, { ...options, cache })).timers;
    expect(timers).toEqual((await recover(machine, options)).timers);
    expect(timers).toHaveLength(2);
  });

  it.each([
    { what: 'another chart', change: { machineHash: '0'.repeat(32) } },
    { what: 'another record', change: { chain: '0'.repeat(32) } },
    { what: 'another state', change: { digest: '0'.repeat(32) } },
    { what: 'what no chart restores', change: { snapshot: { value: 'gone', children: {}, context: {} } } },
  ])('folds from the beginning when the snapshot is of $what', async ({ change }) => {
    const w = world();
    const cache = memorySnapshotCache();
    const first = born(w);
    first.send({ type: 'add', by: 3 });
    const snapshot = await takeSnapshot(w.journal, 's', machine, cache);
    await cache.save({ ...snapshot, ...change } as never);
    await crash(first);
    const recovered = await recover(machine, { journal: w.journal, stream: 's', clock: w.clock, cache });
    expect(recovered).toMatchObject({ seq: 2, folded: 2, fromSnapshot: false });
  });

  it('refuses a stream that this chart does not reproduce, and says how it differs', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    await crash(first);
    const other = setup({}).createMachine({
      id: 'w',
      initial: 'idle',
      states: { idle: { on: { go: 'late' } }, late: {} },
      context: { n: 0, results: [], me: null },
    });
    const failure = recover(other, { journal: w.journal, stream: 's' });
    await expect(failure).rejects.toMatchObject({ code: 'REPLAY_DIVERGED', place: 's@2' });
    await expect(failure).rejects.toThrow(/state +waiting +late +← first difference/);
  });

  it('refuses a stream that secrets were taken out of', async () => {
    const { journal, clock } = world();
    const actor = createActor(eventSourced(machine, { journal, stream: 's', secrets: ['/by'] }), {
      clock,
    }).start();
    actor.send({ type: 'add', by: 12 });
    await crash(actor);
    await expect(recover(machine, { journal, stream: 's' })).rejects.toMatchObject({
      code: 'REPLAY_INCOMPATIBLE',
    });
  });

  it('tells of an actor that had ended, which then ends again and records nothing', async () => {
    const ending = setup({}).createMachine({
      id: 'e',
      initial: 'a',
      states: { a: { on: { end: 'z' } }, z: { type: 'final' } },
      output: 3,
    });
    const { journal } = world();
    createActor(eventSourced(ending, { journal, stream: 's' }))
      .start()
      .send({ type: 'end' });
    const { logic, options, ended } = await recover(ending, { journal, stream: 's' });
    expect(ended).toBe('done');
    const actor = createActor(logic, options).start();
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: 3 });
    expect(await all(journal.export())).toHaveLength(2);
  });

  it('does not repeat a delayed message to another actor that was due meanwhile, and names it', async () => {
    const messenger = setup({ actors: { counter: counterChart } }).createMachine({
      id: 'm',
      invoke: { id: 'c', src: 'counter', input: { from: 0 } },
      on: {
        soon: { actions: sendTo('c', { type: 'ping' }, { delay: 100 }) },
        later: { actions: sendTo('c', { type: 'ping' }, { delay: 10_000 }) },
      },
    });
    const { journal, clock } = world();
    const options = { journal, stream: 's', boot: 'b' };
    const actor = createActor(eventSourced(messenger, options), { clock }).start();
    actor.send({ type: 'soon' });
    actor.send({ type: 'later' });
    await crash(actor);
    const later = new VirtualClock({ monotonicMs: clock.monotonicMs() + 1_000 });
    const { logic, options: rest, inDoubt, timers } = await recover(messenger, { ...options, clock: later });
    expect(inDoubt).toEqual([{ type: 'ping', to: 'c' }]);
    expect(timers).toEqual([{ type: 'ping', id: null, leftMs: 9_000 }]);
    const again = createActor(logic, { ...rest, clock: later }).start();
    const pings = () => again.getSnapshot().children['c']?.getSnapshot().context.pings as unknown;
    later.advance(8_999);
    expect(pings()).toBe(0);
  });
});

describe('the policy of an actor', () => {
  it('audit: each life begins anew, in the same stream, and all of them replay', async () => {
    const { journal, clock } = world();
    const logic = eventSourced(machine, { journal, stream: 's', recovery: 'audit' });
    for (let life = 0; life < 3; life += 1) {
      const actor = createActor(logic, { clock }).start();
      expect(actor.getSnapshot().context.n).toBe(0);
      actor.send({ type: 'add', by: 1 });
      if (life === 1) actor.stop();
      else await crash(actor);
    }
    const records = await all(journal.export());
    expect(records.map(({ kind }) => kind)).toEqual([
      'init',
      'event',
      'init',
      'event',
      'stop',
      'init',
      'event',
    ]);
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: 7 });
    expect((await verify(records)).findings).toEqual([]);
  });

  const failureOf = (logic: typeof machine, snapshot?: unknown): ConclaveError | undefined => {
    let failure: ConclaveError | undefined;
    const actor = createActor(logic, snapshot === undefined ? {} : { snapshot: snapshot as never });
    actor.subscribe({ error: (error) => (failure = error as ConclaveError) });
    actor.start();
    return failure;
  };

  it('audit: nothing is ever restored into it', () => {
    const snapshot = createActor(machine).start().getPersistedSnapshot();
    const failure = failureOf(eventSourced(machine, { recovery: 'audit' }), snapshot);
    expect(failure).toMatchObject({ code: 'JOURNAL_CONFLICT' });
    expect(failure?.message).toContain('begins from the initial state');
  });

  it('resume: nothing is begun anew over a stream that could be continued', async () => {
    const { journal } = world();
    const options = { journal, stream: 's', recovery: 'resume' } as const;
    createActor(eventSourced(machine, options)).start().stop();
    const failure = failureOf(eventSourced(machine, options));
    expect(failure?.message).toContain('Call recover()');
    expect(await all(journal.export())).toHaveLength(2);
    expect(failureOf((await recover(machine, options)).logic, { status: 'active' })).toBeUndefined();
  });
});
