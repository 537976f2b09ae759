import {
  EmptyError,
  filter,
  firstValueFrom,
  map,
  type Observable,
  ReplaySubject,
  type Subscription,
} from 'rxjs';
import { type Diagnostic, DIAGNOSTICS_MAX, type Rejection } from '../../machines/index.ts';
import { ConfigError, UsageError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { within } from './within.ts';
import { placed } from './reload-commentary.ts';
import type { ReloadSettings } from './reload-options.ts';
import { type ConfigEvent, type ConfigEventOf, isConclusion, type ReloadOutcome } from './reload-events.ts';

/** How a rollback ends. */
export type RollbackOutcome = SharedOutcome | ConfigEventOf<'rolledBack' | 'unhealthy'>;

/**
 * The end of the next attempt to begin; listens from now on. Where something newer takes its place (often the watch, which
 * notices the very change that somebody asks to have read) its end is that one's.
 */
export function nextOutcome(events: Observable<ConfigEvent>): Promise<SharedOutcome> {
  let attempt: number | null = null;
  let overtaken: ConfigEventOf<'superseded'> | null = null;
  return first(events, (event): SharedOutcome | null => {
    if (event.type === 'reloadStarted') attempt ??= event.attempt;
    if (isConclusion(event) && event.attempt === attempt) {
      if (event.type !== 'superseded') return event;
      overtaken = event;
      attempt = null;
      return null;
    }
    if (attempt !== null) return null;
    // A rollback on request takes the place of what was asked for before it.
    if (event.type === 'rolledBack' && event.cause === 'command')
      return { type: 'superseded', attempt: event.attempt, stage: 'reading', sha: null };
    return event.type === 'adopted' || event.type === 'unhealthy' ? wasOvertakenBy(event, overtaken) : null;
  });
}

function wasOvertakenBy(
  event: ConfigEventOf<'adopted' | 'unhealthy'>,
  overtaken: ConfigEventOf<'superseded'> | null,
): SharedOutcome | null {
  if (overtaken === null) return null;
  return event.type === 'adopted' ? event : overtaken;
}

/** The end of a rollback; listens from now on. */
export function nextRollback(events: Observable<ConfigEvent>): Promise<RollbackOutcome> {
  return first(events, (event) => (event.type === 'rolledBack' || event.type === 'unhealthy' ? event : null));
}

/** How a generation that all members share ends here. */
export type SharedOutcome = ReloadOutcome | ConfigEventOf<'adopted'>;

/** Events kept while a command is on its way to the store. */
const EVENTS_KEPT_MAX = 1000;

/** Has the head moved and tells what came of it here. */
export async function outcomeOf(
  events: Observable<ConfigEvent>,
  moved: () => Promise<number>,
): Promise<SharedOutcome>;
/** Null where nothing was to be moved. */
export async function outcomeOf(
  events: Observable<ConfigEvent>,
  moved: () => Promise<number | null>,
): Promise<SharedOutcome | null>;
export async function outcomeOf(
  events: Observable<ConfigEvent>,
  moved: () => Promise<number | null>,
): Promise<SharedOutcome | null> {
  const heard = new ReplaySubject<ConfigEvent>(EVENTS_KEPT_MAX);
  const subscription = events.subscribe(heard);
  try {
    const generation = await moved();
    if (generation === null) return null;
    return await first(heard, (event) => endOf(event, generation));
  } finally {
    subscription.unsubscribe();
  }
}

function endOf(event: ConfigEvent, generation: number): SharedOutcome | null {
  if (event.type !== 'adopted' && (event.type === 'superseded' || !isConclusion(event))) return null;
  if (event.generation === generation) return event;
  // The head has moved on, and this member with it.
  const isPast = event.generation !== null && event.generation > generation && event.type !== 'rejected';
  if (!isPast) return null;
  return { type: 'superseded', attempt: 0, stage: 'reading', sha: null };
}

async function first<T>(events: Observable<ConfigEvent>, pick: (event: ConfigEvent) => T | null): Promise<T> {
  const picked = events.pipe(
    map(pick),
    filter((each) => each !== null),
  );
  try {
    return await firstValueFrom(picked);
  } catch (error) {
    throw error instanceof EmptyError ? stopped() : error;
  }
}

/** The end of a generation that comes beyond the one that was asked about; listens until it is ended. */
export class LaterOutcome {
  readonly #ends = new ReplaySubject<SharedOutcome & { readonly generation: number }>(1);
  readonly #subscription: Subscription;

  constructor(events: Observable<ConfigEvent>) {
    const ends = events.pipe(
      map((event) => {
        if (event.type === 'superseded' || (event.type !== 'adopted' && !isConclusion(event))) return null;
        return event.generation === null ? null : { ...event, generation: event.generation };
      }),
      filter((event) => event !== null),
    );
    this.#subscription = ends.subscribe(this.#ends);
  }

  /** Null if there was none so far. */
  beyond(generation: number): (SharedOutcome & { readonly generation: number }) | null {
    let found: (SharedOutcome & { readonly generation: number }) | null = null;
    this.#ends.subscribe((end) => (found = end.generation > generation ? end : null)).unsubscribe();
    return found;
  }

  /** Resolves when there is one, or time is over. */
  async comes(generation: number, clock: Clock, withinMs: number): Promise<void> {
    const end = firstValueFrom(this.#ends.pipe(filter((each) => each.generation > generation)));
    await within(clock, withinMs, end).catch(() => {});
  }

  end(): void {
    this.#subscription.unsubscribe();
    this.#ends.complete();
  }
}

export function stopped(): UsageError {
  return new UsageError('CONFIG_STOPPED', 'This configuration reload was stopped; create a new one.');
}

/** Why there is nothing to begin with. */
export function unusable(
  { source, lastGood, sharing }: Pick<ReloadSettings<unknown>, 'source' | 'lastGood' | 'sharing'>,
  { diagnostics, omitted }: Rejection,
): ConfigError {
  const lines = [
    `The configuration ${source.location} cannot be used, and there is no earlier one to go on with:`,
    linesOf(diagnostics, omitted),
  ];
  if (diagnostics.some(({ code }) => code === 'CONFIG_CRASHED'))
    lines.push(wayOut(lastGood.location, sharing !== null));
  return new ConfigError('CONFIG_INVALID', lines.join('\n'), { diagnostics });
}

/** Whoever starts the process again and again must read what ends that. */
function wayOut(memory: string | null, isShared: boolean): string {
  const change = isShared
    ? 'have the members that share it agree on another one (change the file of the leader, propose one, or roll back)'
    : 'change the file (a comment is enough)';
  const removal = memory === null ? '' : `remove ${memory} and start it again, or `;
  return `Starting it again does not help by itself. Either ${change}; or, if something else ended the process, such as a lack of memory, ${removal}call reload({ force: true }).`;
}

/** Why something was not even proposed. */
export function refused(diagnostics: readonly Diagnostic[]): ConfigError {
  const [told, omitted] = [diagnostics.slice(0, DIAGNOSTICS_MAX), diagnostics.length - DIAGNOSTICS_MAX];
  const message = `The proposed configuration is refused, and nothing has changed:\n${linesOf(told, omitted)}`;
  return new ConfigError('CONFIG_INVALID', message, { diagnostics: told });
}

function linesOf(diagnostics: readonly Diagnostic[], omitted: number): string {
  const lines = diagnostics.map((each) => `  ${placed(each)}`);
  return [...lines, ...(omitted > 0 ? [`  and ${omitted} more`] : [])].join('\n');
}
