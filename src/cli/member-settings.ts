import type { ConfigReloadOptions } from '../config/reload-options.ts';
import type { ReloadHandler } from '../config/handlers.ts';
import type { LeaderElectionOptions } from '../election/options.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { Retention } from '../journal/durable-retention.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../runtime/clock.ts';
import type { TimingOptions } from '../../machines/index.ts';
import type { RedisOptions } from './lease-stores.ts';

/** What a member is made of. */
export interface MemberSettings {
  readonly resource: string;
  /** What people call this member. */
  readonly name: string;
  /** As `resolveStore` returns it: with the password of a Redis. */
  readonly store: string;
  readonly directory: string;
  /** Path of the journal, or null to keep it in memory. */
  readonly journal: string | null;
  readonly timings: TimingOptions;
  readonly onJournalFailure: 'continue' | 'stop';
  readonly paused: boolean;
  readonly logger: Logger;
  /** False: it leads without asking anybody. Default true. */
  readonly enabled?: boolean;
  /** What matters in a Redis only. */
  readonly redis?: RedisOptions;
  /** How much of the journal is kept. */
  readonly retention?: Retention;
  /** Counts what this member does. */
  readonly metrics?: Metrics;
  /** What is reloaded while it runs. */
  readonly reloads?: readonly ReloadPlan[];
  readonly clock?: Clock;
  /** Any XState inspector. */
  readonly inspect?: LeaderElectionOptions['inspect'];
}

/** One configuration that a member reloads. */
export interface ReloadPlan {
  /** `settings`: what this member itself runs by; `configuration`: that of the application beside it. */
  readonly name: 'settings' | 'configuration';
  /** The file, for people. */
  readonly path: string;
  readonly options: Omit<
    ConfigReloadOptions<unknown>,
    'store' | 'mode' | 'election' | 'leases' | 'handlers' | 'logger' | 'clock' | 'journal'
  >;
  readonly handlers: (election: LeaderElection) => readonly ReloadHandler<unknown>[];
  /** Null: nothing is shared. */
  readonly sharing: Sharing | null;
  /** Held for as long as the reload lasts. */
  readonly state: AsyncDisposable;
  /** Keys that are another than this process was started with, and so wait for a restart. */
  readonly waitingForRestart: (current: unknown) => readonly string[];
}

/** Where members agree on a configuration. */
export interface Sharing {
  readonly mode: 'file' | 'store';
  /** As `resolveStore` returns it. */
  readonly store: string;
  readonly namespace: string;
  /** Where anybody may tell members of a Redis to look. */
  readonly channel: string;
}
