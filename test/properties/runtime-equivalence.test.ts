import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { createActor, type Actor, type AnyStateMachine, type InspectionEvent } from 'xstate';
import { digestOfState } from '../../src/journal/comparison.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { eventSourced, writerOf } from '../../src/runtime/event-sourced.ts';
import { recover } from '../../src/runtime/recovery.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { happen, happenings, jobEvents, noteKinds, orderEvents } from './runtime-happenings.ts';
import { all, jobChart, orderChart } from '../machines/runtime-charts.ts';

/** What an actor did, in order, as far as anybody could see it. */
function trace(
  machine: AnyStateMachine,
  input: unknown,
): { readonly actor: Actor<AnyStateMachine>; readonly clock: VirtualClock; readonly seen: string[] } {
  const seen: string[] = [];
  const actions = Object.fromEntries(
    ['announce', 'touch', 'report'].map((name) => [
      name,
      (
        {
          context,
          event,
          self,
        }: {
          context: { attempts?: number };
          event: { type: string };
          self: { getSnapshot(): { value: unknown } };
        },
        params: unknown,
      ) =>
        void seen.push(
          `${name} ${JSON.stringify([params, context.attempts, event.type, self.getSnapshot().value])}`,
        ),
    ]),
  );
  const clock = new VirtualClock();
  const inspect = (event: InspectionEvent) => {
    if (event.type === '@xstate.event')
      seen.push(
        `event ${event.event.type} to ${String('id' in event.actorRef && event.actorRef.id).replace(/^x:.*/, 'x')}`,
      );
  };
  const actor = createActor(machine.provide({ actions } as never), {
    clock,
    inspect,
    input,
    id: 'root',
  } as never);
  actor.on('*', (emitted) => seen.push(`emitted ${JSON.stringify(emitted)}`));
  actor.subscribe({
    next: ({ value }) => seen.push(`snapshot ${JSON.stringify(value)}`),
    error: (error) => seen.push(`error ${String(error)}`),
    complete: () => seen.push('complete'),
  });
  actor.start();
  return { actor, clock, seen };
}

describe('an event-sourced actor', () => {
  test.prop([happenings(orderEvents)])('does what the bare one does, in the same order', async (steps) => {
    const plain = trace(orderChart, { limit: 4 });
    const recorded = trace(eventSourced(orderChart), { limit: 4 });
    for (const { actor, clock } of [plain, recorded])
      for (const step of steps) await happen(actor, clock, step);
    for (const { actor } of [plain, recorded]) actor.stop();
    // The one thing that differs on purpose: where the id of a child without one shows.
    const unnamed = (line: string) => line.replaceAll(/order\/root#\d+\.\d+/g, 'x');
    expect(recorded.seen.map(unnamed)).toEqual(plain.seen);
  });

  const seen = new Set<string>();
  afterAll(() => {
    const sometimes = [
      'timer tick',
      'timer xstate.after.rest.job.running.resting',
      'note conclave.resumed',
      'event unpause',
    ];
    expect(sometimes.filter((what) => !seen.has(what))).toEqual([]);
  });

  test.prop([happenings(jobEvents), fc.array(fc.nat(59), { maxLength: 4 })])(
    'that crashes and is recovered at once ends where one ends that never did, timers included',
    async (steps, crashes) => {
      const calm = { clock: new VirtualClock() };
      const lucky = createActor(eventSourced(jobChart), calm).start();
      const journal = memoryJournal();
      const options = { journal, stream: 's' };
      let clock = new VirtualClock();
      let actor = createActor(eventSourced(jobChart, options), { clock }).start();
      for (const [at, step] of steps.entries()) {
        await happen(lucky as never, calm.clock, step);
        await happen(actor as never, clock, step);
        if (!crashes.includes(at) || actor.getSnapshot().status !== 'active') continue;
        await writerOf(actor).close();
        clock = new VirtualClock({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
        const { logic, options: rest } = await recover(jobChart, { ...options, clock });
        actor = createActor(logic, { ...rest, clock }).start();
      }
      for (const record of await all(journal.export())) noteKinds(seen, record);
      expect(digestOfState(actor.getSnapshot())).toBe(digestOfState(lucky.getSnapshot()));
      expect(clock.pending).toBe(calm.clock.pending);
      expect(clock.nextMs === null).toBe(calm.clock.nextMs === null);
    },
  );
});
