/**
 * - `danger`: a promise does not hold on this server, or nobody can lead.
 * - `warning`: it holds, but trouble is near or will cost terms.
 * - `unknown`: it could not be asked.
 * - `note`: worth knowing.
 * - `ok`: looked at, and well.
 */
export type Severity = 'danger' | 'warning' | 'unknown' | 'note' | 'ok';

/** One thing that was looked at. */
export interface RedisFinding {
  /** Names the check, for programs: `eviction`, `failover`, … */
  readonly check: string;
  readonly severity: Severity;
  /** What was seen, with the numbers. */
  readonly seen: string;
  /** What that means for leases. */
  readonly why: string;
  /** A command or a setting that helps; null where there is nothing to do. */
  readonly cure: string | null;
}

/** What a question got: an answer, or why there is none. */
export type Asked<T> = { readonly answer: T } | { readonly refused: string };

/** What cannot be asked is said, with the way to find out. */
export function unknown(check: string, refused: string, why: string, cure: string): RedisFinding {
  return { check, severity: 'unknown', seen: `could not be asked: ${refused}`, why, cure };
}

/** One field of what `INFO` says, or null. */
export function infoField(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
}

/** The same as a number; null if it is not there or none. */
export function infoNumber(info: string, name: string): number | null {
  const text = infoField(info, name);
  return text === null || text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${Number((count / 1024 ** power).toPrecision(3))} ${units[power]}`;
}

export function milliseconds(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}
