import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import type { ReloadHandler } from '../config/handlers.ts';
import { changesBetween } from '../config/difference.ts';
import { showPath } from '../config/formats/config-node.ts';
import { KeyClasses } from '../config/validate-key-classes.ts';
import type { ConfigSchema } from '../config/validate-schema.ts';
import { resolveTimingOptions } from '../election/options.ts';
import type { LeaderElection } from '../leader-election.ts';
import { SETTINGS_KEYS, settingsSchema, settingsSecrets } from '../settings/reload-schema.ts';
import type { Settings } from '../settings/settings.ts';
import { sharingOf } from './head-stores.ts';
import type { MemberLog } from './log.ts';
import type { ReloadPlan, Sharing } from './member-settings.ts';
import { type BootedSettings, sourceOf } from './settings-boot.ts';
import { type StateDirectory, takeStateDirectory } from './state-directory.ts';
import { timingsOfSettings } from './up-settings.ts';

/**
 * What `up` reloads: its own settings file, and, if `configuration.path` names another one, that. What members share is
 * the latter. Settings are each member's own, for they may well differ: only who names a mode has them shared, too.
 */

export async function reloadPlans(booted: BootedSettings, log: MemberLog): Promise<readonly ReloadPlan[]> {
  const { file, state, settings, origins } = booted;
  const { path } = settings.configuration;
  const isSeparate = path !== null && path !== file;
  const isAsked = path !== null || origins.get('configuration.mode')?.layer !== 'default';
  const plans: ReloadPlan[] = [];
  if (file !== null && state !== null)
    plans.push(settingsPlan(booted, file, state, log, isAsked && !isSeparate ? sharingOf(settings) : null));
  if (isSeparate) {
    const own = await takeStateDirectory(join(settings.directory, 'config'), path);
    plans.push(applicationPlan(settings, path, own));
  }
  return plans;
}

function settingsPlan(
  { settings, layers, warnings }: BootedSettings,
  file: string,
  state: StateDirectory,
  log: MemberLog,
  sharing: Sharing | null,
): ReloadPlan {
  const told = new Set(warnings);
  const tellNotes = (notes: readonly string[]) => {
    for (const note of notes) if (!told.has(note)) log.logger.warn({}, note);
    for (const note of notes) told.add(note);
  };
  const classes = new KeyClasses(SETTINGS_KEYS);
  return {
    name: 'settings',
    path: file,
    options: {
      ...watchingOf(settings),
      source: sourceOf(file),
      schema: settingsSchema(layers, tellNotes),
      keys: SETTINGS_KEYS,
      secrets: settingsSecrets(layers.environment),
      stateDir: state.path,
    },
    state,
    sharing,
    handlers: (election) => [settingsHandler(election, settings, log)],
    waitingForRestart: (current) => {
      const paths = changesBetween(settings, current).map((change) => change.path);
      return [...new Set(paths.filter((each) => classes.classOf(each) === 'restart').map(showPath))];
    },
  };
}

/** Takes what is live: timings of leases from the next term on, the log level at once. */
function settingsHandler(
  election: LeaderElection,
  started: Settings,
  log: MemberLog,
): ReloadHandler<Settings> {
  return {
    name: 'member',
    prepare: (next, previous) => {
      const [timings, before] = [timingsOfSettings(next), timingsOfSettings(previous ?? started)];
      resolveTimingOptions(timings);
      return {
        commit: () => {
          if (!isDeepStrictEqual(timings, before)) election.configure(timings);
          log.setLevel(next.log.level);
        },
      };
    },
  };
}

function applicationPlan(settings: Settings, path: string, state: StateDirectory): ReloadPlan {
  return {
    name: 'configuration',
    path,
    options: { ...watchingOf(settings), source: sourceOf(path), schema: anything, stateDir: state.path },
    state,
    sharing: sharingOf(settings),
    handlers: () => [],
    waitingForRestart: () => [],
  };
}

/** The values are the application's: only it knows what they must be. */
const anything: ConfigSchema<unknown> = {
  '~standard': { version: 1, vendor: 'conclave', validate: (value) => ({ value }) },
};

function watchingOf({ configuration }: Settings) {
  const { watching, debounceMs, pollMs } = configuration;
  return {
    watch: watching,
    timings: { quietMs: debounceMs, maxWaitMs: Math.max(MAX_WAIT_MS, debounceMs) },
    ...(pollMs !== null && { sweepMs: pollMs }),
  };
}

/** A file that never comes to rest is read after this long, in milliseconds. */
const MAX_WAIT_MS = 5000;
