import type { Attributes } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../runtime/clock.ts';
import type { MetricsText } from './metrics-text.ts';
import { createMetrics, type Metrics } from './metrics.ts';

/**
 * Series that one gauge can have over the life of a process, of which `config_info` has one for each configuration
 * that was in force; beyond it, OpenTelemetry lumps all further ones together.
 */
const GAUGE_SERIES_MAX = 20_000;

/** Collects when it is asked to. */
class PullReader extends MetricReader {
  constructor() {
    super({
      // A cumulative reader of this SDK tells the last value of a gauge's series for ever, also when nobody observes
      // it any more; this way it tells what is observed now, which is what a gauge is.
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE
          ? AggregationTemporality.DELTA
          : AggregationTemporality.CUMULATIVE,
      cardinalitySelector: (type) => (type === InstrumentType.OBSERVABLE_GAUGE ? GAUGE_SERIES_MAX : 2000),
    });
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What metrics for Prometheus are called. */
export interface PrometheusMetricsOptions {
  /** What every name begins with. Default `conclave`. */
  readonly prefix?: string;
  /** Put on every series. Needed where two elections of one process are for one resource. */
  readonly attributes?: Attributes;
  /** For simulations. Default the system's; the same as that of what is observed. */
  readonly clock?: Clock;
}

/** Metrics, and the text Prometheus reads. */
export interface PrometheusMetrics extends MetricsText, AsyncDisposable {
  readonly metrics: Metrics;
}

/**
 * Conclave's metrics for Prometheus, without a server of its own: serve `text()` where it is scraped.
 *
 * @throws SettingsError `SETTINGS_INVALID` if the prefix cannot begin the name of a metric
 *
 * @example
 * const prometheus = prometheusMetrics();
 * prometheus.metrics.observeElection(election);
 * createServer(async (request, response) => {
 *   response.setHeader('Content-Type', prometheus.contentType).end(await prometheus.text());
 * }).listen(8081);
 */
export function prometheusMetrics(options: PrometheusMetricsOptions = {}): PrometheusMetrics {
  const reader = new PullReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const metrics = createMetrics({ ...options, meterProvider });
  // No timestamps, no labels of the process, neither target nor scope: nothing that makes one series many.
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  let collecting: ReturnType<PullReader['collect']> | null = null;
  // One collection for all who ask meanwhile: what two observed at once, only one of them would be told.
  const collect = () =>
    (collecting ??= reader.collect().finally(() => {
      collecting = null;
    }));
  return {
    metrics,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: async () => serializer.serialize((await collect()).resourceMetrics),
    [Symbol.asyncDispose]: async () => {
      metrics[Symbol.dispose]();
      await meterProvider.shutdown();
    },
  };
}
