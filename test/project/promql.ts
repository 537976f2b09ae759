/** Holds the metrics, labels and label values that queries name to the catalogue. */
import { ALL_METRICS, exposedName, type Metric } from '../../src/observability/metric-catalogue.ts';

/** What Prometheus itself puts on series. */
const SCRAPE_LABELS = ['job', 'instance', 'le'];
/** Words of the language that may stand where a metric could. */
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'start', 'end', 'inf', 'nan']);

/** The series that a metric is exposed as. */
function seriesNames(metric: Metric): readonly string[] {
  const name = exposedName(metric, 'conclave');
  return metric.kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

const metricOf = new Map(ALL_METRICS.flatMap((metric) => seriesNames(metric).map((name) => [name, metric])));

const exposedNames = new Set(ALL_METRICS.map((metric) => exposedName(metric, 'conclave')));

/** Whether a metric or a series goes by this name. */
export const isExposed = (name: string): boolean => metricOf.has(name) || exposedNames.has(name);

interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

/** Every metric that an expression names, with its matchers; and every label that it groups by. */
function namedIn(expression: string): { selectors: Selector[]; grouped: string[] } {
  const grouped = [
    ...expression.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g),
  ]
    .flatMap(([, list = '']) => list.split(','))
    .map((label) => label.trim())
    .filter((label) => label !== '');
  const rest = expression
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ');
  const selectors = [...rest.matchAll(/([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)].flatMap(
    ([, name = '', after = '', matchers = '']) => {
      if (after.startsWith('(') || WORDS.has(name.toLowerCase())) return [];
      const parsed = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)];
      return [
        { name, matchers: parsed.map(([, label = '', value = '']) => ({ label, values: value.split('|') })) },
      ];
    },
  );
  return { selectors, grouped };
}

/** What of an expression is not in the catalogue; empty if all of it is. */
export function strangersIn(expression: string): string[] {
  const { selectors, grouped } = namedIn(expression);
  if (selectors.length === 0) return [`${expression}: names no metric`];
  const known = selectors.flatMap(({ name }) => metricOf.get(name) ?? []);
  const groupable = new Set([
    ...SCRAPE_LABELS,
    ...known.flatMap(({ attributes }) => Object.keys(attributes)),
  ]);
  return [
    ...selectors.flatMap(({ name, matchers }) => {
      const metric = metricOf.get(name);
      if (metric === undefined) return [`${name}: no such metric`];
      return matchers.flatMap(({ label, values }) => {
        if (SCRAPE_LABELS.includes(label)) return [];
        const allowed = metric.attributes[label];
        if (allowed === undefined) return [`${name}: no label ${label}`];
        if (allowed === null) return [];
        return values
          .filter((value) => !allowed.includes(value))
          .map((value) => `${name}: ${label} is never "${value}"`);
      });
    }),
    ...grouped.filter((label) => !groupable.has(label)).map((label) => `${expression}: no label ${label}`),
  ];
}
