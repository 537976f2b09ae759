import {
  assign,
  cancel,
  createActor,
  fromCallback,
  fromPromise,
  sendTo,
  setup,
  type AnyActorRef,
} from 'xstate';
import { memoryJournal, type MemoryJournal } from '../../src/journal/memory-journal.ts';
import { eventSourced, writerOf } from '../../src/runtime/event-sourced.ts';
import { recover } from '../../src/runtime/recovery.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { counterChart } from './runtime-charts.ts';

/** An actor that can die and be recovered, and the world around it. */

export const machine = setup({
  types: {
    context: {} as {
      readonly n: number;
      readonly results: readonly unknown[];
      readonly me: AnyActorRef | null;
    },
    events: {} as
      | { type: 'go' }
      | { type: 'work' }
      | { type: 'remind' }
      | { type: 'reminded' }
      | { type: 'forget' }
      | { type: 'add'; by: number }
      | { type: 'know' },
  },
  actors: {
    job: fromPromise<string, { n: number }>(async ({ input }) => `job ${input.n}`),
    counter: counterChart,
    ears: fromCallback(({ sendBack }) => sendBack({ type: 'add', by: 100 })),
  },
  delays: { long: 10_000 },
}).createMachine({
  id: 'w',
  context: { n: 0, results: [], me: null },
  initial: 'idle',
  on: {
    add: { actions: assign({ n: ({ context, event }) => context.n + event.by }) },
    know: { actions: assign({ me: ({ self }) => self }) },
    reminded: { actions: assign({ results: ({ context }) => [...context.results, 'reminded'] }) },
    forget: { actions: cancel('r') },
    remind: { actions: sendTo(({ self }) => self, { type: 'reminded' }, { delay: 3_000, id: 'r' }) },
  },
  states: {
    idle: { on: { go: 'waiting', work: 'working' } },
    waiting: { after: { long: 'late', 2_500: { actions: assign({ n: ({ context }) => context.n + 1 }) } } },
    late: {},
    working: {
      invoke: [
        {
          id: 'job',
          src: 'job',
          input: ({ context }) => ({ n: context.n }),
          onDone: {
            actions: assign({ results: ({ context, event }) => [...context.results, event.output] }),
          },
        },
        { id: 'counter', src: 'counter', input: { from: 7 } },
      ],
    },
  },
});

export interface World {
  readonly journal: MemoryJournal;
  readonly clock: VirtualClock;
}

export const world = (): World => ({
  journal: memoryJournal(),
  clock: new VirtualClock({ monotonicMs: 500 }),
});
export const born = ({ journal, clock }: World, boot = 'boot-1') =>
  createActor(eventSourced(machine, { journal, stream: 's', boot, recovery: 'resume' }), { clock }).start();

/** The process is gone: its clock stands, its stream is free. */
export async function crash(actor: AnyActorRef): Promise<void> {
  await writerOf(actor).close();
}

export async function reborn(
  { journal, clock }: World,
  { monotonicMs, wallMs, boot = 'boot-1' }: { monotonicMs?: number; wallMs?: number; boot?: string } = {},
) {
  const later = new VirtualClock({
    monotonicMs: monotonicMs ?? clock.monotonicMs(),
    wallMs: wallMs ?? clock.wallMs(),
  });
  const recovered = await recover(machine, { journal, stream: 's', clock: later, boot, recovery: 'resume' });
  const actor = createActor(recovered.logic, { ...recovered.options, clock: later }).start();
  return { actor, clock: later, recovered };
}
