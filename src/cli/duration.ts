import { InvalidArgumentError } from 'commander';

export { formatDuration } from './duration-text.ts';

/** Milliseconds of each unit a duration may be written in, largest first. */
const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** One number with its unit; the units with two letters come before those they begin with. */
const PART = /(\d+(?:\.\d+)?)(ms|d|h|m|s)/y;

/** No wait on a command line is longer: what exceeds it is a slip of the keyboard. */
const DURATION_MAX_MS = 366 * UNITS.d;

/**
 * Milliseconds of a duration as people write it: `500ms`, `30s`, `2m`, `1h30m`, `1.5s`.
 *
 * For commander's `argParser`: what it throws becomes the command's usage error.
 *
 * @throws InvalidArgumentError that says what would do
 * @example
 * program.option('--wait <duration>', 'wait at most this long', parseDuration);
 */
export function parseDuration(text: string): number {
  const written = text.trim();
  if (/^\d+(\.\d+)?$/.test(written))
    throw new InvalidArgumentError(`Which unit? Write ${written}s for seconds or ${written}ms.`);
  let ms = 0;
  let unitBefore = Infinity;
  PART.lastIndex = 0;
  while (PART.lastIndex < written.length) {
    const part = PART.exec(written);
    const unit = part === null ? Number.NaN : UNITS[part[2] as keyof typeof UNITS];
    if (part === null || unit >= unitBefore) throw new InvalidArgumentError(SHAPE);
    ms += Number(part[1]) * unit;
    unitBefore = unit;
  }
  if (written === '') throw new InvalidArgumentError(SHAPE);
  if (ms > DURATION_MAX_MS) throw new InvalidArgumentError('The longest duration is 366d.');
  return ms;
}

const SHAPE = 'A duration is a number and a unit (ms, s, m, h, d), for example 500ms, 30s, 2m or 1h30m.';

/** As `parseDuration`, for options where no time at all makes no sense. */
export function parsePositiveDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === 0) throw new InvalidArgumentError('It must be longer than nothing.');
  return ms;
}
