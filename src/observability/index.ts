/** What others can see of a member: metrics by OpenTelemetry, and the charts in the Stately inspector. */
export type { ObserveConfigOptions } from './config-metrics.ts';
export { ALL_METRICS, exposedName, type Metric, METRICS } from './metric-catalogue.ts';
export { createMetrics, type Metrics, type MetricsOptions } from './metrics.ts';
export type { MetricsText } from './metrics-text.ts';
export {
  MESSAGES_KEPT_MAX,
  statelyInspector,
  type StatelyInspector,
  type StatelyInspectorOptions,
} from './stately-inspector.ts';
