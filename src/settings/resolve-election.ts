import { checkTimings, type TimingOptions } from '../../machines/index.ts';
import type { Layers } from './layers.ts';
import { type Origin, rankOf } from './origin.ts';
import { DEFAULTS, PRESETS } from './presets.ts';
import type { EnvironmentName, LeaderElectionSettings } from './settings.ts';

/** Who competes for what, and for how long: the preset where nothing else is said, and only timings that are safe. */
export function resolveElection(
  layers: Layers,
  environment: EnvironmentName | null,
  defaultResource: string,
): {
  readonly election: LeaderElectionSettings;
  readonly drainTimeoutMs: number;
  readonly highAvailability: boolean;
} {
  const { enabled, highAvailability } = resolveEnabled(layers);
  const timings = resolveTimings(layers, environment);
  const election = {
    enabled,
    resourceName: layers.take('resourceName', 'leaderElection.resourceName', defaultResource),
    keyPrefix: layers.take('keyPrefix', 'leaderElection.keyPrefix', DEFAULTS.keyPrefix),
    lockKey: layers.take('lockKey', 'leaderElection.lockKey', null),
    instanceId: layers.take('instanceId', 'leaderElection.instanceId', null),
    podNamespace: layers.take('podNamespace', 'leaderElection.podNamespace', null),
    ...timings.election,
    paused: layers.take('paused', 'leaderElection.paused', false),
  };
  const prefix = layers.get('keyPrefix');
  if (election.lockKey !== null && prefix !== undefined)
    layers.note(
      'This has no effect, because the whole key is given at',
      prefix.origin,
      layers.get('lockKey')?.origin,
    );
  return { election, drainTimeoutMs: timings.drainTimeoutMs, highAvailability };
}

/**
 * In the block form the election is inside high availability, so that switching that off switches it off, too. In the
 * other shapes the two stand side by side, and each has its own switch.
 */
function resolveEnabled(layers: Layers): { enabled: boolean; highAvailability: boolean } {
  const around = layers.get('highAvailability');
  const own = layers.get('enabled');
  const isAround = around?.name?.shape === 'blocks' && !around.value;
  const origin: Origin = { layer: 'default' };
  if (
    around !== undefined &&
    isAround &&
    (own === undefined || rankOf(own.origin) <= rankOf(around.origin))
  ) {
    if (own?.value === true)
      layers.note(
        'This has no effect, because the block around it is switched off at',
        own.origin,
        around.origin,
      );
    layers.origins.set('leaderElection.enabled', around.origin);
    layers.origins.set('highAvailability', around.origin);
    return { enabled: false, highAvailability: false };
  }
  const enabled = own?.value ?? around?.value ?? true;
  layers.origins.set('leaderElection.enabled', own?.origin ?? around?.origin ?? origin);
  const asElection = { ...origin, note: 'as the election' };
  layers.origins.set('highAvailability', around?.origin ?? asElection);
  return { enabled, highAvailability: around?.value ?? enabled };
}

const NAMES = {
  leaseDurationMs: 'leaseDurationMs',
  renewIntervalMs: 'renewIntervalMs',
  renewDeadlineMs: 'renewDeadlineMs',
  retryIntervalMs: 'retryIntervalMs',
  gracePeriodMs: 'gracePeriodMs',
  drainTimeoutMs: 'drainTimeoutMs',
} as const;

type Timings = Pick<
  LeaderElectionSettings,
  'leaseDurationMs' | 'renewIntervalMs' | 'renewDeadlineMs' | 'retryIntervalMs' | 'gracePeriodMs'
>;

function resolveTimings(
  layers: Layers,
  environment: EnvironmentName | null,
): { readonly election: Timings; readonly drainTimeoutMs: number } {
  const options: { -readonly [Name in keyof TimingOptions]: TimingOptions[Name] } = {};
  for (const id of Object.values(NAMES)) {
    const given = layers.get(id);
    const resolved = id === 'drainTimeoutMs' ? id : `leaderElection.${id}`;
    layers.origins.set(resolved, given?.origin ?? { layer: 'default' });
    if (given !== undefined) options[id] = given.value;
  }
  if (options.leaseDurationMs === undefined && environment !== null) {
    const preset = PRESETS[environment];
    const origin: Origin = { layer: 'preset', environment };
    options.leaseDurationMs = preset.leaseDurationMs;
    layers.origins.set('leaderElection.leaseDurationMs', origin);
    // A renewal interval belongs to its lease: with another lease, it is a third of that.
    if (options.renewIntervalMs === undefined) {
      options.renewIntervalMs = preset.renewIntervalMs;
      layers.origins.set('leaderElection.renewIntervalMs', origin);
    }
  }
  const { timings, errors, warnings } = checkTimings(options);
  for (const { setting, message } of errors) layers.problem(inUnits(message), originOf(layers, setting));
  for (const { setting, message } of warnings) layers.note(inUnits(message), originOf(layers, setting));
  const election = {
    leaseDurationMs: timings.leaseMs,
    renewIntervalMs: timings.renewIntervalMs,
    renewDeadlineMs: options.renewDeadlineMs ?? null,
    retryIntervalMs: options.retryIntervalMs ?? null,
    gracePeriodMs: timings.graceMs,
  };
  return { election, drainTimeoutMs: timings.drainMs };
}

/** A broken rule is told where its setting was given; if that was nowhere, where the lease was. */
function originOf(layers: Layers, setting: keyof TimingOptions): Origin {
  const own = layers.origins.get(setting === 'drainTimeoutMs' ? setting : `leaderElection.${setting}`);
  const lease = layers.origins.get('leaderElection.leaseDurationMs');
  return (own?.layer === 'default' ? lease : own) ?? { layer: 'default' };
}

/** A message of the library with units, and in the words of this page. */
function inUnits(message: string): string {
  return message
    .replace(/, or set unsafeFastLease.*?(?=\.)/, '')
    .replaceAll(
      /\b(lease|renew|retry|grace|drain)([A-Z]\w*)Ms\b/g,
      (_, first: string, rest: string) => `the ${first} ${rest.toLowerCase()}`,
    )
    .replaceAll(/\b(\d+(?:\.\d+)?)(?!\w|\.\d| m?s\b)/g, '$1 ms');
}
