export {
  MESSAGES_KEPT_MAX,
  statelyInspector,
  type StatelyInspector,
  type StatelyInspectorOptions,
} from './stately-inspector.ts';
export type { MetricsText } from './metrics-text.ts';
