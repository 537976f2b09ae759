import { basename } from 'node:path';
import { type ConfigReload, createConfigReload } from '../config-reload.ts';
import type { HeadStore } from '../config/head-store.ts';
import type { SharedOutcome } from '../config/reload-outcomes.ts';
import type { ReloadStatus } from '../config/reload-status.ts';
import { ConclaveError, ConfigError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Logger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Diagnostic } from '../../machines/index.ts';
import { openHead } from './head-stores.ts';
import { storeName } from './lease-stores.ts';
import type { MemberSettings, ReloadPlan, Sharing } from './member-settings.ts';

/** What a member reloads while it runs: its own settings file, and the configuration of the application beside it. */

/** What came of reloading one of them. */
export interface ReloadReport {
  readonly what: ReloadPlan['name'];
  readonly path: string;
  /** `failed`: it could not be tried. */
  readonly outcome: SharedOutcome['type'] | 'failed';
  /** In force now. */
  readonly generation: number | null;
  readonly sha: string | null;
  /** Keys that wait for a restart of this member. */
  readonly restart: readonly string[];
  /** Why the newest input is not in force. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Whether the newest input is in force after that. */
export function isInForce(outcome: ReloadReport['outcome']): boolean {
  return outcome === 'applied' || outcome === 'unchanged' || outcome === 'adopted';
}

export interface ReloadState extends ReloadStatus {
  readonly what: ReloadPlan['name'];
  readonly path: string;
  readonly restart: readonly string[];
  /** Where members agree on it, without a secret; null where nothing is shared. */
  readonly sharing: Sharing | null;
}

/** What a reload is made with besides its plan. */
export interface ReloadContext {
  readonly election: LeaderElection;
  /** Where a leader of the shared configuration is elected, if the election itself is disabled. */
  readonly leases: LeaseStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly settings: Pick<MemberSettings, 'name' | 'enabled' | 'onJournalFailure' | 'logger' | 'inspect'>;
}

export class MemberReload {
  readonly plan: ReloadPlan;
  readonly handle: ConfigReload<unknown>;
  readonly #context: ReloadContext;
  readonly #head: HeadStore | null;

  /** @throws SettingsError */
  constructor(plan: ReloadPlan, context: ReloadContext, alone: boolean) {
    const { election, leases, journal, clock, settings } = context;
    const { name, enabled = true, onJournalFailure, logger, inspect } = settings;
    const { sharing } = plan;
    this.plan = plan;
    this.#context = context;
    this.#head = sharing && openHead(sharing.store, sharing.namespace, sharing.channel);
    const leader = enabled ? { election } : { leases };
    try {
      this.handle = createConfigReload<unknown>({
        memberId: name,
        // One id for all that this process does, so that a line about its configuration is matched with its terms.
        instance:
          alone || plan.name === 'configuration' ? election.candidateId : `${election.candidateId}.settings`,
        ...plan.options,
        handlers: plan.handlers(election),
        journal,
        clock,
        onJournalFailure,
        ...(inspect && { inspect }),
        logger: alone ? logger : prefixed(logger, basename(plan.path)),
        ...(this.#head !== null && sharing !== null && { store: this.#head, mode: sharing.mode, ...leader }),
      });
    } catch (error) {
      void this.#head?.close();
      throw error;
    }
  }

  /** Whether a configuration is in force. */
  get isReady(): boolean {
    return this.handle.status().generation !== null;
  }

  /** Resolves when a configuration is in force. */
  async start(): Promise<void> {
    try {
      await this.handle.start();
    } catch (error) {
      // A member runs by its settings already: it has checked them, and there is nothing else to run by.
      if (this.plan.name !== 'settings' || !(error instanceof ConfigError)) throw error;
      this.#context.settings.logger.warn({}, error.message);
      await this.handle.reload({ force: true });
    }
  }

  /** Reads it again now. Never rejects. */
  async reload(force: boolean): Promise<ReloadReport> {
    try {
      return this.#report(await this.handle.reload({ force }));
    } catch (error) {
      return { ...this.#report({ type: 'failed' }), diagnostics: diagnosticsOf(error) };
    }
  }

  status(): ReloadState {
    const { name, path, sharing } = this.plan;
    const shown = sharing && { ...sharing, store: storeName(sharing.store) };
    return { what: name, path, ...this.handle.status(), restart: this.#restart(), sharing: shown };
  }

  async stop(): Promise<void> {
    try {
      await this.handle.stop();
    } finally {
      await this.#head?.close();
      await this.plan.state[Symbol.asyncDispose]();
    }
  }

  #report(outcome: Pick<SharedOutcome, 'type'> | { readonly type: 'failed' }): ReloadReport {
    const { generation, sha } = this.handle.status();
    const { name, path } = this.plan;
    const diagnostics = 'diagnostics' in outcome ? (outcome.diagnostics as readonly Diagnostic[]) : [];
    return {
      what: name,
      path,
      outcome: outcome.type,
      generation,
      sha,
      restart: this.#restart(),
      diagnostics,
    };
  }

  #restart(): readonly string[] {
    return !this.isReady ? [] : this.plan.waitingForRestart(this.handle.current);
  }
}

/** Whoever reads the log of two files must see which one a line is about. */
function prefixed(logger: Logger, prefix: string): Logger {
  const say = (level: keyof Logger) => (fields: object, message: string) =>
    logger[level](fields, `${prefix}: ${message}`);
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof ConfigError && error.diagnostics.length > 0) return error.diagnostics;
  const code = error instanceof ConclaveError ? error.code : 'UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  return [{ stage: 'reading', code, message, file: null, line: null, column: null, path: null }];
}
