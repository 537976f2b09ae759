import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/** Integer delays: laws of order must not hang on rounding. */
const delays = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 60 });

/** What may happen to a node. */
const happening = fc.oneof(
  fc.record({ set: fc.integer({ min: 0, max: 2_000 }) }),
  fc.record({ advance: fc.integer({ min: 0, max: 700 }) }),
  fc.constantFrom({ pause: true }, { resume: true }),
  fc.record({ drift: fc.integer({ min: -5_000, max: 5_000 }) }),
  fc.record({ jump: fc.integer({ min: -100_000, max: 100_000 }) }),
);

describe('the virtual clock', () => {
  test.prop([delays, fc.nat(2_000)])(
    'fires every timer once, at its own time, in the order of their times',
    (list, until) => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      for (const [at, delay] of list.entries()) {
        clock.setTimeout(() => {
          expect(clock.nowMs).toBe(delay);
          fired.push(at);
        }, delay);
      }
      clock.advance(until);
      const due = [...list.entries()].filter(([, delay]) => delay <= until);
      expect(fired).toEqual(due.toSorted((a, b) => a[1] - b[1] || a[0] - b[0]).map(([at]) => at));
      expect([clock.nowMs, clock.pending]).toEqual([until, list.length - due.length]);
    },
  );

  test.prop([fc.array(fc.tuple(fc.nat(1_000), fc.boolean()), { maxLength: 200, size: 'max' })])(
    'fires in order whatever was cancelled, wherever it stood',
    (list) => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      const ids = list.map(([delay]) => clock.setTimeout(() => fired.push(delay), delay));
      for (const [at, [, cancel]] of list.entries()) if (cancel) clock.clearTimeout(ids[at]);
      const left = list.flatMap(([delay, cancel]) => (cancel ? [] : [delay]));
      expect(clock.pending).toBe(left.length);
      clock.advance(1_000);
      expect(fired).toEqual(left.toSorted((a, b) => a - b));
    },
  );

  test.prop([delays, fc.array(fc.nat(500), { maxLength: 10 })])(
    'comes to the same by many small steps as by one',
    (list, steps) => {
      const run = (parts: readonly number[]) => {
        const clock = new VirtualClock();
        const fired: string[] = [];
        const set = (delay: number, left: number): void => {
          clock.setTimeout(() => {
            fired.push(`${delay}@${clock.nowMs}`);
            if (left > 0) set(delay, left - 1);
          }, delay + 1);
        };
        for (const delay of list) set(delay, 3);
        for (const part of parts) clock.advance(part);
        return { fired, now: clock.nowMs };
      };
      expect(run(steps)).toEqual(run([steps.reduce((sum, step) => sum + step, 0)]));
    },
  );

  test.prop([delays, fc.integer()])(
    'with a seed only shuffles what is due at one instant, the same way each time',
    (list, seed) => {
      const run = () => {
        const clock = new VirtualClock({ seed });
        const fired: [number, number][] = [];
        for (const [at, delay] of list.entries()) clock.setTimeout(() => fired.push([delay, at]), delay);
        while (clock.runNext());
        return fired;
      };
      const fired = run();
      expect(fired).toEqual(run());
      expect(fired.map(([delay]) => delay)).toEqual(list.toSorted((a, b) => a - b));
    },
  );

  test.prop([fc.array(happening, { maxLength: 60 }), fc.integer({ min: -5_000, max: 5_000 })])(
    'a node never goes back, never fires early or twice, and fires all that is due as soon as it may',
    (happenings, driftPpm) => {
      const clock = new VirtualClock();
      const node = clock.node({ driftPpm });
      const fired = new Map<number, number>();
      let last = node.monotonicMs();
      const read = (): number => {
        const now = node.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
        return now;
      };
      let timers = 0;
      for (const step of happenings) {
        if ('set' in step) {
          const due = read() + step.set;
          timers += 1;
          const id = timers;
          node.setTimeout(() => {
            expect(node.paused).toBe(false);
            expect(fired.has(id)).toBe(false);
            expect(read()).toBeGreaterThanOrEqual(due);
            fired.set(id, due);
          }, step.set);
        } else if ('advance' in step) clock.advance(step.advance);
        else if ('pause' in step) node.pause();
        else if ('resume' in step) node.resume();
        else if ('drift' in step) node.setDrift(step.drift);
        else node.jumpWall(step.jump);
        read();
      }
      node.resume();
      clock.advance(10_000);
      expect(fired.size).toBe(timers);
      expect(clock.pending).toBe(0);
    },
  );
});
