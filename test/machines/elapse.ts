import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/** Lets everything that needs no time happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Moves virtual time from deadline to deadline; promises settle in between. */
export async function elapse(clock: VirtualClock, ms: number): Promise<void> {
  const end = clock.nowMs + ms;
  for (;;) {
    await settle();
    if (clock.nextMs === null || clock.nextMs > end) break;
    clock.runNext();
  }
  clock.runUntil(end);
  await settle();
}
