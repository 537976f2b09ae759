/** Readers of a feed that have told all there is, and wait for more. */
export class WaitingReaders {
  readonly #waiting = new Set<() => void>();

  /** Resolves when there may be more, or when the signal, which must not be aborted yet, is. */
  more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
