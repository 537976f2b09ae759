import type { Clock } from '../runtime/clock.ts';

/** Waits for work, but not longer than this; what comes of it later is thrown away. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => late.reject(new Error(`no answer within ${Math.round(ms)} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clock.clearTimeout(timer);
    // A failure that nobody waits for any more must not end the process.
    work.catch(() => {});
  }
}
