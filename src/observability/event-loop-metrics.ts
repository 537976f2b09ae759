import type { Clock, TimerId } from '../runtime/clock.ts';
import type { Instruments } from './instruments.ts';
import { METRICS } from './metric-catalogue.ts';

/** How often the event loop is tried, in milliseconds: ten timers a second, which cost it nothing that shows. */
export const SAMPLE_MS = 100;

/** Records how late timers run, until disposed of. */
export function observeEventLoop(instruments: Instruments, clock: Clock): Disposable {
  let timer: TimerId = null;
  const wait = () => {
    const due = clock.monotonicMs() + SAMPLE_MS;
    timer = clock.setTimeout(() => {
      const lateMs = clock.monotonicMs() - due;
      instruments.record(METRICS.process.eventLoopDelay, lateMs / 1000, {});
      wait();
    }, SAMPLE_MS);
  };
  wait();
  return { [Symbol.dispose]: () => clock.clearTimeout(timer) };
}
