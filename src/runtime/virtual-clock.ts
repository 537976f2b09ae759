import { UsageError } from '../errors.ts';
import type { Clock, TimerId } from './clock.ts';
import { checkedDelay } from './delay.ts';
import { TimerHeap, type HeapTimer } from './timer-heap.ts';

/**
 * Time that moves only when told, from deadline to deadline, so that a timer that sets itself again fires once for
 * each of its turns however far time is moved (XState's `SimulatedClock` fires it once a jump, at the wrong time).
 * One such clock can drive many nodes, each with clocks that are off in their own way.
 */

/** Most timers that may fire without time moving on; more is a loop. */
export const FIRES_AT_ONE_INSTANT_MAX = 100_000;

/** Where a virtual clock starts. */
export interface VirtualClockOptions {
  /** Reading of the monotonic clock at the start, in milliseconds; default 0. */
  readonly monotonicMs?: number;
  /** Reading of the wall clock at the start, in milliseconds since the epoch; default 2026-01-01T00:00:00Z. */
  readonly wallMs?: number;
  /** With a seed, timers due at the same instant fire in an order drawn from it; without, in the order they were set. */
  readonly seed?: number;
}

/** How one node's clocks differ from true time. */
export interface NodeClockOptions {
  /** How far the node's wall clock is ahead, in milliseconds; default 0. */
  readonly offsetMs?: number;
  /** How much faster than true time the node's clocks run, in parts per million; default 0. */
  readonly driftPpm?: number;
  /** Reading of the node's monotonic clock at its creation; default that of the virtual clock. */
  readonly monotonicMs?: number;
}

/** Two readings closer than this differ by rounding only. */
const ROUNDING_MS = 1e-6;

const DEFAULT_WALL_MS = 1_767_225_600_000;

/**
 * A clock for tests and simulations. It is itself a `Clock` without any error, and makes `node` clocks that have some.
 *
 * @example
 * const clock = new VirtualClock();
 * const actor = createActor(machine, { clock }).start();
 * clock.advance(5_000); // every timer on the way fires at its own time
 */
export class VirtualClock implements Clock {
  readonly #heap = new TimerHeap();
  readonly #monoAtZero: number;
  readonly #wallAtZero: number;
  readonly #random: (() => number) | null;
  #now = 0;
  #fires = 0;

  constructor({ monotonicMs = 0, wallMs = DEFAULT_WALL_MS, seed }: VirtualClockOptions = {}) {
    this.#monoAtZero = monotonicMs;
    this.#wallAtZero = wallMs;
    this.#random = seed === undefined ? null : mulberry32(seed);
  }

  /** True milliseconds since this clock was made. */
  get nowMs(): number {
    return this.#now;
  }

  /** True time of the next timer that can fire, in milliseconds since the start; null if there is none. */
  get nextMs(): number | null {
    return this.#heap.peek()?.at ?? null;
  }

  /** How many timers are set, those of paused nodes not counted. */
  get pending(): number {
    return this.#heap.size;
  }

  monotonicMs(): number {
    return this.#monoAtZero + this.#now;
  }

  wallMs(): number {
    return this.#wallAtZero + this.#now;
  }

  setTimeout(fn: () => void, delayMs: number): TimerId {
    return this.#schedule(this.#now + checkedDelay(delayMs), fn);
  }

  clearTimeout(id: TimerId): void {
    this.#heap.remove(id as HeapTimer);
  }

