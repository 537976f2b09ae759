import type { ConfigReloadEmitted } from '../../machines/index.ts';
import type { HeadEvent } from './head-events.ts';
import type { WatchEvent } from './watch-events.ts';

/** What a reload tells: the chart's facts, those of the watch and, among members that share a store, of their head. */
export type ConfigEvent = ConfigReloadEmitted | WatchEvent | HeadEvent;

/** What `on(type, …)` can listen to. */
export type ConfigEventType = ConfigEvent['type'];

/** The event of one type: what a listener of `on(type, …)` gets. */
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
