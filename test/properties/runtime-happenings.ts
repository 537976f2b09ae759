import { fc } from '@fast-check/vitest';
import type { Actor, AnyStateMachine, EventObject } from 'xstate';
import type { JournalRecord } from '../../src/journal/journal.ts';
import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse, settle, type OrderEvent } from '../machines/runtime-charts.ts';

/** What may happen to an actor in a test: it gets an event, or time passes. */
export type Happening = { readonly send: EventObject } | { readonly elapseMs: number };

const elapsed = fc
  .constantFrom(0, 0, 10, 60, 450, 1_000, 2_500, 8_000, 40_000)
  .map((elapseMs): Happening => ({ elapseMs }));

const named = <T extends string>(...types: T[]) => fc.constantFrom(...types).map((type) => ({ type }));

export const orderEvents = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('place' as const),
      items: fc.array(fc.string(), { maxLength: 3 }),
      at: fc.date(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pay' as const), cents: fc.bigInt() }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('remind' as const), afterMs: fc.integer({ min: 0, max: 900 }) }),
  },
  {
    weight: 8,
    arbitrary: named('hold', 'resume', 'ping', 'ping', 'spawn', 'dismiss', 'forget', 'cancel', 'again'),
  },
) satisfies fc.Arbitrary<OrderEvent>;

export const jobEvents: fc.Arbitrary<EventObject> = fc.oneof(
  fc.record({
    type: fc.constant('start'),
    value: fc.anything({ withBigInt: true, withDate: true, withMap: true }),
  }),
  fc.record({ type: fc.constant('fail'), reason: fc.string() }),
  { weight: 3, arbitrary: named('pause', 'unpause', 'tick', 'start') },
  { weight: 1, arbitrary: named('succeed', 'quit') },
);

/** Sequences of what may happen, long ones preferred. */
export function happenings(events: fc.Arbitrary<EventObject>): fc.Arbitrary<Happening[]> {
  const sends = events.map((send): Happening => ({ send }));
  return fc.array(fc.oneof({ weight: 2, arbitrary: sends }, elapsed), { maxLength: 60, size: 'max' });
}

/** Has it happen. */
export async function happen(
  actor: Actor<AnyStateMachine>,
  clock: VirtualClock,
  step: Happening,
): Promise<void> {
  if ('elapseMs' in step) await elapse(clock, step.elapseMs);
  // XState's development build fails to warn of some events that come too late.
  else if (actor.getSnapshot().status === 'active') actor.send(step.send);
  await settle();
}

/** Notes what a record shows to have happened, so that a campaign can tell what it never tried. */
export function noteKinds(seen: Set<string>, { kind, event, effects }: JournalRecord): void {
  seen.add(`${kind} ${event.type}`);
  for (const { type } of effects) seen.add(`effect ${type}`);
}
