import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { FIRES_AT_ONE_INSTANT_MAX, VirtualClock } from '../../src/runtime/virtual-clock.ts';

const month = 30 * 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

describe('the clock of the system', () => {
  it('counts on the clock that all processes of a boot share, to the microsecond', () => {
    const before = Number(process.hrtime.bigint() / 1_000n) / 1_000;
    const read = systemClock.monotonicMs();
    const after = Number(process.hrtime.bigint() / 1_000n + 1n) / 1_000;
    expect(read).toBeGreaterThanOrEqual(before - 0.001);
    expect(read).toBeLessThanOrEqual(after);
    expect(Math.round(read * 1_000) / 1_000).toBe(read);
  });

  it('never fires before its own time', async () => {
    for (const delayMs of [0, 0.4, 1, 1.7, 3.2]) {
      const due = systemClock.monotonicMs() + delayMs;
      await new Promise<void>((resolve) => systemClock.setTimeout(resolve, delayMs));
      expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(due);
    }
  });

  it('waits again where the timer of Node came early', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let now = 100;
    const hrtime = vi.spyOn(process, 'hrtime').mockImplementation(() => [0, now * 1e6]);
    const fired = vi.fn();
    systemClock.setTimeout(fired, 10);
    now = 109.4;
    vi.advanceTimersByTime(10);
    expect(fired).not.toHaveBeenCalled();
    now = 110;
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
    hrtime.mockRestore();
  });

  it('keeps waits that are longer than a timer of Node can be', () => {
    vi.useFakeTimers();
    const fired = vi.fn();
    systemClock.setTimeout(fired, month);
    vi.advanceTimersByTime(month - 1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('forgets a timer at any of its turns, and does not mind ids it does not know', () => {
    vi.useFakeTimers();
    const fired = vi.fn();
    const timer = systemClock.setTimeout(fired, month);
    vi.advanceTimersByTime(2 ** 31);
    systemClock.clearTimeout(timer);
    systemClock.clearTimeout(timer);
    systemClock.clearTimeout(undefined);
    vi.advanceTimersByTime(month);
    expect(fired).not.toHaveBeenCalled();
  });
});

const clocks = { system: systemClock, virtual: new VirtualClock(), node: new VirtualClock().node() };

describe.each(Object.entries(clocks))('the %s clock', (_, clock) => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined as never, '5' as never])(
    'refuses to wait %s',
    (delay) => {
      expect(() => clock.setTimeout(() => {}, delay)).toThrow(
        expect.objectContaining({ code: 'DELAY_INVALID' }),
      );
    },
  );
});

describe('the virtual clock', () => {
  it('fires a timer that sets itself again once for each of its turns, however far time is moved', () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    const again = (): void => {
      at.push(clock.nowMs);
      clock.setTimeout(again, 100);
    };
    clock.setTimeout(again, 100);
    clock.advance(1_000);
    expect(at).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
    clock.advance(1_000_000);
    expect(at).toHaveLength(10_010);
  });

  it('reads what it is told at the start, and moves both readings together', () => {
    const clock = new VirtualClock({ monotonicMs: 7, wallMs: 1_000 });
    clock.advance(0.5);
    expect([clock.monotonicMs(), clock.wallMs(), clock.nowMs]).toEqual([7.5, 1_000.5, 0.5]);
  });

  it('fires what is due at one instant in the order it was set, or in one drawn from the seed', () => {
    const order = (seed?: number) => {
      const clock = new VirtualClock(seed === undefined ? {} : { seed });
      const fired: number[] = [];
      for (let n = 0; n < 10; n += 1) clock.setTimeout(() => fired.push(n), 5);
      clock.advance(5);
      return fired.join('');
    };
    expect(order()).toBe('0123456789');
    expect(order(1)).toBe(order(1));
    expect(new Set([order(1), order(2), order(3)]).size).toBe(3);
    expect(order(1).split('').toSorted().join('')).toBe('0123456789');
  });

  it('steps, tells what comes next, and stops where it is told', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push('a'), 10);
    const cancelled = clock.setTimeout(() => fired.push('b'), 20);
    clock.setTimeout(() => fired.push('c'), 30);
    expect([clock.nextMs, clock.pending]).toEqual([10, 3]);
    expect(clock.runNext()).toBe(true);
    clock.clearTimeout(cancelled);
    clock.clearTimeout(cancelled);
    clock.runUntil(29);
    expect([clock.nowMs, fired]).toEqual([29, ['a']]);
    clock.runUntil(5);
    expect(clock.nowMs).toBe(29);
    expect([clock.runNext(), clock.runNext(), clock.nextMs]).toEqual([true, false, null]);
    expect(fired).toEqual(['a', 'c']);
  });

  it('refuses a timer that sets itself again without delay, instead of standing still for ever', () => {
    const clock = new VirtualClock();
    let fires = 0;
    const again = (): void => {
      fires += 1;
      clock.setTimeout(again, 0);
    };
    clock.setTimeout(again, 0);
    expect(() => clock.advance(1)).toThrow(/without time moving on/);
    expect(fires).toBe(FIRES_AT_ONE_INSTANT_MAX);
  });

  it('sets and cancels a hundred thousand timers in the time a list would need for some', () => {
    const clock = new VirtualClock();
    const ids = Array.from({ length: 100_000 }, (_, n) => clock.setTimeout(() => {}, (n * 7_919) % 100_000));
    for (const [n, id] of ids.entries()) if (n % 2 === 0) clock.clearTimeout(id);
    clock.advance(100_000);
    expect(clock.pending).toBe(0);
  });
});

