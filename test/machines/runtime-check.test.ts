import { describe, expect, it } from 'vitest';
import { assign, createActor, setup } from 'xstate';
import type { ConclaveError } from '../../src/errors.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { jobChart, orderChart } from './runtime-charts.ts';

interface Impurity {
  readonly context?: () => unknown;
  readonly assigned?: (context: { list: unknown[] }) => unknown;
  readonly guard?: () => boolean;
  readonly params?: () => unknown;
  readonly delay?: () => number;
}

/** A chart with one fault. */
function chart({ context, assigned, guard, params, delay }: Impurity) {
  return setup({
    types: { context: {} as { value: unknown; list: unknown[] } },
    guards: { tells: guard ?? (() => true) },
    actions: { report: (_, _params: unknown) => {} },
    delays: { some: delay ?? (() => 10) },
  }).createMachine({
    id: 'faulty',
    context: () => ({ value: context?.() ?? null, list: [] }),
    initial: 'a',
    states: {
      a: {
        on: {
          go: [
            {
              guard: 'tells',
              target: 'b',
              actions: [
                assign({ value: ({ context: old }) => assigned?.(old) ?? null }),
                { type: 'report', params: () => params?.() ?? null },
              ],
            },
            'c',
          ],
        },
      },
      b: { after: { some: 'a' } },
      c: {},
    },
  });
}

const clock = { setTimeout: () => 0, clearTimeout: () => {} };

function failureOf(
  machine: ReturnType<typeof chart>,
  events: readonly object[] = [{ type: 'go' }],
): ConclaveError | undefined {
  let failure: ConclaveError | undefined;
  const actor = createActor(eventSourced(machine, { check: true }), { clock });
  actor.subscribe({ error: (error) => (failure = error as ConclaveError) });
  actor.start();
  for (const event of events) actor.send(event as never);
  actor.stop();
  return failure;
}

describe('the check of development', () => {
  it.each<[string, Impurity]>([
    ['Date.now in an assign', { assigned: () => Date.now() }],
    ['new Date in an assign', { assigned: () => new Date() }],
    ['Date() in an assign', { assigned: () => Date() }],
    ['Math.random in an assign', { assigned: () => Math.random() }],
    ['performance.now in an assign', { assigned: () => performance.now() }],
    ['crypto.randomUUID in an assign', { assigned: () => crypto.randomUUID() }],
    ['process.hrtime in an assign', { assigned: () => process.hrtime.bigint() }],
    ['process.hrtime in the parameters of an effect', { params: () => process.hrtime() }],
    ['the year in a guard', { guard: () => new Date().getFullYear() < 2050 }],
    ['chance in a guard', { guard: () => Math.random() < 0.999 }],
    ['chance in a delay', { delay: () => Math.random() * 1_000 }],
    ['time in the context', { context: () => Date.now() }],
  ])('refuses %s', (_, impurity) => {
    const failure = failureOf(chart(impurity));
    expect(failure?.code).toBe('IMPURE_TRANSITION');
    expect(failure?.message).toMatch(/"faulty" answers .* with other (state|effects) at another time: …/);
  });

  it('refuses a context that is changed in place', () => {
    const failure = failureOf(
      chart({
        assigned: ({ list }) => {
          list.push(1);
          return list.length;
        },
      }),
    );
    // Frozen when it was recorded, so it is told where it happens.
    expect(failure?.message).toMatch(/object is not extensible/);
  });

  it('refuses a context that was changed in place where nothing could be frozen', () => {
    const shared = new Map<string, number>();
    const machine = setup({ types: { context: {} as { shared: Map<string, number> } } }).createMachine({
      id: 'sharing',
      context: { shared },
    });
    let failure: ConclaveError | undefined;
    const actor = createActor(eventSourced(machine, { check: true }));
    actor.subscribe({ error: (error) => (failure = error as ConclaveError) });
    actor.start();
    shared.set('changed', 1);
    actor.send({ type: 'any' });
    expect(failure).toMatchObject({ code: 'IMPURE_TRANSITION' });
    expect(failure?.message).toContain('changed in place before "any"');
  });

  it.each([
    ['an event', [{ type: 'go', callback: () => {} }], /a function at event go\/callback/],
    [
      'an instance of a class',
      [{ type: 'go', url: new URL('http://x') }],
      /an instance of URL at event go\/url/,
    ],
  ])('refuses what no journal can hold: %s', (_, events, message) => {
    const failure = failureOf(chart({}), events);
    expect(failure).toMatchObject({ code: 'EVENT_NOT_SERIALIZABLE' });
    expect(failure?.message).toMatch(message);
  });

  it('refuses the same in the context and in the parameters of effects', () => {
    expect(failureOf(chart({ assigned: () => Symbol('s') }))?.message).toContain(
      'a symbol at state/context/value',
    );
    expect(failureOf(chart({ params: () => ({ at: { deep: () => {} } }) }))?.message).toContain(
      'a function at effect 0 (report)/at/deep',
    );
  });

  it('finds nothing in charts that are pure, and changes nothing they do', () => {
    const virtual = new VirtualClock();
    const order = createActor(eventSourced(orderChart, { check: true }), {
      clock: virtual,
      input: { limit: 2 },
    }).start();
    order.send({ type: 'place', items: ['a'], at: new Date(0) });
    order.send({ type: 'spawn' });
    order.send({ type: 'ping' });
    virtual.advance(10_000);
    const job = createActor(eventSourced(jobChart, { check: true }), { clock: virtual }).start();
    job.send({ type: 'start', value: { a: 1 } });
    virtual.advance(60_000);
    expect([order.getSnapshot().status, job.getSnapshot().status]).toEqual(['active', 'done']);
    order.stop();
  });

  it('puts time and randomness back as they were', () => {
    const before = [Date, Math.random, performance, process.hrtime];
    failureOf(chart({ assigned: () => Date.now() }));
    expect([Date, Math.random, performance, process.hrtime]).toEqual(before);
    expect(Math.abs(new Date().getTime() - Date.now())).toBeLessThan(1_000);
  });
});
