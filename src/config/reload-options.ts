import { dirname, resolve } from 'node:path';
import {
  checkReloadTimings,
  type ConfigReloadInput,
  inputAfterCrash,
  type ReloadTimings,
} from '../../machines/index.ts';
import { SettingsError } from '../errors.ts';
import { createLeaderElection, type LeaderElection } from '../leader-election.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { candidateId } from '../runtime/identity.ts';
import type { Inspector } from '../runtime/guarded-inspection.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { refuseUnknownOptions } from '../unknown-options.ts';
import { schemaReader, type SecretOptions } from './config-reader.ts';
import { decodeContent } from './content.ts';
import type { ReloadHandler } from './handlers.ts';
import { HeadCalls } from './head-calls.ts';
import type { HeadStore } from './head-store.ts';
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

/** What `createConfigReload` takes. */
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
  /** False: changes of the source are taken only when `reload()` is called, or the shared head moves. Default true. */
  readonly watch?: boolean;
  /**
   * Where members share one configuration. In mode `store` (the default with a store) its content lives there and a
   * changed file on the leader is proposed to all; in mode `file` each has its own copy, and the store says which
   * content is wanted; in mode `local` (the default without) nothing is shared.
   */
  readonly store?: HeadStore;
  readonly mode?: 'local' | 'file' | 'store';
  /** Who may move what is shared: its leader. The caller starts and stops it. */
  readonly election?: LeaderElection;
  /** Instead of an election: where to hold one of its own, for `<namespace>/config`. */
  readonly leases?: LeaseStore;
  /** A name for this member in logs and for operators. Default the environment's POD_NAME, else the host's name. */
  readonly memberId?: string;
  /**
   * The id of this member as it stands, where it has one already, such as that of its election; instead of `memberId`,
   * which gets something random. It must be of this start alone, and no other reload may have it.
   */
  readonly instance?: string;
  /** Where decisions are recorded. Default a bounded ring in memory. */
  readonly journal?: Journal;
  /** What a failing journal or stateDir does to a new configuration. Default `continue`: it is applied all the same. */
  readonly onJournalFailure?: 'continue' | 'stop';
  readonly logger?: Logger;
  /** Any XState inspector. It sees no content and no value, as the journal does not. */
  readonly inspect?: Inspector;
  /** For simulations. Default the system's. */
  readonly clock?: Clock;
  /** For simulations. Default the system's. */
  readonly randomness?: Randomness;
}

/** What members share, and who leads them. */
export interface Sharing {
  readonly store: HeadStore;
  readonly mode: 'file' | 'store';
  readonly election: LeaderElection;
  /** Whether it is this reload's own, to start and stop. */
  readonly owned: boolean;
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
  /** Null in mode `local`. */
  readonly sharing: Sharing | null;
  readonly inspect: Inspector | undefined;
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
    'watch',
  ] as const),
  ...(['store', 'mode', 'election', 'leases'] as const),
  ...([
    'memberId',
    'instance',
    'journal',
    'onJournalFailure',
    'logger',
    'inspect',
    'clock',
    'randomness',
  ] as const),
] satisfies (keyof ConfigReloadOptions<unknown>)[];

/**
 * Checks options and fills in defaults.
 *
 * @throws SettingsError naming the setting, its value and what would do
 */
export function resolveReloadOptions<T>(options: ConfigReloadOptions<T>): ReloadSettings<T> {
  refuseUnknownOptions(options, OPTIONS, 'createConfigReload');
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
  const { sweepMs, watch = true } = options;
  const source = sourceOf(options.source);
  const lastGood =
    stateDir === undefined ? forgetfulLastGood(randomness) : diskLastGood(stateDir, { randomness, logger });
  const memberId = idOf(options, randomness);
  const sharing = sharingOf(options, { clock, randomness, logger });
  return {
    source: new WatchedSource(source, { disk: systemDisk, clock, randomness, sweepMs, watch }),
    reader: schemaReader({ ...options, key: lastGood.key, directory: directoryOf(options.source) }),
    handlers,
    health: options.health ?? null,
    lastGood,
    timings,
    memberId,
    stream: `config/${memberId}`,
    journal,
    input: inputOf(lastGood, { timings, onJournalFailure, followsHead: sharing !== null }),
    fetch: fetchOf(sharing, clock),
    sharing,
    inspect: options.inspect,
    logger,
    clock,
    randomness,
  };
}

