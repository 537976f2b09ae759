const SECOND_MS = 1000;

/**
 * A duration for people: never more than three digits, so that columns stay narrow.
 *
 * @example
 * formatDuration(4.2); // '4.2ms'
 * formatDuration(15_000); // '15s'
 * formatDuration(5_400_000); // '1h30m'
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 999.5) return `${Number(ms.toPrecision(Math.min(3, ms < 1 ? 1 : 3)))}ms`;
  if (ms < 59_950) return `${Number((ms / SECOND_MS).toFixed(ms < 9995 ? 2 : 1))}s`;
  const seconds = Math.round(ms / SECOND_MS);
  const [large, small, unit, part] =
    seconds < 3600
      ? ([Math.floor(seconds / 60), seconds % 60, 'm', 's'] as const)
      : seconds < 86_400
        ? ([Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), 'h', 'm'] as const)
        : ([Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3600), 'd', 'h'] as const);
  return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${part}`;
}
