import { describe, expect, it } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { replayAll } from '../../src/journal/replay.ts';
import { verify } from '../../src/journal/verify.ts';
import { eventSourced, lastSeqOf } from '../../src/runtime/event-sourced.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all, settle } from './runtime-charts.ts';
import { born, crash, machine, reborn, world } from './runtime-recovery-world.ts';

describe("XState's own restore", () => {
  it('forgets timers, which is why there is another', () => {
    const clock = new VirtualClock();
    const actor = createActor(machine, { clock }).start();
    actor.send({ type: 'go' });
    const snapshot = actor.getPersistedSnapshot();
    const later = new VirtualClock();
    const again = createActor(machine, { snapshot, clock: later }).start();
    expect(later.pending).toBe(0);
    later.advance(100_000);
    expect(again.getSnapshot().value).toBe('waiting');
  });

  it('executes promises again, and so does recovery: at least once', async () => {
    let runs = 0;
    const counted = machine.provide({ actors: { job: fromPromise(async () => `run ${(runs += 1)}`) } });
    const actor = createActor(counted, { clock: new VirtualClock() }).start();
    actor.send({ type: 'work' });
    createActor(counted, { snapshot: actor.getPersistedSnapshot(), clock: new VirtualClock() }).start();
    expect(runs).toBe(2);
  });

  it('of an event-sourced actor begins its stream with the state, and replays from there', async () => {
    const snapshot = createActor(machine).start().getPersistedSnapshot();
    const { journal, clock } = world();
    const actor = createActor(eventSourced(machine, { journal, stream: 's' }), { clock, snapshot }).start();
    actor.send({ type: 'add', by: 4 });
    const records = await all(journal.export());
    expect(records.map(({ kind }) => kind)).toEqual(['trimmed', 'event']);
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, snapshot: { context: { n: 4 } } });
  });
});

