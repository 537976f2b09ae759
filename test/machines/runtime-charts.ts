import {
  assign,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  type ActorRefFrom,
} from 'xstate';
import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/**
 * Two charts for tests of the runtime which between them use what XState 5 has: named, inline and own delays, history,
 * parallel regions, `always`, raised events with and without delay, invoked promises and callbacks, spawned children
 * with and without ids, messages to and from children, emitted events, values JSON has no word for.
 */

/** A child that counts and tells its parent at every third ping. */
export const counterChart = setup({
  types: {
    context: {} as { readonly pings: number },
    events: {} as { readonly type: 'ping' } | { readonly type: 'finish' },
    input: {} as { readonly from: number },
  },
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ pings: input.from }),
  initial: 'counting',
  options: { maxIterations: 100 },
  states: {
    counting: {
      on: {
        ping: [
          {
            guard: ({ context }) => context.pings % 3 === 2,
            actions: [
              assign({ pings: ({ context }) => context.pings + 1 }),
              sendParent(({ context }) => ({ type: 'child.told', pings: context.pings })),
            ],
          },
          { actions: assign({ pings: ({ context }) => context.pings + 1 }) },
        ],
        finish: 'finished',
      },
      after: { 7_000: 'finished' },
    },
    finished: { type: 'final' },
  },
  output: ({ context }) => ({ pings: context.pings }),
});

export type OrderEvent =
  | { readonly type: 'place'; readonly items: readonly string[]; readonly at: Date }
  | { readonly type: 'pay'; readonly cents: bigint }
  | { readonly type: 'hold' }
  | { readonly type: 'resume' }
  | { readonly type: 'ping' }
  | { readonly type: 'spawn' }
  | { readonly type: 'dismiss' }
  | { readonly type: 'remind'; readonly afterMs: number }
  | { readonly type: 'forget' }
  | { readonly type: 'reminded'; readonly n: number }
  | { readonly type: 'child.told'; readonly pings: number }
  | { readonly type: 'cancel' }
  | { readonly type: 'again' };

export interface OrderContext {
  readonly items: readonly string[];
  readonly placed: Date | null;
  readonly paid: bigint;
  readonly notes: ReadonlyMap<string, number>;
  readonly attempts: number;
  readonly reminders: number;
  readonly told: readonly number[];
  readonly failure: Error | undefined;
  readonly limit: number;
  readonly helper: ActorRefFrom<typeof counterChart> | undefined;
}

/** Every third attempt of a charge fails; which one is told by its input, so that a run can be run again. */
const charge = fromPromise<{ receipt: string; at: Date }, { attempt: number }>(async ({ input }) => {
  await Promise.resolve();
  if (input.attempt % 3 === 2)
    throw Object.assign(new Error(`declined ${input.attempt}`), { code: 'DECLINED' });
  return { receipt: `r${input.attempt}`, at: new Date(input.attempt) };
});

