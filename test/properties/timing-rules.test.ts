import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkTimings, DRIFT_FACTOR, GUARD_MIN_MS, type TimingOptions } from '../../machines/index.ts';
import type { KnownLease } from '../../machines/leadership.events.ts';
import { answered, backOffMs, heard, validity } from '../../machines/leadership.rules.ts';

/** The arithmetic of leadership, for all numbers it may meet. */

const ms = (max: number) => fc.double({ min: 0, max, noNaN: true });
const anything = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -1, 0, 1, 999, 1000, 1e15),
  fc.double({ min: 0, max: 120_000, noNaN: true }),
);

const options: fc.Arbitrary<TimingOptions> = fc.record(
  {
    leaseDurationMs: anything,
    renewIntervalMs: anything,
    renewDeadlineMs: anything,
    gracePeriodMs: anything,
    callTimeoutMs: anything,
    retryIntervalMs: anything,
    drainTimeoutMs: anything,
    unsafeFastLease: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe('timings', () => {
  test.prop([options], { numRuns: 2000 })(
    'that are accepted are finite, and leave a leader time to renew',
    (given) => {
      const { errors, timings } = checkTimings(given);
      if (errors.length > 0) return;
      for (const [name, value] of Object.entries(timings)) expect(Number.isFinite(value), name).toBe(true);
      const { leaseMs, renewIntervalMs, callTimeoutMs, beliefMs, graceMs, journalMs } = timings;
      expect(beliefMs).toBeLessThanOrEqual(leaseMs / DRIFT_FACTOR);
      expect(renewIntervalMs + callTimeoutMs + GUARD_MIN_MS).toBeLessThanOrEqual(beliefMs + 1e-6);
      expect(callTimeoutMs).toBeLessThanOrEqual(leaseMs / 6);
      expect(journalMs).toBeLessThan(beliefMs);
      expect(graceMs).toBeLessThan(leaseMs);
      expect(Math.min(leaseMs, renewIntervalMs, callTimeoutMs, timings.retryMs)).toBeGreaterThan(0.1);
      expect(leaseMs >= 1000 || given.unsafeFastLease === true).toBe(true);
    },
  );

  test.prop([options], { numRuns: 2000 })(
    'that are refused are told by the name of a setting, with a number',
    (given) => {
      for (const { setting, message } of checkTimings(given).errors) {
        expect(message).toMatch(
          setting === 'renewIntervalMs' ? /renewIntervalMs|renewal/ : new RegExp(setting),
        );
        expect(message).toMatch(/\d|NaN|Infinity/);
      }
    },
  );

  test.prop([fc.integer({ min: 10, max: 60_000 }), fc.integer({ min: 10, max: 60_000 })], { numRuns: 1000 })(
    'that the message of a refused renewal interval names would do',
    (leaseDurationMs, renewIntervalMs) => {
      const given = { leaseDurationMs, renewIntervalMs, unsafeFastLease: true };
      const refused = checkTimings(given).errors.find(({ setting }) => setting === 'renewIntervalMs');
      const [, shorter, longer] =
        /Renew every (\d+) ms.*the lease to (\d+) ms/.exec(refused?.message ?? '') ?? [];
      // Of a lease that is little more than the guard nothing is left, whatever one renews at.
      if (shorter === undefined || leaseDurationMs < 3 * GUARD_MIN_MS) return;
      expect(checkTimings({ ...given, renewIntervalMs: Number(shorter) }).errors).toEqual([]);
      expect(checkTimings({ ...given, leaseDurationMs: Number(longer) }).errors).toEqual([]);
    },
  );
});

test.prop([fc.integer({ min: 1000, max: 60_000 }), fc.double({ min: 0.05, max: 1, noNaN: true })])(
  'a journal that never answers is given up while the term it is to begin still stands',
  (leaseDurationMs, part) => {
    const renewDeadlineMs = leaseDurationMs * part;
    const { timings } = checkTimings({
      leaseDurationMs,
      renewDeadlineMs,
      renewIntervalMs: 10,
      callTimeoutMs: 10,
    });
    expect(timings.journalMs).toBeLessThanOrEqual(timings.beliefMs / 2);
  },
);

describe('belief', () => {
  test.prop([ms(1e6), ms(1e6), ms(1e12), ms(5000)])(
    'lasts as long by each clock, counted from when the request was sent',
    (beliefMs, sentAt, sentWall, guardMs) => {
      const { validUntil, validUntilWall } = validity(beliefMs, { sentAt, sentWall, guardMs });
      expect(validUntil).toBe(sentAt + (beliefMs - guardMs));
      expect(validUntilWall).toBe(sentWall + (beliefMs - guardMs));
    },
  );
});

describe('what is known of a lease', () => {
  const leaseMs = 1000;
  const sight = fc.record({
    token: fc.integer({ min: 1, max: 4 }).map(String),
    beat: fc.nat(4),
    ageMs: ms(leaseMs),
    afterMs: ms(leaseMs),
  });

  const sights = fc.array(sight, { minLength: 1, maxLength: 30 });

  test.prop([sights], { numRuns: 500 })(
    'by answers is the last of them, and never taken for younger or older than it was first told',
    (all) => {
      let known: KnownLease | null = null;
      let at = 0;
      let first = { name: '', since: 0 };
      for (const { token, beat, ageMs, afterMs } of all) {
        at += afterMs;
        const told = { holder: `h${token}`, token, beat, leaseMs, at, ageMs };
        known = answered(known, told, leaseMs - ageMs);
        const name = `${token}.${beat}`;
        if (first.name !== name) first = { name, since: at - ageMs };
        expect(known).toMatchObject({ token, beat, since: first.since, told: 'beat' });
      }
    },
  );

  test.prop([sights], { numRuns: 500 })(
    'by hints never goes back within a term, and is not taken for told',
    (all) => {
      let known: KnownLease | null = null;
      let at = 0;
      for (const { token, beat, ageMs, afterMs } of all) {
        at += afterMs;
        const before: KnownLease | null = known;
        known = heard(before, { holder: `h${token}`, token, beat, leaseMs, at, ageMs });
        if (before?.token === token && before.beat >= beat) expect(known).toBe(before);
        else expect(known).toMatchObject({ token, beat, since: at - ageMs, told: 'nothing' });
      }
    },
  );

  test.prop([ms(leaseMs), ms(leaseMs), fc.integer({ min: 0, max: 2 * leaseMs })], { numRuns: 200 })(
    'by a hint is made younger by the answer at most, and counts as told from then on',
    (hintAgeMs, ageMs, afterMs) => {
      const renewal = { holder: 'h', token: '1', beat: 1, leaseMs };
      const hinted = heard(null, { ...renewal, at: 5000, ageMs: hintAgeMs });
      const at = 5000 + afterMs;
      const known = answered(hinted, { ...renewal, at, ageMs }, leaseMs - ageMs);
      expect(known).toMatchObject({ since: Math.max(5000 - hintAgeMs, at - ageMs), told: 'beat' });
    },
  );
});

describe('a wait after failures', () => {
  test.prop([fc.integer({ min: 1, max: 5000 }), ms(60_000), fc.integer({ min: 0, max: 10_000 }), ms(1)])(
    'is never nothing, and never longer than the limit',
    (retryMs, more, failures, luck) => {
      const retryMaxMs = retryMs + more;
      const waitMs = backOffMs({ retryMs, retryMaxMs }, failures, luck);
      expect(waitMs).toBeGreaterThanOrEqual(retryMs / 2);
      expect(waitMs).toBeLessThanOrEqual(retryMaxMs);
      expect(backOffMs({ retryMs, retryMaxMs }, failures + 1, luck)).toBeGreaterThanOrEqual(waitMs);
    },
  );
});
