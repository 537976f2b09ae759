import { UsageError } from '../errors.ts';

/**
 * A delay as every clock takes it: a finite number; one that is over already (negative) waits for nothing.
 *
 * @throws UsageError `DELAY_INVALID`
 */
export function checkedDelay(delayMs: number): number {
  if (Number.isFinite(delayMs)) return Math.max(0, delayMs);
  throw new UsageError(
    'DELAY_INVALID',
    `A timer was asked to wait ${String(delayMs)} ms. Delays must be finite numbers of milliseconds, 0 or more.`,
  );
}