export const orderChart = setup({
  types: {
    context: {} as OrderContext,
    events: {} as OrderEvent,
    emitted: {} as { readonly type: 'order.progress'; readonly step: string },
    input: {} as { readonly limit: number },
  },
  actors: {
    charge,
    counter: counterChart,
    tally: fromTransition((sum: number, event: { readonly type: 'add' }) => sum + event.type.length, 0),
    heartbeat: fromCallback<{ type: 'poke' }>(({ sendBack, receive }) => {
      receive(() => sendBack({ type: 'again' }));
    }),
  },
  guards: {
    hasItems: ({ event }) => event.type === 'place' && event.items.length > 0,
    mayRetry: ({ context }) => context.attempts < context.limit,
    tooMany: ({ context }) => context.reminders >= 3,
  },
  actions: {
    announce: (_, _params: { readonly step: string; readonly items: number }) => {},
    touch: () => {},
    note: assign({
      notes: ({ context, event }) =>
        new Map(context.notes).set(event.type, (context.notes.get(event.type) ?? 0) + 1),
    }),
  },
  delays: { patience: ({ context }) => 1_000 + context.attempts * 500, holding: 4_000 },
}).createMachine({
  id: 'order',
  version: '1.2.0',
  context: ({ input }) => ({
    items: [],
    placed: null,
    paid: 0n,
    notes: new Map(),
    attempts: 0,
    reminders: 0,
    told: [],
    failure: undefined,
    limit: input.limit,
    helper: undefined,
  }),
  options: { maxIterations: 100 },
  type: 'parallel',
  on: {
    'child.told': { actions: assign({ told: ({ context, event }) => [...context.told, event.pings] }) },
    again: { actions: 'touch' },
  },
  states: {
    sale: {
      initial: 'empty',
      states: {
        empty: {
          on: {
            place: {
              guard: 'hasItems',
              target: 'open',
              actions: assign({ items: ({ event }) => event.items, placed: ({ event }) => event.at }),
            },
          },
        },
        open: {
          initial: 'waiting',
          entry: {
            type: 'announce',
            params: ({ context }) => ({ step: 'open', items: context.items.length }),
          },
          exit: 'touch',
          invoke: { id: 'beat', src: 'heartbeat' },
          on: {
            hold: '#order.sale.held',
            cancel: '#order.sale.empty',
            ping: { actions: sendTo('beat', { type: 'poke' }) },
          },
          states: {
            waiting: {
              after: { patience: 'charging' },
              on: {
                pay: {
                  target: 'charging',
                  actions: assign({ paid: ({ context, event }) => context.paid + event.cents }),
                },
              },
            },
            charging: {
              entry: [
                assign({ attempts: ({ context }) => context.attempts + 1 }),
                emit({ type: 'order.progress', step: 'charging' }),
              ],
              invoke: {
                id: 'charge',
                src: 'charge',
                input: ({ context }) => ({ attempt: context.attempts }),
                onDone: { target: '#order.sale.sold', actions: ['note', raise({ type: 'again' })] },
                onError: {
                  target: 'failed',
                  actions: assign({ failure: ({ event }) => event.error as Error }),
                },
              },
              after: { 2_000: 'failed' },
            },
            failed: {
              always: [{ guard: 'mayRetry', target: 'waiting' }, { target: '#order.sale.empty' }],
            },
            last: { type: 'history', history: 'deep', target: 'waiting' },
          },
        },
        held: {
          on: { resume: '#order.sale.open.last', place: { actions: 'note' } },
          after: { holding: { target: '#order.sale.open.last', actions: 'touch' } },
        },
        sold: {
          entry: enqueueActions(({ enqueue, context, check }) => {
            enqueue.assign({ paid: 0n });
            enqueue({ type: 'announce', params: { step: 'sold', items: context.items.length } });
            if (check('mayRetry')) enqueue.emit({ type: 'order.progress', step: 'sold' });
          }),
          on: { cancel: 'empty', place: { target: 'open', guard: 'hasItems' } },
        },
      },
    },
    helpers: {
      initial: 'none',
      on: {
        remind: {
          actions: raise(({ context }) => ({ type: 'reminded' as const, n: context.reminders }), {
            id: 'reminder',
            delay: ({ event }) => event.afterMs,
          }),
        },
        forget: { actions: ({ self }) => void self.id },
        reminded: { actions: ['note', assign({ reminders: ({ context }) => context.reminders + 1 })] },
      },
      states: {
        none: {
          on: {
            spawn: {
              target: 'one',
              actions: assign({
                helper: ({ spawn, context }) =>
                  spawn('counter', { id: `helper-${context.reminders}`, input: { from: 2 } }),
              }),
            },
          },
        },
        one: {
          entry: spawnChild('tally', { id: 'tally' }),
          exit: stopChild('tally'),
          on: {
            ping: { actions: sendTo(({ context }) => context.helper ?? 'tally', { type: 'ping' }) },
            dismiss: {
              target: 'none',
              actions: [stopChild(({ context }) => context.helper ?? 'tally'), assign({ helper: undefined })],
            },
            // Without an id of its own.
            spawn: { actions: assign({ told: ({ spawn, context }) => (spawn('tally'), context.told) }) },
          },
        },
      },
    },
    watch: {
      initial: 'calm',
      states: {
        calm: { always: { guard: 'tooMany', target: 'busy' } },
        busy: { on: { forget: { target: 'calm', actions: assign({ reminders: 0 }) } } },
      },
    },
  },
});

/** A small chart that ends: a job that is tried, rests and is tried again, in states below states. */
export const jobChart = setup({
  types: {
    context: {} as { readonly tries: number; readonly log: readonly string[]; readonly result: unknown },
    events: {} as
      | { readonly type: 'start'; readonly value: unknown }
      | { readonly type: 'fail'; readonly reason: string }
      | { readonly type: 'succeed' }
      | { readonly type: 'pause' }
      | { readonly type: 'unpause' }
      | { readonly type: 'tick' }
      | { readonly type: 'quit' },
    output: {} as { readonly tries: number },
  },
  actions: { report: (_, _params: { readonly text: string }) => {} },
  delays: { rest: ({ context }) => 100 * 2 ** context.tries },
}).createMachine({
  id: 'job',
  context: { tries: 0, log: [], result: null },
  initial: 'idle',
  options: { maxIterations: 100 },
  on: { quit: '.over' },
  states: {
    idle: { on: { start: { target: 'running', actions: assign({ result: ({ event }) => event.value }) } } },
    running: {
      initial: 'trying',
      on: { pause: 'paused' },
      states: {
        trying: {
          entry: assign({ tries: ({ context }) => context.tries + 1 }),
          on: {
            fail: {
              target: 'resting',
              actions: [
                assign({ log: ({ context, event }) => [...context.log.slice(-3), event.reason] }),
                { type: 'report', params: ({ event }) => ({ text: event.reason }) },
              ],
            },
            succeed: '#job.over',
          },
          after: { 5_000: 'resting' },
        },
        resting: {
          entry: raise({ type: 'tick' }, { delay: 50, id: 'tick' }),
          after: { rest: 'trying' },
          on: { tick: { actions: { type: 'report', params: { text: 'tick' } } } },
          always: { guard: ({ context }) => context.tries > 6, target: '#job.over' },
        },
        hist: { type: 'history', target: 'trying' },
      },
    },
    paused: { on: { unpause: 'running.hist' }, after: { 30_000: 'running' } },
    over: { type: 'final' },
  },
  output: ({ context }) => ({ tries: context.tries }),
});

/** Lets promises settle, then moves virtual time on. */
export async function elapse(clock: VirtualClock, ms: number): Promise<void> {
  await settle();
  clock.advance(ms);
  await settle();
}

/** Waits until every promise of the charts here has settled. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
}

/** All records of an iterable. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
