import type { Secret } from './secret.ts';

/**
 * Conclave's own settings, resolved: every value is there, checked, and in the unit its name ends with. Deeply frozen.
 * Where a value came from is told beside it; see `resolve.ts`.
 */
export interface Settings {
  /** Which preset was chosen; null for none. */
  readonly environment: EnvironmentName | null;
  /** Where a member keeps its things, absolute. */
  readonly directory: string;
  readonly log: LogSettings;
  readonly leaderElection: LeaderElectionSettings;
  /** Whether several members share a configuration. */
  readonly highAvailability: boolean;
  readonly store: StoreSettings;
  readonly configuration: ConfigurationSettings;
  readonly server: ServerSettings;
  readonly metrics: MetricsSettings;
  readonly journal: JournalSettings;
  /** Longest wait for running work and requests when the member is told to stop. */
  readonly drainTimeoutMs: number;
  /** Address of a Stately inspector, `true` for the usual one, null for none. */
  readonly inspect: string | true | null;
}

export const ENVIRONMENTS = ['development', 'staging', 'production', 'high-load'] as const;
export type EnvironmentName = (typeof ENVIRONMENTS)[number];

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogSettings {
  readonly level: LogLevel;
  /** A JSON object a line, for programs. */
  readonly json: boolean;
}

export interface LeaderElectionSettings {
  /** False: this member is the only one, and leads at once and always. */
  readonly enabled: boolean;
  readonly resourceName: string;
  /** Put before the resource's name in Redis. */
  readonly keyPrefix: string;
  /** The whole key in Redis instead of prefix and name; null for those. */
  readonly lockKey: string | null;
  /** What people call this member; null for the name of the host. */
  readonly instanceId: string | null;
  /** The Kubernetes namespace the member runs in, for people; null if it is not known. */
  readonly podNamespace: string | null;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  /** How long after its last renewal a leader may go on at most; null for as long as the lease allows. */
  readonly renewDeadlineMs: number | null;
  /** First wait after a failed request; null for one that follows from the lease. */
  readonly retryIntervalMs: number | null;
  readonly gracePeriodMs: number;
  /** Start without being a candidate. */
  readonly paused: boolean;
}

export interface StoreSettings {
  /** `sqlite:` and an absolute path, `memory`, or a Redis connection string with its password; null for none. */
  readonly connection: Secret | null;
  /** The same for people, without a secret. */
  readonly name: string | null;
  readonly kind: 'redis' | 'sqlite' | 'memory' | null;
  /** How many replicas of a Redis must confirm a lease. */
  readonly waitReplicas: number;
}

export const CONFIGURATION_MODES = ['static', 'local', 'file', 'store'] as const;
export type ConfigurationMode = (typeof CONFIGURATION_MODES)[number];

export interface ConfigurationSettings {
  /** The file or directory that is watched and reloaded, absolute; null for none. */
  readonly path: string | null;
  /** `static` reads it once; `local` shares nothing; `file` and `store` as in docs/configuration.md. */
  readonly mode: ConfigurationMode;
  /** Whether changes of the files are noticed; without, a reload is asked for by command, request or notification. */
  readonly watching: boolean;
  /** How often the files are looked at without being told to; null for the watcher's own interval. */
  readonly pollMs: number | null;
  readonly debounceMs: number;
  /** Where changes are told to other members. */
  readonly channel: string;
}

export const SCOPES = ['read', 'reload', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface TokenSettings {
  readonly token: Secret;
  readonly scopes: readonly Scope[];
}

export interface ServerSettings {
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** The same as `port` for one listener; 0 for any that is free. */
  readonly metricsPort: number;
  /** Values of the Host header that are answered besides those of the address itself. */
  readonly allowedHosts: readonly string[];
  readonly tokens: readonly TokenSettings[];
  /** What `/health` says of a follower. */
  readonly followerStatus: 'degraded' | 'healthy';
  /** PEM files for HTTPS, absolute; null for plain HTTP. */
  readonly certificates: { readonly certFile: string; readonly keyFile: string } | null;
}

export interface MetricsSettings {
  /** Before the name of each metric. */
  readonly prefix: string;
}

export interface JournalSettings {
  /** A file, absolute, or `memory`; null for a file of its own for each process, in `directory`. */
  readonly path: string | null;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  /** Whether leadership goes on while the journal fails. */
  readonly onFailure: 'continue' | 'stop';
}
