import type { ConfigWatchStatus, DegradedReason } from './watch-status.ts';

/** What the watch over the files tells of itself. */
export type WatchEvent =
  /** Changes may be noticed late, or never. */
  | { readonly type: 'watchDegraded'; readonly reason: DegradedReason; readonly message: string }
  | { readonly type: 'watchRecovered'; readonly reason: DegradedReason }
  /** A look failed; the next is taken all the same. */
  | { readonly type: 'watchFailed'; readonly message: string };

/** Tells what is new in each status: a trouble once, however often it is found again. */
export class WatchWitness {
  readonly #emit: (event: WatchEvent) => void;
  #degraded: ReadonlySet<DegradedReason> = new Set();
  #errors = 0;
  #failing: string | null = null;

  constructor(emit: (event: WatchEvent) => void) {
    this.#emit = emit;
  }

  see({ degraded, errors, lastError }: ConfigWatchStatus): void {
    const before = this.#degraded;
    this.#degraded = new Set(degraded.map(({ reason }) => reason));
    for (const { reason, message } of degraded)
      if (!before.has(reason)) this.#emit({ type: 'watchDegraded', reason, message });
    for (const reason of before)
      if (!this.#degraded.has(reason)) this.#emit({ type: 'watchRecovered', reason });
    const failing = errors > this.#errors ? lastError : null;
    const isTold = failing === this.#failing || degraded.some(({ message }) => message === failing);
    this.#errors = errors;
    this.#failing = failing;
    if (failing !== null && !isTold) this.#emit({ type: 'watchFailed', message: failing });
  }
}
