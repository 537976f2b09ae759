/** Edit distance of Damerau and Levenshtein, restricted to adjacent swaps. */
function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[a.length]![b.length]!;
}

/**
 * The known name a mistyped one was probably meant to be, or null if none is near.
 *
 * @example
 * nearest('leaseDuration', ['leaseDurationMs', 'resource']); // 'leaseDurationMs'
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = name.toLowerCase();
  let best: { name: string; far: number } | null = null;
  for (const candidate of known) {
    const far = distance(wanted, candidate.toLowerCase());
    if (best === null || far < best.far) best = { name: candidate, far };
  }
  return best !== null && best.far <= Math.max(2, Math.floor(wanted.length / 3)) ? best.name : null;
}
