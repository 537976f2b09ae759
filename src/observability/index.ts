export {
  MESSAGES_KEPT_MAX,
  statelyInspector,
  type StatelyInspector,
  type StatelyInspectorOptions,
} from './stately-inspector.ts';