/** Characters of a name of a stream. */
const INSTANCE = /^[A-Za-z0-9._-]{1,256}$/;

function idOf(
  { memberId, instance }: Pick<ConfigReloadOptions<unknown>, 'memberId' | 'instance'>,
  randomness: Randomness,
) {
  if (instance === undefined) return candidateId({ given: memberId, randomness });
  if (typeof instance === 'string' && INSTANCE.test(instance)) return instance;
  throw invalid(
    `instance is ${JSON.stringify(instance)}, but must be 1 to 256 letters, digits, dots, dashes or underscores, for example election.candidateId.`,
  );
}

/** What an earlier process left behind, under the present settings. */
function inputOf(
  memory: LastGood,
  settings: Pick<ConfigReloadInput, 'timings' | 'onJournalFailure' | 'followsHead'>,
): ConfigReloadInput {
  if (memory.left === null) return { ...settings, generation: 0, lastGood: null, knownBad: [] };
  const input = inputAfterCrash(memory.left);
  // What others cannot give either is nothing to go back to: waiting for it would only hide what is wrong.
  const isAtHand = input.lastGood !== null && (settings.followsHead || memory.keeps(input.lastGood.sha));
  const lastGood = isAtHand ? input.lastGood : null;
  // What did harm does it again. Whatever else was refused may do now: the environment is a new one.
  return {
    ...input,
    ...settings,
    lastGood,
    knownBad: input.knownBad.filter(({ stage }) => stage === 'watching'),
  };
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

function sharingOf(
  {
    store,
    mode = store === undefined ? 'local' : 'store',
    election,
    leases,
    memberId,
  }: Pick<ConfigReloadOptions<unknown>, 'store' | 'mode' | 'election' | 'leases' | 'memberId'>,
  ports: { readonly clock: Clock; readonly randomness: Randomness; readonly logger: Logger },
): Sharing | null {
  if (!['local', 'file', 'store'].includes(mode))
    throw invalid(`mode is ${JSON.stringify(mode)}, but must be 'local', 'file' or 'store'.`);
  if (mode === 'local') {
    const given = Object.entries({ store, election, leases }).find(([, each]) => each !== undefined);
    if (given === undefined) return null;
    throw invalid(
      `mode 'local' shares nothing, so that ${given[0]} has no effect. Leave it out, or choose another mode.`,
    );
  }
  if (store === undefined)
    throw invalid(`mode '${mode}' needs a store, for example sqliteHead({ path: '.conclave/config.db' }).`);
  if ((election === undefined) === (leases === undefined))
    throw invalid(
      'A shared configuration has a leader: give either an election, or leases to hold one of its own.',
    );
  if (election !== undefined) return { store, mode, election, owned: false };
  const own = createLeaderElection({
    resource: `${store.namespace}/config`,
    leases: leases as LeaseStore,
    ...(memberId !== undefined && { candidateId: memberId }),
    ...ports,
  });
  return { store, mode, election: own, owned: true };
}

/** Bytes that the store keeps by their hash. */
function fetchOf(sharing: Sharing | null, clock: Clock): FetchContent {
  if (sharing?.mode !== 'store') return async () => null;
  const calls = new HeadCalls(sharing.store, clock);
  return async (sha) => {
    const text = await calls.content(sha);
    return text === null ? null : decodeContent(text, sha, (name) => `store:${name}`);
  };
}

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
