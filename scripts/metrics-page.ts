/** Prints docs/metrics.md from the catalogue in src/observability/metric-catalogue.ts: `npm run generate`. */
import { exposedName, type Metric, METRICS } from '../src/observability/metric-catalogue.ts';

const GROUPS = {
  election: [
    'Leader election',
    'Of each election that is observed; `resource` is what is led. The durations of the store need `measureLeases`.',
  ],
  config: [
    'Configuration',
    'Of each configuration that is observed; `resource` is the name given to `observeConfig`, the election’s in `conclave up`.',
  ],
  process: [
    'Process',
    'Of the process. Records and failures need `measureJournal`, the delay `observeEventLoop`.',
  ],
} as const satisfies Record<keyof typeof METRICS, readonly [string, string]>;

const HEAD = `# Metrics

<!-- Made from src/observability/metric-catalogue.ts by \`npm run generate\`. Do not edit. -->

Conclave's metrics are OpenTelemetry instruments. Every counter is there with 0 from the start, in all combinations of
labels that are known in advance; gauges are computed when they are asked for, so that \`is_leader\` is what the clocks say
at the scrape and not what was true at the last event.

\`conclave up\` serves them on \`/metrics\` of its metrics port. In a program of your own:

\`\`\`ts
// example: metrics.ts
import { createLeaderElection, memoryLeases } from 'conclave';
import { prometheusMetrics } from 'conclave/prometheus';

await using prometheus = prometheusMetrics({ prefix: 'conclave' });
const { metrics } = prometheus;
const leases = metrics.measureLeases(memoryLeases());
await using election = createLeaderElection({ resource: 'billing', leases });
metrics.observeElection(election);
await election.start();
await election.whenLeader();
const text = await prometheus.text(); // serve it with prometheus.contentType
console.log(text.includes('conclave_leader_election_is_leader{resource="billing"} 1'));
\`\`\`

\`conclave/prometheus\` opens no port: serve \`text()\` where you like. With OpenTelemetry set up already, give
\`createMetrics\` of \`conclave/observability\` your \`meterProvider\`, or nothing for the global one; it loads no SDK.

\`\`\`ts
import type { MeterProvider } from '@opentelemetry/api';
import { createConfigReload } from 'conclave/config';
import { createMetrics } from 'conclave/observability';

export function observed(meterProvider: MeterProvider, reload: ReturnType<typeof createConfigReload>) {
  const metrics = createMetrics({ meterProvider, attributes: { region: 'eu' } });
  metrics.observeConfig(reload, { resource: 'billing' });
  metrics.observeEventLoop();
  return metrics; // dispose of it when all is stopped
}
\`\`\`

## Names

All begin with the prefix, \`conclave\` unless set: the setting \`metrics { prefix = "honua" }\` gives
\`honua_leader_election_is_leader\` and so on, so that existing dashboards go on working. Prometheus sees counters with
\`_total\`, as they are written here; OpenTelemetry names them without. A histogram has the three series \`_bucket\`, \`_sum\`
and \`_count\`. Times are seconds.

An election in disabled mode leads without asking anybody: its \`is_leader\` has the label \`mode="disabled"\`, so that
\`sum by (resource) (conclave_leader_election_is_leader{mode!="disabled"})\` counts leaders that were elected. Two elections
of one process for one resource need \`attributes\` that tell them apart. Resources of tasks (\`tryRun\`) are counted
together as \`others\`, since there may be as many as you have orders.

OpenTelemetry's cumulative readers go on telling the last value of a gauge's series: a configuration that is not in force
any more is told as 0 there, hence \`conclave_config_info == 1\` in queries. \`conclave/prometheus\` drops it.

Alert rules and a dashboard are in \`deploy/prometheus\` and \`deploy/grafana\`.
`;

function labels({ attributes }: Metric): string {
  const parts = Object.entries(attributes).map(([name, values]) => {
    if (values === null) return `\`${name}\``;
    return `\`${name}\` (${values.map((value) => `\`${value}\``).join(', ')})`;
  });
  return parts.length === 0 ? '' : ` Labels: ${parts.join(', ')}.`;
}

const buckets = ({ buckets: bounds }: Metric): string =>
  bounds === undefined ? '' : ` Buckets: ${bounds.join(', ')}.`;

/** The page as it must be. */
export function metricsPage(): string {
  const sections = (Object.keys(METRICS) as (keyof typeof METRICS)[]).map((group) => {
    const [title, about] = GROUPS[group];
    const rows = Object.values<Metric>(METRICS[group]).map(
      (metric) =>
        `- \`${exposedName(metric, 'conclave')}\` (${metric.kind}): ${metric.help}${labels(metric)}${buckets(metric)}`,
    );
    return `\n## ${title}\n\n${about}\n\n${rows.join('\n')}\n`;
  });
  return [HEAD, ...sections].join('');
}
