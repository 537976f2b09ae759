import { resolve } from 'node:path';
import { deepFrozen } from '../config/validate-frozen.ts';
import { type Environment, environmentLayer } from './environment-layer.ts';
import { fileLayer } from './file-layer.ts';
import { type Flags, flagLayer } from './flag-layer.ts';
import { Layers } from './layers.ts';
import { type Finding, type Layer, type Origin, rankOf } from './origin.ts';
import { DEFAULTS, PRESETS } from './presets.ts';
import { resolveElection } from './resolve-election.ts';
import { resolveConfiguration, resolveJournal, resolveServer } from './resolve-serving.ts';
import { type ReadRedis, resolveStore } from './resolve-store.ts';
import type { EnvironmentName, LogLevel, LogSettings, Settings } from './settings.ts';
import { OF_A_POD } from './settings-given.ts';

/** Settings out of all layers: a function of what is given, which reads no file and no variable by itself. */

export interface SettingsLayers {
  /** What the settings file holds, as plain values; null without a file. */
  readonly file: unknown;
  readonly environment: Environment;
  readonly flags: Flags;
  /** Where relative paths begin. */
  readonly cwd: string;
  readonly defaultResource: string;
  readonly readRedis: ReadRedis;
  /** Whoever asks may learn of the store otherwise: none that is given is then no problem, and none is chosen. */
  readonly withoutStore?: boolean;
}

export interface Composed {
  /** What it comes to; if there are problems, with defaults where a value cannot be used. */
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly problems: readonly Finding[];
  readonly notes: readonly Finding[];
}

export function compose(given: SettingsLayers): Composed {
  const { file, cwd, environment: variables } = given;
  const fromEnvironment = environmentLayer(variables);
  const layers = new Layers([fileLayer(file), fromEnvironment, flagLayer(given.flags)]);
  const environment = layers.take('environment', 'environment', null);
  const directory = resolve(cwd, layers.take('directory', 'directory', DEFAULTS.directory));
  const { election, drainTimeoutMs, highAvailability } = resolveElection(
    layers,
    environment,
    given.defaultResource,
  );
  const configuration = resolveConfiguration(layers, highAvailability, cwd);
  const store = resolveStore(layers, {
    readRedis: given.readRedis,
    cwd,
    directory,
    election,
    bare: file === null && !saysWhatIsWanted(fromEnvironment),
    needed: given.withoutStore === true ? null : whyStoreIsNeeded(election.enabled, configuration),
    inPod: variables['KUBERNETES_SERVICE_HOST'] !== undefined || (variables['POD_NAME'] ?? '') !== '',
  });
  const settings: Settings = {
    environment,
    directory,
    log: resolveLog(layers, environment),
    leaderElection: election,
    highAvailability,
    store,
    configuration,
    server: resolveServer(layers, cwd),
    metrics: { prefix: layers.take('metricsPrefix', 'metrics.prefix', DEFAULTS.metricsPrefix) },
    journal: resolveJournal(layers, cwd),
    drainTimeoutMs,
    inspect: layers.take('inspect', 'inspect', null),
  };
  return {
    settings: deepFrozen(settings),
    origins: layers.origins,
    problems: layers.problems,
    notes: layers.notes,
  };
}

/** Whether anything was given but what every pod has. */
function saysWhatIsWanted({ given, problems }: Layer): boolean {
  return (
    problems.length > 0 ||
    given.some(({ origin }) => !(origin.layer === 'environment' && OF_A_POD.has(origin.variable)))
  );
}

function whyStoreIsNeeded(enabled: boolean, { path, mode }: Settings['configuration']): string | null {
  if (enabled) return 'Leader election is enabled';
  if (path !== null && (mode === 'file' || mode === 'store'))
    return `The configuration is shared (mode "${mode}")`;
  return null;
}

/** Detailed logging and a level say the same in two ways: what a later layer says holds, of one layer the level. */
function resolveLog(layers: Layers, environment: EnvironmentName | null): LogSettings {
  const json = layers.take('logJson', 'log.json', false);
  const [level, detailed] = [layers.get('logLevel'), layers.get('detailedLogging')];
  const told = (value: LogLevel, origin: Origin): LogSettings => {
    layers.origins.set('log.level', origin);
    return { level: value, json };
  };
  const isLater =
    level === undefined || (detailed !== undefined && rankOf(detailed.origin) > rankOf(level.origin));
  if (detailed?.value === true && isLater) return told('debug', detailed.origin);
  if (level !== undefined) {
    if (detailed?.value === true && level.value !== 'debug')
      layers.note('This has no effect, because the log level is given at', detailed.origin, level.origin);
    return told(level.value, level.origin);
  }
  if (detailed !== undefined) return told('info', detailed.origin);
  const isPreset = environment !== null && PRESETS[environment].detailedLogging;
  return isPreset ? told('debug', { layer: 'preset', environment }) : told('info', { layer: 'default' });
}