describe('a node of the virtual clock', () => {
  it('is off as it is told: its rate, its wall clock, its start', () => {
    const clock = new VirtualClock({ monotonicMs: 0, wallMs: 0 });
    const fast = clock.node({ offsetMs: 500, driftPpm: 5_000, monotonicMs: 10_000 });
    clock.advance(1_000);
    expect(fast.monotonicMs()).toBeCloseTo(11_005, 9);
    expect(fast.wallMs()).toBeCloseTo(1_505, 9);
    fast.jumpWall(-60_000);
    expect(fast.wallMs()).toBeCloseTo(-58_495, 9);
    expect(fast.monotonicMs()).toBeCloseTo(11_005, 9);
  });

  it('fires by its own time, exactly, over and over', () => {
    const clock = new VirtualClock();
    const slow = clock.node({ driftPpm: -5_000 });
    const at: number[] = [];
    const again = (): void => {
      at.push(slow.monotonicMs());
      if (at.length < 10_000) slow.setTimeout(again, 300);
    };
    slow.setTimeout(again, 300);
    clock.advance(10_000_000);
    expect(at).toHaveLength(10_000);
    expect(at.findIndex((mono, n) => mono !== (n + 1) * 300)).toBe(-1);
    expect(slow.monotonicMs()).toBeCloseTo(9_950_000, 5);
  });

  it('keeps what is left of its timers, by its own clock, when its rate changes', () => {
    const clock = new VirtualClock();
    const node = clock.node();
    const fired = vi.fn(() => node.monotonicMs());
    node.setTimeout(fired, 1_000);
    clock.advance(500);
    node.setDrift(1_000_000);
    clock.advance(249);
    expect(fired).not.toHaveBeenCalled();
    clock.advance(1);
    expect(fired).toHaveReturnedWith(1_000);
  });

  it('paused, counts on and fires nothing; resumed, fires what is overdue in its order and before anything else', () => {
    const clock = new VirtualClock({ seed: 5 });
    const node = clock.node();
    const fired: string[] = [];
    for (const delayMs of [30, 10, 20, 500])
      node.setTimeout(() => fired.push(`${delayMs} at ${clock.nowMs}`), delayMs);
    clock.setTimeout(() => fired.push('other'), 100);
    node.pause();
    clock.runUntil(99);
    node.setTimeout(() => fired.push('late'), 1);
    expect([fired, node.monotonicMs(), clock.pending]).toEqual([[], 99, 1]);
    clock.setTimeout(() => node.resume(), 1);
    clock.advance(1);
    expect(fired.filter((line) => line !== 'other' && line !== 'late')).toEqual([
      '10 at 100',
      '20 at 100',
      '30 at 100',
    ]);
    expect(fired.indexOf('late')).toBeGreaterThan(2);
    clock.advance(400);
    expect(fired.at(-1)).toBe('500 at 500');
  });

  it.each([undefined, null, 7, 'x', {}, { place: 0 }])('ignores %j, which is no timer of its', (id) => {
    const clock = new VirtualClock();
    const node = clock.node();
    clock.setTimeout(() => {}, 10);
    node.setTimeout(() => {}, 10);
    for (const each of [clock, node]) each.clearTimeout(id);
    expect(clock.pending).toBe(2);
  });

  it('forgets one timer or all, paused or not', () => {
    const clock = new VirtualClock();
    const node = clock.node();
    const fired = vi.fn();
    const one = node.setTimeout(fired, 10);
    node.setTimeout(fired, 20);
    node.pause();
    node.clearTimeout(one);
    node.resume();
    expect(clock.pending).toBe(1);
    node.clearAll();
    clock.advance(100);
    expect(fired).not.toHaveBeenCalled();
  });

  it('refuses a rate that is none', () => {
    expect(() => new VirtualClock().node({ driftPpm: -1_000_000 })).toThrow(/cannot run at 0 times/);
  });
});
