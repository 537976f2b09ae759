import type { Clock } from './clock.ts';
import { checkedDelay } from './delay.ts';

/** The one file that touches real clocks and timers. */

/** The longest wait a Node timer takes; anything longer fires at once. */
const NODE_TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Node counts whole milliseconds and so fires up to one too early; more than this is not that. */
const EARLY_MAX_MS = 2;

/** One timer of ours, which may be several of Node's one after the other. */
class SystemTimer {
  readonly due: number;
  readonly fn: () => void;
  handle: NodeJS.Timeout | null = null;

  constructor(fn: () => void, due: number) {
    this.fn = fn;
    this.due = due;
  }

  arm(delayMs: number): void {
    // Node drops the fraction of a delay, which would make it too short.
    const turn = Math.min(Math.ceil(delayMs), NODE_TIMEOUT_MAX_MS);
    this.handle = setTimeout(() => this.#turn(delayMs - turn), turn);
  }

  #turn(leftMs: number): void {
    this.handle = null;
    if (leftMs > 0) {
      this.arm(leftMs);
      return;
    }
    const early = this.due - systemClock.monotonicMs();
    if (early > 0 && early <= EARLY_MAX_MS) this.arm(early);
    else this.fn();
  }
}

/**
 * The real time. `monotonicMs` is the host's monotonic clock (CLOCK_MONOTONIC on Linux), so processes of one boot
 * and one time namespace may compare it; it is precise to microseconds. Timers of any length keep their time, and
 * none fires before `monotonicMs` has passed it.
 *
 * @example
 * createActor(machine, { clock: systemClock });
 */
export const systemClock: Clock = {
  monotonicMs() {
    // The tuple, not the bigint: the same clock without an allocation on the path of every event.
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + Math.round(nanoseconds / 1000) / 1000;
  },
  wallMs: () => Date.now(),
  setTimeout(fn, delayMs) {
    const delay = checkedDelay(delayMs);
    const timer = new SystemTimer(fn, systemClock.monotonicMs() + delay);
    timer.arm(delay);
    return timer;
  },
  clearTimeout(id) {
    if (!(id instanceof SystemTimer) || id.handle === null) return;
    clearTimeout(id.handle);
    id.handle = null;
  },
};

function install(
  date: DateConstructor,
  performance: typeof globalThis.performance,
  hrtime: NodeJS.HRTime,
): void {
  globalThis.Date = date;
  Object.defineProperty(globalThis, 'performance', {
    value: performance,
    configurable: true,
    writable: true,
  });
  process.hrtime = hrtime;
}

/**
 * Runs `fn` while every ambient clock reads something else, for the check that a transition depends on none.
 * `fn` must be synchronous.
 */
export function underOtherTime<T>(fn: () => T): T {
  const { Date: RealDate, performance: realPerformance } = globalThis;
  const realHrtime = process.hrtime;
  // Odd and far away: parity, day, month and year all change.
  const shiftMs = 40 * 365 * 86_400_000 + 12_345_677;
  const OtherDate = function (this: unknown, ...parts: unknown[]) {
    if (new.target === undefined) return new RealDate(RealDate.now() + shiftMs).toString();
    return Reflect.construct(
      RealDate,
      parts.length === 0 ? [RealDate.now() + shiftMs] : parts,
      new.target,
    ) as Date;
  } as unknown as DateConstructor;
  Object.setPrototypeOf(OtherDate, RealDate);
  Object.defineProperty(OtherDate, 'prototype', { value: RealDate.prototype });
  OtherDate.now = () => RealDate.now() + shiftMs;
  const otherPerformance = Object.create(realPerformance, {
    now: { value: () => realPerformance.now() + shiftMs },
  }) as typeof globalThis.performance;
  const otherHrtime = Object.assign(
    (since?: [number, number]): [number, number] => {
      const [seconds, nanoseconds] = since === undefined ? realHrtime() : realHrtime(since);
      return [seconds + Math.round(shiftMs / 1000), nanoseconds];
    },
    { bigint: () => realHrtime.bigint() + BigInt(shiftMs) * 1_000_000n },
  );
  install(OtherDate, otherPerformance, otherHrtime);
  try {
    return fn();
  } finally {
    install(RealDate, realPerformance, realHrtime);
  }
}
