/** Durations and sizes as people write them. */

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const PART = /(\d+(?:\.\d+)?)(ms|d|h|m|s)/y;
/** What is longer is a slip of the keyboard. */
const DURATION_MAX_MS = 366 * UNITS.d;

/** Milliseconds of `15s`, `1h30m`, `500ms`; null if it is none, or longer than a year. */
export function durationMs(written: string): number | null {
  const text = written.trim();
  let ms = 0;
  let unitBefore = Infinity;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text);
    if (part === null) return null;
    const unit = UNITS[part[2] as keyof typeof UNITS];
    if (unit >= unitBefore) return null;
    ms += Number(part[1]) * unit;
    unitBefore = unit;
  }
  return text !== '' && ms <= DURATION_MAX_MS ? ms : null;
}

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
};

/** Bytes of `64MiB`, `1GB`, `500 kB`; null if it is no size. */
export function sizeBytes(written: string): number | null {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?i?b)\s*$/i.exec(written) ?? [];
  const factor = BYTES[unit.toLowerCase()];
  if (number === undefined || factor === undefined) return null;
  const bytes = Math.round(Number(number) * factor);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
