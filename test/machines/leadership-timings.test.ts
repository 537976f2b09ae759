import { describe, expect, test } from 'vitest';
import { leadershipChart } from '../../machines/leadership.machine.ts';
import { leadershipImplementations } from '../../machines/leadership.rules.ts';
import {
  checkTimings,
  DRIFT_FACTOR,
  GUARD_MIN_MS,
  leadershipMachine,
  memberName,
} from '../../machines/index.ts';
import { createLeaderElection, memoryLeases, SettingsError } from '../../src/index.ts';

const seconds = (lease: number, renew: number, more = {}) =>
  checkTimings({ leaseDurationMs: lease * 1000, renewIntervalMs: renew * 1000, ...more });

describe('timings', () => {
  test.for([
    [30, 10],
    [15, 5],
    [60, 15],
    [30, 15],
  ] as const)('lease %d s renewed every %d s is in use and accepted without a word', ([lease, renew]) => {
    expect(seconds(lease, renew)).toMatchObject({ errors: [], warnings: [] });
  });

  test('lease 30 s renewed every 35 s is refused, with the numbers and what would do', () => {
    const [error, ...more] = seconds(30, 35).errors;
    expect(more).toEqual([]);
    expect(error).toMatchObject({ setting: 'renewIntervalMs' });
    expect(error?.message).toMatch(/35 s.*40 s.*30 s.*10000 ms/);
  });

  test('lease duration, renew deadline and retry period of client-go are accepted', () => {
    expect(seconds(15, 2, { renewDeadlineMs: 10_000 }).errors).toEqual([]);
    expect(seconds(15, 2, { renewDeadlineMs: 10_000 }).timings.beliefMs).toBe(10_000);
  });

  test('where only one renewal fits, a warning says so', () => {
    const { errors, warnings } = seconds(15, 11);
    expect(errors).toEqual([]);
    expect(warnings[0]?.message).toMatch(/one lost packet ends the term/);
  });

  test.for([
    ['leaseDurationMs', Number.NaN],
    ['renewIntervalMs', Infinity],
    ['gracePeriodMs', -1],
    ['callTimeoutMs', 0],
    ['leaseDurationMs', '15' as unknown as number],
  ] as const)('%s = %s is refused by name', ([setting, value]) => {
    expect(checkTimings({ [setting]: value }).errors).toMatchObject([{ setting }]);
  });

  test('a lease of more than a day is refused, whatever else is set', () => {
    const day = 24 * 3600;
    expect(seconds(day, day / 3).errors).toEqual([]);
    for (const lease of [day + 1, 1e18]) {
      const [error] = seconds(lease, 10, { unsafeFastLease: true }).errors;
      expect(error).toMatchObject({ setting: 'leaseDurationMs' });
      expect(error?.message).toMatch(/86400000/);
    }
  });

  test('one message a rule: a lease too short and a grace too long are two', () => {
    const { errors } = checkTimings({ leaseDurationMs: 500, gracePeriodMs: 600 });
    expect(errors.map(({ setting }) => setting)).toEqual(['leaseDurationMs', 'gracePeriodMs']);
  });

  test('a lease below a second is allowed where it is asked for', () => {
    expect(checkTimings({ leaseDurationMs: 500, unsafeFastLease: true }).errors).toEqual([]);
  });

  test('what is advised where a deadline comes before the end of the lease would do', () => {
    for (let deadline = 500; deadline < 14_500; deadline += 333)
      for (const renew of [1000, 3000, 5000, 9000]) {
        const given = { leaseDurationMs: 15_000, renewDeadlineMs: deadline };
        const { errors, warnings } = checkTimings({ ...given, renewIntervalMs: renew });
        for (const { message } of [...errors, ...warnings]) {
          expect(message).toContain('a later deadline');
          const advised = /Renew every (\d+) ms/.exec(message)?.[1];
          if (advised === undefined) continue;
          expect(Number(advised)).toBeLessThan(renew);
          const after = checkTimings({ ...given, renewIntervalMs: Number(advised) });
          expect([...after.errors, ...after.warnings]).toEqual([]);
        }
      }
  });

  test('whatever is accepted leaves room for one renewal inside what a leader may believe', () => {
    for (let lease = 1000; lease < 60_000; lease += 777)
      for (let renew = 100; renew < 60_000; renew += 997) {
        const { errors, timings } = checkTimings({ leaseDurationMs: lease, renewIntervalMs: renew });
        if (errors.length === 0)
          expect(renew + timings.callTimeoutMs + GUARD_MIN_MS).toBeLessThan(lease / DRIFT_FACTOR);
      }
  });
});

describe('options', () => {
  const leases = memoryLeases();

  test('an unknown one is refused with the nearest known', () => {
    const options = { resource: 'r', leases, leaseDuration: 15_000 };
    expect(() => createLeaderElection(options)).toThrow(/"leaseDuration"; did you mean "leaseDurationMs"/);
  });

  test('a missing store is refused, with both ways out', () => {
    expect(() => createLeaderElection({ resource: 'r' })).toThrow(/sqliteLeases.*enabled: false/);
  });

  test('an empty resource is refused', () => {
    expect(() => createLeaderElection({ resource: '', leases })).toThrow(SettingsError);
  });

  test('unsafe timings are refused by the constructor, one line a rule', () => {
    const options = { resource: 'r', leases, leaseDurationMs: 500, gracePeriodMs: 600 };
    expect(() => createLeaderElection(options)).toThrow(/leaseDurationMs.*\n.*gracePeriodMs/);
  });
});

test('the rules implement names that the chart has, and none is left without a body but the effects', () => {
  const named = Object.keys(leadershipChart.implementations.actions);
  const implemented = Object.keys(leadershipImplementations.actions);
  expect(implemented.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !implemented.includes(name))).toEqual([
    'requestAcquire',
    'requestRenew',
    'requestRelease',
    'awaitJournal',
    'awaitWork',
    'openTerm',
    'extendTerm',
    'closeTerm',
  ]);
  expect(leadershipMachine.id).toBe('leadership');
});

test('a member is called by its id without the part that is random', () => {
  expect(memberName('web-1-k3v9x2m4p7qtw5ah')).toBe('web-1');
  expect(memberName('web-1')).toBeNull();
});
