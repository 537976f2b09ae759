import type { InspectionEvent, Observer } from 'xstate';
import { checkTimings, type TimingOptions } from '../../machines/leadership.timings.ts';
import type { LeadershipTimings } from '../../machines/leadership.events.ts';
import { SettingsError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import { disabledLeases } from '../lease/memory-lease-store.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { candidateId } from '../runtime/identity.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { refuseUnknownOptions } from '../unknown-options.ts';

/** What `createLeaderElection` takes. Timings are milliseconds; see `TimingOptions` for those. */
export interface LeaderElectionOptions extends TimingOptions {
  /** Names what is led: members with the same resource in the same store compete. */
  readonly resource: string;
  /** Where members compete. Required unless `enabled` is false. */
  readonly leases?: LeaseStore;
  /**
   * False runs this member alone: it leads at once and always. For a single replica only — several replicas in
   * this mode would all lead. Default true.
   */
  readonly enabled?: boolean;
  /** A name for this member in logs and for operators. Default the environment's POD_NAME, else the host's name. */
  readonly candidateId?: string;
  /** Where decisions are recorded. Default a bounded ring in memory. */
  readonly journal?: Journal;
  /** What a failing journal does to leadership. Default `continue`: it goes on, and says so. */
  readonly onJournalFailure?: 'continue' | 'stop';
  /** Start without being a candidate, until `resume()`. Default false. */
  readonly paused?: boolean;
  readonly logger?: Logger;
  /** Any XState inspector. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** For simulations. Default the system's. */
  readonly clock?: Clock;
  /** For simulations. Default the system's. */
  readonly randomness?: Randomness;
}

/** What the options come to. */
export interface ElectionSettings {
  readonly resource: string;
  readonly leases: LeaseStore;
  readonly disabled: boolean;
  readonly given: string | undefined;
  readonly candidateId: string;
  readonly stream: string;
  readonly timings: LeadershipTimings;
  readonly warnings: readonly string[];
  readonly journal: Journal;
  /** Where a task is recorded: in the journal that was given, else in one that nobody can read and goes with it. */
  readonly taskJournal: () => Journal;
  readonly onJournalFailure: 'continue' | 'stop';
  readonly startPaused: boolean;
  readonly logger: Logger;
  readonly inspect: LeaderElectionOptions['inspect'];
  readonly clock: Clock;
  readonly randomness: Randomness;
}

const TIMING_OPTIONS = [
  'leaseDurationMs',
  'renewIntervalMs',
  'renewDeadlineMs',
  'gracePeriodMs',
  'callTimeoutMs',
  'retryIntervalMs',
  'drainTimeoutMs',
  'unsafeFastLease',
] as const satisfies (keyof TimingOptions)[];

const OPTIONS: readonly string[] = [
  ...TIMING_OPTIONS,
  ...(['resource', 'leases', 'enabled', 'candidateId', 'journal', 'onJournalFailure', 'paused'] as const),
  ...(['logger', 'inspect', 'clock', 'randomness'] as const),
] satisfies (keyof LeaderElectionOptions)[];

/** Longest resource name: it becomes part of keys, stream names and file names. */
const RESOURCE_MAX_LENGTH = 200;

/**
 * Checks options and fills in defaults.
 *
 * @throws SettingsError naming the setting, its value and what would do
 */
export function resolveOptions(options: LeaderElectionOptions): ElectionSettings {
  refuseUnknownOptions(options, OPTIONS, 'createLeaderElection');
  const { resource, enabled = true } = options;
  if (typeof resource !== 'string' || resource.trim() === '' || resource.length > RESOURCE_MAX_LENGTH)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `resource is ${JSON.stringify(resource)}, but must be a name of 1 to ${RESOURCE_MAX_LENGTH} characters, for example 'billing'.`,
    );
  if (enabled && options.leases === undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      "leases is missing: give a lease store (for example sqliteLeases({ path: '.conclave/leases.db' })), or set enabled: false for a single replica.",
    );
  const policy = options.onJournalFailure ?? 'continue';
  if (policy !== 'continue' && policy !== 'stop')
    throw new SettingsError(
      'SETTINGS_INVALID',
      `onJournalFailure is ${JSON.stringify(policy)}, but must be 'continue' or 'stop'.`,
    );
  const { timings, warnings } = resolveTimingOptions(options);
  const { clock = systemClock, randomness = systemRandomness } = options;
  const { journal } = options;
  const id = candidateId({ given: options.candidateId, randomness });
  return {
    resource,
    leases: enabled && options.leases ? options.leases : disabledLeases({ clock }),
    disabled: !enabled,
    given: options.candidateId,
    candidateId: id,
    stream: `leadership/${resource}/${id}`,
    timings,
    warnings,
    journal: journal ?? memoryJournal(),
    taskJournal: () => journal ?? memoryJournal(),
    onJournalFailure: policy,
    startPaused: options.paused ?? false,
    logger: options.logger ?? silentLogger,
    inspect: options.inspect,
    clock,
    randomness,
  };
}

/**
 * Checks timings alone, for a live change.
 *
 * @throws SettingsError `TIMING_UNSAFE`, with one line a broken rule
 */
export function resolveTimingOptions(options: TimingOptions): {
  timings: LeadershipTimings;
  warnings: readonly string[];
} {
  const given = Object.fromEntries(TIMING_OPTIONS.map((name) => [name, options[name]] as const));
  const { timings, errors, warnings } = checkTimings(given);
  if (errors.length > 0)
    throw new SettingsError('TIMING_UNSAFE', errors.map(({ message }) => message).join('\n'));
  return { timings, warnings: warnings.map(({ message }) => message) };
}
