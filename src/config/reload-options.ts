import { dirname, resolve } from 'node:path';
import {
  checkReloadTimings,
  type ConfigReloadInput,
  inputAfterCrash,
  type ReloadTimings,
} from '../../machines/index.ts';
import { SettingsError, UsageError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { candidateId } from '../runtime/identity.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { nearest } from '../suggest.ts';
import { schemaReader, type SecretOptions } from './config-reader.ts';
import type { ReloadHandler } from './handlers.ts';
import type { HealthCheck } from './health-watch.ts';
import { forgetfulLastGood, type LastGood } from './last-good.ts';
import { diskLastGood } from './last-good-disk.ts';
import type { ConfigReader } from './reader.ts';
import type { FetchContent } from './reload-contents.ts';
import { WatchedSource } from './reload-watch.ts';
import type { ConfigSource } from './source.ts';
import { type FileSourceOptions, fileSource } from './source-files.ts';
import { systemDisk } from './source-system-disk.ts';
import type { ConfigSchema } from './validate-schema.ts';

export interface ConfigReloadOptions<T> {
  /** The file, or the files, or the directory; or any source of your own. */
  readonly source: string | readonly string[] | FileSourceOptions | ConfigSource;
  /** Any Standard Schema: zod, valibot, arktype and others. What it makes of the values is the configuration. */
  readonly schema: ConfigSchema<T>;
  /** What takes a new configuration, in this order. */
  readonly handlers?: readonly ReloadHandler<T>[];
  /** Keys that are not live: `{ 'server.port': 'restart', 'cluster.name': 'immutable' }`; `*` stands for any one key. */
  readonly keys?: Readonly<Record<string, 'live' | 'restart' | 'immutable'>>;
  /** What the configuration may refer to, and what of it must not be shown. */
  readonly secrets?: SecretOptions;
  /** Asked while a configuration is new; false or a throw rolls it back. */
  readonly health?: HealthCheck<T>;
  /** A directory of this member's own, where it remembers the last good configuration. Default: nowhere. */
  readonly stateDir?: string;
  /** Waits and deadlines, in milliseconds. */
  readonly timings?: Partial<ReloadTimings>;
  /** How often the source is looked at without being told to, in milliseconds. Default 2000; 5000 on network disks. */
  readonly sweepMs?: number;
  /** A name for this member in logs and for operators. Default the environment's POD_NAME, else the host's name. */
  readonly memberId?: string;
  /** Where decisions are recorded. Default a bounded ring in memory. */
  readonly journal?: Journal;
  /** What a failing journal or stateDir does to a new configuration. Default `continue`: it is applied all the same. */
  readonly onJournalFailure?: 'continue' | 'stop';
  readonly logger?: Logger;
  /** For simulations. Default the system's. */
  readonly clock?: Clock;
  /** For simulations. Default the system's. */
  readonly randomness?: Randomness;
}

/** What the options come to. */
export interface ReloadSettings<T> {
  readonly source: WatchedSource;
  readonly reader: ConfigReader<T>;
  readonly handlers: readonly ReloadHandler<T>[];
  readonly health: HealthCheck<T> | null;
  readonly lastGood: LastGood;
  readonly timings: ReloadTimings;
  readonly memberId: string;
  readonly stream: string;
  readonly journal: Journal;
  readonly input: ConfigReloadInput;
  readonly fetch: FetchContent;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

const OPTIONS = [
  ...([
    'source',
    'schema',
    'handlers',
    'keys',
    'secrets',
    'health',
    'stateDir',
    'timings',
    'sweepMs',
  ] as const),
  ...(['memberId', 'journal', 'onJournalFailure', 'logger', 'clock', 'randomness'] as const),
] satisfies (keyof ConfigReloadOptions<unknown>)[];

/**
 * Checks options and fills in defaults.
 *
 * @throws SettingsError naming the setting, its value and what would do
 */
export function resolveReloadOptions<T>(options: ConfigReloadOptions<T>): ReloadSettings<T> {
  refuseUnknown(options);
  const { handlers = [], onJournalFailure = 'continue', logger = silentLogger, stateDir } = options;
  const { clock = systemClock, randomness = systemRandomness, journal = memoryJournal() } = options;
  if (onJournalFailure !== 'continue' && onJournalFailure !== 'stop')
    throw invalid(
      `onJournalFailure is ${JSON.stringify(onJournalFailure)}, but must be 'continue' or 'stop'.`,
    );
  checkHandlers(handlers);
  const { timings, errors } = checkReloadTimings(options.timings ?? {});
  if (errors.length > 0)
    throw new SettingsError('TIMING_UNSAFE', errors.map(({ message }) => message).join('\n'));
  const source = sourceOf(options.source);
  const lastGood =
    stateDir === undefined ? forgetfulLastGood(randomness) : diskLastGood(stateDir, { randomness, logger });
  const memberId = candidateId({ given: options.memberId, randomness });
  return {
    source: new WatchedSource(source, { disk: systemDisk, clock, randomness, sweepMs: options.sweepMs }),
    reader: schemaReader({ ...options, key: lastGood.key, directory: directoryOf(options.source) }),
    handlers,
    health: options.health ?? null,
    lastGood,
    timings,
    memberId,
    stream: `config/${memberId}`,
    journal,
    input: inputOf(lastGood, { timings, onJournalFailure, followsHead: false }),
    fetch: async () => null,
    logger,
    clock,
    randomness,
  };
}

/** What an earlier process left behind, under the present settings. */
function inputOf(
  { left }: LastGood,
  settings: Pick<ConfigReloadInput, 'timings' | 'onJournalFailure' | 'followsHead'>,
): ConfigReloadInput {
  if (left === null) return { ...settings, generation: 0, lastGood: null, knownBad: [] };
  const input = inputAfterCrash(left);
  // What did harm does it again. Whatever else was refused may do now: the environment is a new one.
  return { ...input, ...settings, knownBad: input.knownBad.filter(({ stage }) => stage === 'watching') };
}

function sourceOf(source: ConfigReloadOptions<unknown>['source']): ConfigSource {
  if (typeof source === 'string' || isList(source)) return fileSource(systemDisk, { files: source });
  if (typeof source !== 'object' || source === null)
    throw invalid(`source is ${JSON.stringify(source)}, but must be a path, several, or a source.`);
  return 'read' in source ? source : fileSource(systemDisk, source);
}

/** The directory that files of the configuration refer to each other in, if it has one. */
function directoryOf(source: ConfigReloadOptions<unknown>['source']): string | null {
  const given = typeof source === 'string' || isList(source) ? { files: source } : source;
  if ('read' in given) return null;
  if (given.directory !== undefined) return resolve(given.directory);
  const [first] = typeof given.files === 'string' ? [given.files] : (given.files ?? []);
  return first === undefined ? null : dirname(resolve(first));
}

const isList = (source: unknown): source is readonly string[] => Array.isArray(source);

function checkHandlers(handlers: readonly ReloadHandler<never>[]): void {
  const names = new Set<string>();
  for (const [index, handler] of handlers.entries()) {
    const { name } = handler;
    if (typeof name !== 'string' || name === '')
      throw invalid(
        `handlers[${index}] has no name. Name it after what it configures, for example 'database'.`,
      );
    if (typeof handler.prepare !== 'function')
      throw invalid(`The handler "${name}" has no function "prepare", which gets ready for a configuration.`);
    if (names.has(name)) throw invalid(`Two handlers are called "${name}". Give each its own name.`);
    names.add(name);
  }
}

function invalid(message: string): SettingsError {
  return new SettingsError('SETTINGS_INVALID', message);
}

function refuseUnknown(options: object): void {
  if (typeof options !== 'object' || options === null)
    throw new UsageError('SETTINGS_INVALID', 'createConfigReload needs an object of options.');
  for (const name of Object.keys(options)) {
    if ((OPTIONS as readonly string[]).includes(name)) continue;
    const near = nearest(name, OPTIONS);
    throw new SettingsError(
      'UNKNOWN_OPTION',
      `There is no option "${name}"${near === null ? '' : `; did you mean "${near}"?`} Known options: ${OPTIONS.join(', ')}.`,
    );
  }
}
