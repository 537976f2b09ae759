import { defer, finalize, map, type Observable } from 'rxjs';
import type { ConfigReloadFact } from '../../machines/index.ts';
import type { ConfigWatch, WatchedChange } from '../config/watch.ts';
import type { Clock } from '../runtime/clock.ts';

const FACTS = {
  changed: 'file.changed',
  missing: 'file.missing',
  dependencies: 'dependencies.changed',
} as const satisfies Record<WatchedChange, ConfigReloadFact['type']>;

/**
 * Turns what a watch finds into events of the configuration-reload chart. Facts only; the chart waits for quiet.
 * Subscribing starts the watch, unsubscribing stops it; it is for one subscriber.
 */
export function fileChanges(watch: ConfigWatch, clock: Clock): Observable<ConfigReloadFact> {
  return defer(() => {
    watch.start();
    return watch.changes;
  }).pipe(
    map((change): ConfigReloadFact => ({ type: FACTS[change], at: clock.monotonicMs() })),
    finalize(() => watch.stop()),
  );
}