describe('a recovered actor', () => {
  it('goes on with the next number, in the state it had', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'add', by: 2 });
    first.send({ type: 'go' });
    await crash(first);
    const { actor, recovered } = await reborn(w);
    expect(recovered).toMatchObject({ seq: 3, folded: 3, fromSnapshot: false, ended: null });
    expect(actor.getSnapshot()).toMatchObject({ value: 'waiting', context: { n: 2 } });
    expect(lastSeqOf(actor)).toBe(4);
    actor.send({ type: 'add', by: 1 });
    const records = await all(w.journal.export());
    expect(records.map(({ seq, event }) => `${seq} ${event.type}`)).toEqual([
      '1 xstate.init',
      '2 add',
      '3 go',
      '4 conclave.resumed',
      '5 add',
    ]);
    expect((await verify(records)).findings).toEqual([]);
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, matched: 5 });
  });

  it('waits for what was left of its timers, counted by the monotonic clock within a boot', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    w.clock.advance(2_000);
    await crash(first);
    // The wall clock was set meanwhile: that concerns no timer of this boot.
    const { actor, clock, recovered } = await reborn(w, {
      monotonicMs: w.clock.monotonicMs() + 1_000,
      wallMs: 0,
    });
    expect(recovered.timers.map(({ leftMs }) => leftMs)).toEqual([0, 7_000]);
    clock.advance(0);
    expect(actor.getSnapshot().context.n).toBe(1);
    clock.advance(6_999);
    expect(actor.getSnapshot().value).toBe('waiting');
    clock.advance(1);
    expect(actor.getSnapshot().value).toBe('late');
  });

  it.each([
    { set: 'nine seconds on', wallMs: 9_000, left: 1_000 },
    { set: 'back', wallMs: -60_000, left: 10_000 },
    { set: 'a year on', wallMs: 365 * 86_400_000, left: 0 },
  ])(
    'counts by the wall clock after a new boot, never less than nothing nor more than there was: $set',
    async ({ wallMs, left }) => {
      const w = world();
      const first = born(w);
      first.send({ type: 'go' });
      await crash(first);
      const { recovered } = await reborn(w, {
        monotonicMs: 3,
        wallMs: w.clock.wallMs() + wallMs,
        boot: 'boot-2',
      });
      expect(recovered.timers.at(-1)).toMatchObject({ leftMs: left });
    },
  );

  it('recovered twice, waits for what the first recovery left, even if the wall clock went back', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    await crash(first);
    const second = await reborn(w, { monotonicMs: 1, wallMs: w.clock.wallMs() + 4_000, boot: 'boot-2' });
    await crash(second.actor);
    const third = await reborn(w, { monotonicMs: 1, wallMs: w.clock.wallMs(), boot: 'boot-3' });
    expect(third.recovered.timers.map(({ leftMs }) => leftMs)).toEqual([0, 6_000]);
    expect(replayAll(await all(w.journal.export()), machine).divergence).toBeNull();
  });

  it('cancels a timer that was set before the crash when it leaves the state', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    first.send({ type: 'remind' });
    await crash(first);
    const { actor, clock } = await reborn(w);
    expect(clock.pending).toBe(3);
    clock.advance(3_000);
    expect(actor.getSnapshot().context).toMatchObject({ n: 1, results: ['reminded'] });
    clock.advance(7_000);
    expect(actor.getSnapshot().value).toBe('late');
    expect(clock.pending).toBe(0);
    const records = await all(w.journal.export());
    expect(records.map(({ kind, event }) => `${kind} ${event.type}`).slice(4)).toEqual([
      'timer xstate.after.2500.w.waiting',
      'timer reminded',
      'timer xstate.after.long.w.waiting',
    ]);
    expect(replayAll(records, machine).divergence).toBeNull();
  });

  it('does not wait again for what had fired, though the state it was set in stands', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    first.send({ type: 'remind' });
    w.clock.advance(3_500);
    expect(first.getSnapshot().context).toMatchObject({ n: 1, results: ['reminded'] });
    await crash(first);
    const { recovered } = await reborn(w);
    expect(recovered.timers).toEqual([
      { type: 'xstate.after.long.w.waiting', id: 'xstate.after.long.w.waiting', leftMs: 6_500 },
    ]);
  });

  it('has of two timers with one id the one that was not cancelled, as XState has it', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'remind' });
    w.clock.advance(1_000);
    first.send({ type: 'remind' });
    first.send({ type: 'forget' });
    expect(w.clock.pending).toBe(1);
    expect(w.clock.nextMs).toBe(3_000);
    await crash(first);
    expect((await reborn(w)).recovered.timers).toEqual([{ type: 'reminded', id: 'r', leftMs: 2_000 }]);
  });

  it('that was stopped in order keeps its timers, too', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    first.stop();
    const { actor, clock } = await reborn(w);
    clock.advance(10_000);
    expect(actor.getSnapshot().value).toBe('late');
  });

  it('begins the actors it had started anew, with the input they had', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'add', by: 5 });
    first.send({ type: 'work' });
    (first.getSnapshot().children['counter'] as unknown as { send(e: object): void }).send({ type: 'ping' });
    await crash(first);
    const { actor } = await reborn(w);
    await settle();
    expect(actor.getSnapshot().context.results).toEqual(['job 5']);
    expect(actor.getSnapshot().children['counter']?.getSnapshot()).toMatchObject({
      status: 'active',
      context: { pings: 7 },
    });
    expect(replayAll(await all(w.journal.export()), machine).divergence).toBeNull();
  });

  it('does not start again what had ended', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'work' });
    await settle();
    expect(first.getSnapshot().context.results).toEqual(['job 0']);
    await crash(first);
    const { actor } = await reborn(w);
    await settle();
    expect(actor.getSnapshot().context.results).toEqual(['job 0']);
    expect(actor.getSnapshot().children['job']?.getSnapshot().status).toBe('done');
  });

  it('knows itself: a reference to itself in the context is the new one', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'know' });
    await crash(first);
    const { actor } = await reborn(w);
    expect(actor.getSnapshot().context.me).toBe(actor);
  });

  it('can be stopped, and its timers with it', async () => {
    const w = world();
    const first = born(w);
    first.send({ type: 'go' });
    await crash(first);
    const { actor, clock } = await reborn(w);
    actor.stop();
    expect(clock.pending).toBe(0);
  });
});
