import type { Clock } from '../runtime/clock.ts';
import type { RedisClient } from './client.ts';

/** This many exchanges in a row without an answer, and a connection of our own is given up for a new one. */
export const UNANSWERED_MAX = 2;

export interface PeerOptions {
  readonly clock: Clock;
  /** Whether it may be replaced when it goes silent. */
  readonly owned: boolean;
  /** Told each time that a connection stands. */
  readonly onReady: () => void;
}

/**
 * One connection (or cluster) and whether it can be used. Waiting for it is shared by all that wait, and ends with
 * the first error: who asks wants to know that nothing listens there, not to wait for it.
 */
export class RedisPeer {
  readonly client: RedisClient;
  readonly #clock: Clock;
  readonly #owned: boolean;
  readonly #onReady: () => void;
  readonly #waiting = new Set<(error: unknown) => void>();
  #unanswered = 0;
  #missedAt = -Infinity;
  #error: unknown = null;

  constructor(client: RedisClient, { clock, owned, onReady }: PeerOptions) {
    this.client = client;
    this.#clock = clock;
    this.#owned = owned;
    this.#onReady = onReady;
    client.on('ready', this.#ready);
    client.on('error', this.#failed);
    client.on('end', this.#ended);
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Resolves with null when commands can be sent, else with what is in the way, at `deadline` at the latest. */
  async untilReady(deadline: number): Promise<unknown> {
    if (this.isReady) return null;
    if (this.client.status === 'end') return this.#error ?? new Error('The connection was closed.');
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const waitMs = Math.max(0, deadline - this.#clock.monotonicMs());
    const late = () => resolve(this.#error ?? new Error('There was no connection in time.'));
    const timer = this.#clock.setTimeout(late, waitMs);
    this.#waiting.add(resolve);
    // A lazy one connects for the first who needs it. How that ends its events tell.
    if (this.client.status === 'wait') this.client.connect().catch(() => {});
    const error = await promise;
    this.#clock.clearTimeout(timer);
    this.#waiting.delete(resolve);
    return error;
  }

  answered(): void {
    this.#unanswered = 0;
  }

  /**
   * Nobody answered what was sent then, in the time that calls have. A connection whose packets go nowhere looks open
   * for minutes, so that it is not waited for but replaced. What was sent together counts once.
   */
  unanswered(sentAt: number): void {
    if (sentAt < this.#missedAt) return;
    this.#missedAt = this.#clock.monotonicMs();
    this.#unanswered += 1;
    if (this.#unanswered < UNANSWERED_MAX || !this.#owned || !this.isReady) return;
    this.#unanswered = 0;
    this.client.disconnect(true);
  }

  /** Looks at it no more. */
  forget(): void {
    this.client.off('ready', this.#ready);
    this.client.off('error', this.#failed);
    this.client.off('end', this.#ended);
  }

  readonly #ready = () => {
    this.#error = null;
    this.#unanswered = 0;
    this.#onReady();
    this.#tell(null);
  };

  readonly #failed = (error: unknown) => {
    this.#error = error;
    if (!this.isReady) this.#tell(error);
  };

  readonly #ended = () => this.#tell(this.#error ?? new Error('The connection was closed.'));

  #tell(error: unknown): void {
    for (const resolve of this.#waiting) resolve(error);
  }
}
