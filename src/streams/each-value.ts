import type { Observable } from 'rxjs';

/** Most values kept for an iterator that is not read; the oldest go first. */
export const ITERATOR_BACKLOG_MAX = 10_000;

/** An observable as an async iterator: values wait their turn, leaving the loop unsubscribes. */
export async function* eachValueFrom<T>(source: Observable<T>): AsyncGenerator<T, void, undefined> {
  const backlog: T[] = [];
  let wake: () => void = () => {};
  let ended = false;
  const failures: Error[] = [];
  const subscription = source.subscribe({
    next: (value) => {
      backlog.push(value);
      if (backlog.length > ITERATOR_BACKLOG_MAX) backlog.shift();
      wake();
    },
    error: (error: unknown) => {
      failures.push(error instanceof Error ? error : new Error(String(error)));
      wake();
    },
    complete: () => {
      ended = true;
      wake();
    },
  });
  try {
    for (;;) {
      while (backlog.length > 0) yield backlog.shift() as T;
      for (const failure of failures) throw failure;
      if (ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  } finally {
    subscription.unsubscribe();
  }
}
