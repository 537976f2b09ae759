import type { ReloadTimings } from './config-reload.events.ts';

/** The timings of configuration reload: their defaults, and which are refused. Milliseconds throughout. */

/** What applies unless a user says otherwise. */
export const RELOAD_TIMINGS: ReloadTimings = {
  quietMs: 300,
  maxWaitMs: 5000,
  readMs: 10_000,
  parseMs: 10_000,
  checkMs: 10_000,
  prepareMs: 30_000,
  journalMs: 1000,
  commitMs: 30_000,
  abortMs: 5000,
  rollbackMs: 30_000,
  healthMs: 30_000,
  retryMs: 1000,
  retryMaxMs: 60_000,
};

/** The longest wait of a JavaScript timer; a longer one would fire at once. */
export const RELOAD_WAIT_MAX_MS = 2 ** 31 - 1;

/** Waits that may be 0: no debounce, no health watch. */
const MAY_BE_0: ReadonlySet<keyof ReloadTimings> = new Set(['quietMs', 'maxWaitMs', 'healthMs']);

/** One reason to refuse a set of timings. */
export interface ReloadTimingFinding {
  readonly setting: keyof ReloadTimings;
  readonly message: string;
}

/**
 * Fills in the defaults and judges the result, one finding a rule; the timings are the defaults if there is any.
 *
 * @example
 * checkReloadTimings({ quietMs: 500 }).timings.maxWaitMs; // 5000
 */
export function checkReloadTimings(options: Partial<ReloadTimings>): {
  readonly timings: ReloadTimings;
  readonly errors: readonly ReloadTimingFinding[];
} {
  const errors: ReloadTimingFinding[] = [];
  const timings = { ...RELOAD_TIMINGS, ...options };
  for (const setting of Object.keys(RELOAD_TIMINGS) as (keyof ReloadTimings)[]) {
    const value: unknown = timings[setting];
    const least = MAY_BE_0.has(setting) ? 0 : 1;
    if (typeof value === 'number' && value >= least && value <= RELOAD_WAIT_MAX_MS) continue;
    errors.push({
      setting,
      message: `${setting} is ${String(value)}, but must be a number of milliseconds from ${least} to ${RELOAD_WAIT_MAX_MS}.`,
    });
  }
  const longer = (setting: keyof ReloadTimings, than: keyof ReloadTimings) => {
    if (errors.length > 0 || timings[setting] >= timings[than]) return;
    errors.push({
      setting,
      message: `${setting} is ${timings[setting]}, but must not be shorter than ${than}, which is ${timings[than]}.`,
    });
  };
  longer('maxWaitMs', 'quietMs');
  longer('retryMaxMs', 'retryMs');
  return { timings: errors.length === 0 ? timings : RELOAD_TIMINGS, errors };
}
