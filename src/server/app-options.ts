import type { ConfigReload } from '../config-reload.ts';
import { SettingsError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { LeaderElection } from '../leader-election.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { MetricsText } from '../observability/metrics-text.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { refuseUnknownOptions } from '../unknown-options.ts';
import type { Hono } from 'hono';
import { AllowedHosts } from './hosts.ts';
import { Lifecycle } from './lifecycle.ts';
import { type TokenOptions, Tokens } from './tokens.ts';

/** What is served of a configuration, whatever its type. */
export type ServedConfig = Pick<
  ConfigReload<unknown>,
  | 'memberId'
  | 'status'
  | 'members'
  | 'history'
  | 'diff'
  | 'reload'
  | 'rollback'
  | 'shown'
  | 'validate'
  | 'propose'
  | 'events$'
> & { readonly actor: { getSnapshot(): { readonly status: string } } };

/** What `conclaveApp` takes: whose health, leadership and configuration it serves, and who may change them. */
export interface ConclaveAppOptions {
  /** Whose health and leadership are told. */
  readonly election?: LeaderElection;
  /** Whose configuration is told and changed. */
  readonly config?: ServedConfig;
  /** What `/metrics` answers with, if this application serves it, too. Nothing asks for a token there. */
  readonly metrics?: MetricsText;
  /** Whose records `/events` tells, as they are written. */
  readonly journal?: Journal;
  /** Pages at all other paths: the viewer. They look after themselves: neither Host nor token is asked for there. */
  readonly pages?: Hono;
  /** Who may change what. Without any, nothing can be changed. */
  readonly tokens?: readonly TokenOptions[];
  /** Names it may be asked for by, besides `localhost` and addresses: `conclave.example.com`, `*.example.com`, `*`. */
  readonly allowedHosts?: readonly string[];
  /** Whether a token is asked for to read `/v1/config` and `/events`. Default true: who can connect is not known here. */
  readonly readsNeedToken?: boolean;
  /** What a member is that follows: `degraded`, the default, or `healthy`. */
  readonly followerStatus?: 'degraded' | 'healthy';
  /** Shared by all servers of a process. Default one of its own. */
  readonly lifecycle?: Lifecycle;
  readonly logger?: Logger;
  /** For simulations. Default the system's. */
  readonly clock?: Clock;
}

/** What the options come to. */
export interface ServedMember {
  readonly election: LeaderElection | null;
  readonly config: ServedConfig | null;
  readonly metrics: MetricsText | null;
  readonly journal: Journal | null;
  readonly pages: Hono | null;
  readonly tokens: Tokens;
  readonly hosts: AllowedHosts;
  readonly readsNeedToken: boolean;
  readonly followerStatus: 'degraded' | 'healthy';
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly clock: Clock;
}

export const APP_OPTIONS = [
  'election',
  'config',
  'metrics',
  'journal',
  'pages',
  'tokens',
  'allowedHosts',
  'readsNeedToken',
  'followerStatus',
  'lifecycle',
  'logger',
  'clock',
] as const satisfies (keyof ConclaveAppOptions)[];

/**
 * Checks options and fills in defaults.
 *
 * @throws SettingsError naming the option, its value (but no token) and what would do
 */
export function resolveAppOptions(options: ConclaveAppOptions): ServedMember {
  refuseUnknownOptions(options, APP_OPTIONS, 'A server');
  const { followerStatus = 'degraded' } = options;
  if (followerStatus !== 'degraded' && followerStatus !== 'healthy')
    throw new SettingsError(
      'SETTINGS_INVALID',
      `followerStatus is ${JSON.stringify(followerStatus)}, but must be 'degraded' or 'healthy'.`,
    );
  return {
    election: options.election ?? null,
    config: options.config ?? null,
    metrics: options.metrics ?? null,
    journal: options.journal ?? null,
    pages: options.pages ?? null,
    tokens: new Tokens(options.tokens ?? []),
    hosts: new AllowedHosts(options.allowedHosts ?? []),
    readsNeedToken: options.readsNeedToken ?? true,
    followerStatus,
    lifecycle: options.lifecycle ?? new Lifecycle(),
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  };
}
