import { GUARD_MIN_MS } from '../../machines/leadership.timings.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';

/** How many beats a stall of the event loop is remembered. */
const REMEMBERED_BEATS = 200;

/**
 * Beats while a term stands. It notices what no timer tells: an event loop that stalled (the guard before the end
 * of a lease must be longer than that) and clocks that moved without a timer firing (a suspended host, a stepped
 * wall clock).
 */
export class Pulse {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onBeat: () => void;
  readonly #stalls: number[] = [];
  #timer: TimerId = null;
  #dueAt = 0;

  constructor(clock: Clock, leaseMs: number, onBeat: () => void) {
    this.#clock = clock;
    this.#intervalMs = Math.min(Math.max(leaseMs / 50, 20), 500);
    this.#onBeat = onBeat;
  }

  /** The margin to leave before the end of a lease: the longest stall lately seen, within reason. */
  guardMs(leaseMs: number): number {
    const longest = this.#stalls.reduce((a, b) => Math.max(a, b), 0);
    return Math.min(Math.max(longest, GUARD_MIN_MS), Math.max(leaseMs / 10, GUARD_MIN_MS));
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#dueAt = this.#clock.monotonicMs() + this.#intervalMs;
    this.#timer = this.#clock.setTimeout(this.#beat, this.#intervalMs);
  }

  stop(): void {
    if (this.#timer === null) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #beat = () => {
    this.#timer = null;
    this.#stalls.push(this.#clock.monotonicMs() - this.#dueAt);
    if (this.#stalls.length > REMEMBERED_BEATS) this.#stalls.shift();
    this.start();
    this.#onBeat();
  };
}
