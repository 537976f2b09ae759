import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';

/** The first pause is short, for most connections are lost by a restart or a failover that is over soon. */
export const BACKOFF_FIRST_MS = 50;
/** Longer pauses would only delay the first term after an outage. */
export const BACKOFF_MAX_MS = 2000;
/** A connection that stood for less is part of the same trouble: a server that accepts and hangs up is no success. */
export const BACKOFF_STABLE_MS = 5000;

/** Pauses between attempts to connect: doubled up to a limit, with jitter, without an end. */
export class Backoff {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  #attempts = 0;
  #readyAt: number | null = null;

  constructor(clock: Clock, randomness: Randomness) {
    this.#clock = clock;
    this.#randomness = randomness;
  }

  /** Tells that a connection stands. */
  ready(): void {
    this.#readyAt = this.#clock.monotonicMs();
  }

  /** Milliseconds to wait before the next attempt. */
  nextMs(): number {
    if (this.#readyAt !== null && this.#clock.monotonicMs() - this.#readyAt >= BACKOFF_STABLE_MS)
      this.#attempts = 0;
    this.#readyAt = null;
    const fullMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#attempts, 16));
    this.#attempts += 1;
    return fullMs / 2 + (fullMs / 2) * this.#randomness.unit();
  }
}
