/**
 * Where a server is on its way: it serves, or it is on its way out. One for all listeners of a process, so that the
 * readiness of a member is told the same everywhere. Draining is final.
 */
export class Lifecycle {
  readonly #drain = new AbortController();

  /** Whether the member is going away: not ready any more, but what is under way is finished. */
  get isDraining(): boolean {
    return this.#drain.signal.aborted;
  }

  /** Aborted when draining begins; streams end by it. */
  get draining(): AbortSignal {
    return this.#drain.signal;
  }

  /** From now on the member tells that it is not ready. */
  drain(): void {
    this.#drain.abort(new Error('This member is going away.'));
  }
}
