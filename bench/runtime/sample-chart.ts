import { assign, setup } from 'xstate';

/** Six states, a context, a guard and an assign: small enough that what surrounds it shows. */
export const sampleChart = setup({
  types: {
    context: {} as { readonly count: number; readonly last: string },
    events: {} as
      | { readonly type: 'next'; readonly by: number }
      | { readonly type: 'skip' }
      | { readonly type: 'reset' }
      | { readonly type: 'note'; readonly text: string },
  },
  guards: { small: ({ context }) => context.count < 1_000_000_000 },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    note: assign({ last: ({ event }) => (event.type === 'note' ? event.text : '') }),
    touched: () => {},
  },
}).createMachine({
  id: 'sample',
  context: { count: 0, last: '' },
  initial: 'idle',
  options: { maxIterations: 100 },
  on: { note: { actions: 'note' } },
  states: {
    idle: { on: { next: { target: 'one', guard: 'small', actions: 'count' } } },
    one: { entry: 'touched', on: { next: { target: 'two', actions: 'count' }, skip: 'three' } },
    two: { on: { next: { target: 'three', guard: 'small' } } },
    three: { exit: 'touched', on: { next: { target: 'four', actions: 'count' } } },
    four: { on: { skip: 'five', reset: 'idle' } },
    five: { on: { reset: 'idle' } },
  },
});

/** Takes the chart round once. */
export const sampleEvents = [
  { type: 'next', by: 1 },
  { type: 'note', text: 'a' },
  { type: 'skip' },
  { type: 'next', by: 2 },
  { type: 'skip' },
  { type: 'reset' },
  { type: 'next', by: 3 },
  { type: 'next', by: 4 },
  { type: 'next', by: 5 },
  { type: 'next', by: 6 },
  { type: 'reset' },
] as const;
