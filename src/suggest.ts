import { closest, distance } from 'fastest-levenshtein';

/**
 * The known name a mistyped one was probably meant to be, or null if none is near.
 *
 * @example
 * nearest('leaseDuration', ['leaseDurationMs', 'resource']); // 'leaseDurationMs'
 */
export function nearest(name: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const byLowerCase = new Map(known.map((each) => [each.toLowerCase(), each]));
  const wanted = name.toLowerCase();
  const best = closest(wanted, [...byLowerCase.keys()]);
  const isNear = distance(wanted, best) <= Math.max(2, Math.floor(wanted.length / 3));
  return isNear ? (byLowerCase.get(best) ?? null) : null;
}
