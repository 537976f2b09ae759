import type { KeyClass } from '../config/validate-key-classes.ts';
import type { Kind, Retention } from './setting-kinds.ts';
import type { ConfigurationMode, EnvironmentName, LogLevel, TokenSettings } from './settings.ts';

/** What each setting is once it was read, before defaults and rules that need several of them. */
export interface Values {
  environment: EnvironmentName;
  store: string;
  redisConnection: string;
  cacheEnabled: boolean;
  redisHost: string;
  redisPort: number;
  redisUsername: string;
  redisPassword: string;
  redisDatabase: number;
  redisTls: boolean;
  connectTimeoutMs: number;
  waitReplicas: number;
  directory: string;
  logLevel: LogLevel;
  detailedLogging: boolean;
  logJson: boolean;
  journalPath: string;
  journalRetention: Retention;
  journalOnFailure: 'continue' | 'stop';
  drainTimeoutMs: number;
  inspect: string | true;
  enabled: boolean;
  resourceName: string;
  keyPrefix: string;
  lockKey: string;
  instanceId: string;
  podNamespace: string;
  leaseDurationMs: number;
  renewIntervalMs: number;
  renewDeadlineMs: number;
  retryIntervalMs: number;
  gracePeriodMs: number;
  paused: boolean;
  highAvailability: boolean;
  configurationPath: string;
  configurationMode: ConfigurationMode;
  watching: boolean;
  pollMs: number;
  debounceMs: number;
  channel: string;
  address: string;
  port: number;
  metricsPort: number;
  allowedHosts: readonly string[];
  tokens: readonly TokenSettings[];
  followerStatus: 'degraded' | 'healthy';
  certFile: string;
  keyFile: string;
  metricsPrefix: string;
}

export type SettingId = keyof Values;

export type Catalogue = { readonly [Id in SettingId]: Entry<Values[Id]> };

/** One row of the catalogue: a setting with all its names. Reading, the page and tests all follow from it. */
export interface Entry<T = unknown> {
  /** In the words of the resolved settings: `leaderElection.leaseDurationMs`. */
  readonly setting: string;
  readonly about: string;
  /** In words. */
  readonly default: string;
  readonly reload: KeyClass;
  /** Names in files, the first being the one to use; the earlier wins over the later where a file has several. */
  readonly names: readonly Name<T>[];
  /** `CONCLAVE_…` follows from it. */
  readonly flag?: Flag<T>;
  /** Environment variables with names of their own. */
  readonly variables?: readonly string[];
  /** Two different values in one file are no error: the first name wins, and a note says so. */
  readonly alternatives?: true;
}

/** A name in a file, and in the environment with `__` for the dots. */
export interface Name<T = unknown> {
  /** Below the root: `high_availability.leader_election.lease_duration_seconds`. */
  readonly path: string;
  readonly kind: Kind<T>;
  /** Which shape of file it belongs to. */
  readonly shape: 'blocks' | 'older' | 'controller';
}

export interface Flag<T = unknown> {
  /** Without the dashes. */
  readonly name: string;
  readonly kind: Kind<T>;
  /** What `--help` calls the value; without one the flag takes none. */
  readonly value?: string;
  /** The value may be left out: then it is `true`. */
  readonly optionalValue?: true;
  readonly short?: string;
  readonly about: string;
  /** `--no-NAME` turns it off; that is the flag there is. */
  readonly negated?: true;
}

/** A key that has no effect any more, or never had one here, and what to know about that. */
export interface NoEffect {
  readonly path: string;
  readonly note: string;
  readonly example: unknown;
}

export const blocks = <T>(path: string, kind: Kind<T>): Name<T> => ({ path, kind, shape: 'blocks' });
export const older = <T>(path: string, kind: Kind<T>): Name<T> => ({ path, kind, shape: 'older' });
export const controller = <T>(path: string, kind: Kind<T>): Name<T> => ({ path, kind, shape: 'controller' });
