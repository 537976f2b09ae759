import { fc, test } from '@fast-check/vitest';
import { Observable, Subject } from 'rxjs';
import { describe, expect } from 'vitest';
import type { LeadershipEvent } from '../../machines/index.ts';
import type { LeaseSignal } from '../../src/index.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Random } from '../../src/simulation/random.ts';
import { eachValueFrom, ITERATOR_BACKLOG_MAX } from '../../src/streams/each-value.ts';
import { leaseEvents } from '../../src/streams/lease-signals.ts';

const signal: fc.Arbitrary<LeaseSignal> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('acquired' as const, 'renewed' as const),
    resource: fc.constant('r'),
    holder: fc.constantFrom('me', 'you'),
    token: fc.bigInt({ min: 1n, max: 10n ** 30n }),
    beat: fc.nat(),
    leaseMs: fc.nat(),
    ageMs: fc.nat(),
  }),
  fc.record({
    kind: fc.constant('released' as const),
    resource: fc.constant('r'),
    token: fc.bigInt({ min: 1n }),
  }),
  fc.record({ kind: fc.constant('gap' as const), resource: fc.constant('r') }),
);

describe("a store's hints", () => {
  test.prop([fc.array(fc.tuple(signal, fc.nat(1000)))])(
    "become events in their order, at the moment they come, but for the member's own",
    (signals) => {
      const clock = new VirtualClock();
      const source = new Subject<LeaseSignal>();
      const events: LeadershipEvent[] = [];
      const watched: string[] = [];
      const watch = (resource: string) => {
        watched.push(resource);
        return source;
      };
      const randomness = new Random('hints');
      leaseEvents({ watch }, 'r', 'me', { clock, randomness }).subscribe((event) => events.push(event));
      expect(watched).toEqual(['r']);
      const expected: object[] = [];
      for (const [each, afterMs] of signals) {
        clock.advance(afterMs);
        source.next(each);
        if ('holder' in each && each.holder === 'me') continue;
        const type = { acquired: 'lease.observed', renewed: 'lease.observed', released: 'release.observed' };
        const token = 'token' in each ? { token: String(each.token) } : {};
        expected.push({
          type: each.kind === 'gap' ? 'watch.resumed' : type[each.kind],
          at: clock.monotonicMs(),
          ...token,
        });
      }
      expect(events).toMatchObject(expected);
      expect(events).toHaveLength(expected.length);
      for (const event of events) expect('luck' in event && event.luck >= 0 && event.luck < 1).toBe(true);
      expect(JSON.parse(JSON.stringify(events))).toEqual(events);
    },
  );
});

describe('a hint that makes no sense', () => {
  test.prop([
    fc.constantFrom(
      { leaseMs: NaN },
      { leaseMs: Infinity },
      { leaseMs: -1 },
      { ageMs: NaN },
      { beat: 0.5 },
      { beat: NaN },
    ),
  ])('becomes no event', (nonsense) => {
    const clock = new VirtualClock();
    const source = new Subject<LeaseSignal>();
    const events: LeadershipEvent[] = [];
    const settings = { clock, randomness: new Random('nonsense') };
    leaseEvents({ watch: () => source }, 'r', 'me', settings).subscribe((event) => events.push(event));
    const told = {
      kind: 'renewed',
      resource: 'r',
      holder: 'you',
      token: 1n,
      beat: 1,
      leaseMs: 1000,
      ageMs: 0,
    } as const;
    source.next({ ...told, ...nonsense });
    expect(events).toEqual([]);
    source.next(told);
    expect(events).toHaveLength(1);
  });
});

describe('an observable read by a loop', () => {
  test.prop([fc.array(fc.tuple(fc.integer(), fc.boolean()), { maxLength: 50 }), fc.boolean()])(
    'gives each value once, in order, whenever it is read, and ends as its source does',
    async (values, fails) => {
      const source = new Subject<number>();
      const read: number[] = [];
      const reading = (async () => {
        for await (const value of eachValueFrom(source)) read.push(value);
      })();
      await Promise.resolve();
      for (const [value, pause] of values) {
        source.next(value);
        if (pause) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (fails) source.error(new Error('the source failed'));
      else source.complete();
      const outcome = await reading.then(
        () => null,
        (error: unknown) => String(error),
      );
      expect(read).toEqual(values.map(([value]) => value));
      expect(outcome).toBe(fails ? 'Error: the source failed' : null);
      expect(source.observed).toBe(false);
    },
  );

  test('keeps the latest values for who does not read, up to its limit', async () => {
    const more = 10;
    const source = new Observable<number>((subscriber) => {
      for (let n = 0; n < ITERATOR_BACKLOG_MAX + more; n += 1) subscriber.next(n);
      subscriber.complete();
    });
    const read: number[] = [];
    for await (const value of eachValueFrom(source)) read.push(value);
    expect(read).toHaveLength(ITERATOR_BACKLOG_MAX);
    expect(read[0]).toBe(more);
  });

  test('is left by who leaves the loop', async () => {
    const source = new Subject<number>();
    const reading = eachValueFrom(source);
    const first = reading.next();
    source.next(1);
    expect(await first).toEqual({ value: 1, done: false });
    await reading.return();
    expect(source.observed).toBe(false);
  });
});
