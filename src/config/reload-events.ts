import type { ConfigReloadEmitted } from '../../machines/index.ts';
import type { HeadEvent } from './head-events.ts';

/** What a reload tells: the chart's facts and, among members that share a store, those of their head. */
export type ConfigEvent = ConfigReloadEmitted | HeadEvent;

export type ConfigEventType = ConfigEvent['type'];

export type ConfigEventOf<T extends ConfigEventType> = Extract<ConfigEvent, { readonly type: T }>;

/** How an attempt ends. */
export type ReloadOutcome = ConfigEventOf<
  'applied' | 'unchanged' | 'rejected' | 'superseded' | 'waitingForFile'
>;

const CONCLUSIONS: ReadonlySet<ConfigEventType> = new Set([
  'applied',
  'unchanged',
  'rejected',
  'superseded',
  'waitingForFile',
]);

export function isConclusion(event: ConfigEvent): event is ReloadOutcome {
  return CONCLUSIONS.has(event.type);
}
