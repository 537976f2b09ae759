/** Metrics for Prometheus: what of `conclave/observability` loads OpenTelemetry's SDK. */
export {
  type PrometheusMetrics,
  prometheusMetrics,
  type PrometheusMetricsOptions,
} from './observability/prometheus-text.ts';