  /** A view of this clock with an error of its own. */
  node(options: NodeClockOptions = {}): NodeClock {
    return new NodeClock(this, (at, fire, before) => this.#schedule(at, fire, before), options);
  }

  /** Moves time on by `ms`, firing at its own time each timer on the way, those set meanwhile included. */
  advance(ms: number): void {
    this.runUntil(this.#now + checkedDelay(ms));
  }

  /** Moves time to `atMs` (true milliseconds since the start; the past is now) in the same way. */
  runUntil(atMs: number): void {
    for (let next = this.nextMs; next !== null && next <= atMs; next = this.nextMs) this.runNext();
    if (atMs > this.#now) this.#moveTo(atMs);
  }

  /** Moves to the next timer and fires it. False, and nothing happens, if there is none. */
  runNext(): boolean {
    const timer = this.#heap.pop();
    if (timer === null) return false;
    if (timer.at > this.#now) this.#moveTo(timer.at);
    this.#fires += 1;
    if (this.#fires > FIRES_AT_ONE_INSTANT_MAX) {
      throw new UsageError(
        'DELAY_INVALID',
        `${FIRES_AT_ONE_INSTANT_MAX} timers fired at ${this.#now} ms without time moving on: some timer sets itself again with no delay.`,
      );
    }
    timer.fire();
    return true;
  }

  #moveTo(at: number): void {
    this.#now = at;
    this.#fires = 0;
  }

  #schedule(at: number, fire: () => void, before = false): HeapTimer {
    const tie = before ? -1 : (this.#random?.() ?? 0);
    // Rounding of a drifting node's times must not put a timer into the past.
    return this.#heap.add({ at: Math.max(at, this.#now), tie, fire });
  }
}

type Schedule = (at: number, fire: () => void, before?: boolean) => HeapTimer;

/** A timer of a node: due by the node's own clock. */
interface NodeTimer {
  readonly dueMono: number;
  readonly order: number;
  readonly fn: () => void;
  queued: HeapTimer | null;
}

/**
 * The clock of one node: its rate may be off (`drift`), its wall clock may be ahead, behind or jump, and it may be
 * paused, as a frozen process is: time goes on, no timer fires, and at `resume` the overdue ones fire in their order.
 */
export class NodeClock implements Clock {
  readonly #base: VirtualClock;
  readonly #schedule: Schedule;
  readonly #timers = new Set<NodeTimer>();
  #rate: number;
  #wallAhead: number;
  /** The node's monotonic clock read `#monoThen` when true time was `#trueThen`. */
  #trueThen: number;
  #monoThen: number;
  /** Rounding must not make the clock read less than a timer that has just fired at its time. */
  #monoMin: number;
  #paused = false;
  #order = 0;

  constructor(
    base: VirtualClock,
    schedule: Schedule,
    { offsetMs = 0, driftPpm = 0, monotonicMs }: NodeClockOptions,
  ) {
    this.#base = base;
    this.#schedule = schedule;
    this.#rate = rateOf(driftPpm);
    this.#trueThen = base.nowMs;
    this.#monoThen = monotonicMs ?? base.monotonicMs();
    this.#monoMin = this.#monoThen;
    this.#wallAhead = base.wallMs() + offsetMs - this.#monoThen;
  }

  get paused(): boolean {
    return this.#paused;
  }

  monotonicMs(): number {
    const read = this.#monoThen + (this.#base.nowMs - this.#trueThen) * this.#rate;
    return Math.max(read, this.#monoMin);
  }

  wallMs(): number {
    return this.monotonicMs() + this.#wallAhead;
  }

  setTimeout(fn: () => void, delayMs: number): TimerId {
    this.#order += 1;
    const timer: NodeTimer = {
      dueMono: this.monotonicMs() + checkedDelay(delayMs),
      order: this.#order,
      fn,
      queued: null,
    };
    this.#timers.add(timer);
    if (!this.#paused) this.#queue(timer);
    return timer;
  }

  clearTimeout(id: TimerId): void {
    const timer = id as NodeTimer;
    if (this.#timers.delete(timer)) this.#unqueue(timer);
  }

  /** Makes the wall clock step by `ms`, forwards or (negative) backwards. Timers do not care. */
  jumpWall(ms: number): void {
    this.#wallAhead += ms;
  }

  /** Changes the rate from now on; pending timers keep what they have left by the node's own clock. */
  setDrift(driftPpm: number): void {
    this.#monoThen = this.monotonicMs();
    this.#trueThen = this.#base.nowMs;
    this.#rate = rateOf(driftPpm);
    if (!this.#paused) this.#requeue();
  }

  /** Freezes the node: clocks go on, no timer fires. */
  pause(): void {
    this.#paused = true;
    for (const timer of this.#timers) this.#unqueue(timer);
  }

  /** Lets the node go on: what is overdue fires at this instant, in the order it was due, before anything else. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#requeue();
  }

  /** Forgets every timer, as the end of a process does. */
  clearAll(): void {
    for (const timer of this.#timers) this.clearTimeout(timer);
  }

  #requeue(): void {
    const inOrder = [...this.#timers].toSorted((a, b) => a.dueMono - b.dueMono || a.order - b.order);
    for (const timer of inOrder) {
      this.#unqueue(timer);
      this.#queue(timer);
    }
  }

  #queue(timer: NodeTimer): void {
    const at = this.#trueThen + (timer.dueMono - this.#monoThen) / this.#rate;
    const overdue = timer.dueMono < this.monotonicMs();
    timer.queued = this.#schedule(at, () => this.#fire(timer), overdue);
  }

  #unqueue(timer: NodeTimer): void {
    if (timer.queued !== null) this.#base.clearTimeout(timer.queued);
    timer.queued = null;
  }

  #fire(timer: NodeTimer): void {
    this.#timers.delete(timer);
    this.#monoMin = Math.max(this.#monoMin, timer.dueMono);
    // At its time the clock reads just that; rounding must not add up over many timers.
    if (Math.abs(this.monotonicMs() - timer.dueMono) < ROUNDING_MS) {
      this.#monoThen = timer.dueMono;
      this.#trueThen = this.#base.nowMs;
      this.#monoMin = timer.dueMono;
    }
    timer.fn();
  }
}

function rateOf(driftPpm: number): number {
  const rate = 1 + driftPpm / 1_000_000;
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw new UsageError(
    'DELAY_INVALID',
    `A clock cannot run at ${rate} times true time (driftPpm ${driftPpm}).`,
  );
}

/** Mulberry32 by Tommy Ettinger (public domain): small, fast, and enough to shuffle ties. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
