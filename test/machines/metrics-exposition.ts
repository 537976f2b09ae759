/** Metrics as Prometheus would read them, over a virtual clock. */
import type { MetricsText } from '../../src/observability/metrics-text.ts';

/** One series: `name{a="b",c="d"}`, labels in order of their names. */
export function seriesOf(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const parts = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}="${value}"`);
  return parts.length === 0 ? name : `${name}{${parts.join(',')}}`;
}

/** Every series of a text with its value. */
export function parseText(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, k = '', v = '']) => [k, v]);
      return [seriesOf(name, Object.fromEntries(pairs) as Record<string, string>), Number(value)];
    }),
  );
}

/** What is exposed now. */
export async function exposed(source: MetricsText): Promise<Map<string, number>> {
  return parseText(await source.text());
}
