import type { Observable } from 'rxjs';
import type { Rejection } from '../../machines/index.ts';
import { ConfigError, UsageError } from '../errors.ts';
import { placed } from './reload-commentary.ts';
import { type ConfigEvent, type ConfigEventOf, isConclusion, type ReloadOutcome } from './reload-events.ts';

/** How a rollback ends. */
export type RollbackOutcome = ReloadOutcome | ConfigEventOf<'rolledBack' | 'unhealthy'>;

/** The end of the next attempt to begin; listens from now on. */
export function nextOutcome(events: Observable<ConfigEvent>): Promise<ReloadOutcome> {
  let attempt: number | null = null;
  return first(events, (event) => {
    if (event.type === 'reloadStarted') attempt ??= event.attempt;
    if (isConclusion(event) && event.attempt === attempt) return event;
    // A rollback on request takes the place of what was asked for before it.
    if (event.type === 'rolledBack' && event.cause === 'command' && attempt === null)
      return { type: 'superseded', attempt: event.attempt, stage: 'reading', sha: null };
    return null;
  });
}

/** The end of a rollback; listens from now on. */
export function nextRollback(events: Observable<ConfigEvent>): Promise<RollbackOutcome> {
  return first(events, (event) => (event.type === 'rolledBack' || event.type === 'unhealthy' ? event : null));
}

function first<T>(events: Observable<ConfigEvent>, pick: (event: ConfigEvent) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const subscription = events.subscribe({
      next: (event) => {
        const picked = pick(event);
        if (picked === null) return;
        subscription.unsubscribe();
        resolve(picked);
      },
      complete: () => reject(stopped()),
    });
  });
}

export function stopped(): UsageError {
  return new UsageError('CONFIG_STOPPED', 'This configuration reload was stopped; create a new one.');
}

/** Why there is nothing to begin with. */
export function unusable(location: string, rejection: Rejection): ConfigError {
  const { diagnostics, omitted } = rejection;
  const lines = diagnostics.map((each) => `  ${placed(each)}`);
  if (omitted > 0) lines.push(`  and ${omitted} more`);
  return new ConfigError(
    'CONFIG_INVALID',
    `The configuration ${location} cannot be used, and there is no earlier one to go on with:\n${lines.join('\n')}`,
    { diagnostics },
  );
}
