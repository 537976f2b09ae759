import { join } from 'node:path';
import { createLeaderElection, type LeaderElection } from '../leader-election.ts';
import { SettingsError, UsageError } from '../errors.ts';
import type { JournalNotice } from '../journal/durable-notice.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { sqliteJournal } from '../sqlite.ts';
import { ControlServer } from './control-server.ts';
import { claimSocket, type MemberSocket } from './control-sockets.ts';
import { openLeases } from './lease-stores.ts';
import { prepareDirectory, placesIn } from './member-places.ts';
import { MemberReload, type ReloadReport } from './member-reloads.ts';
import type { MemberSettings } from './member-settings.ts';
import { type MemberStatus, statusOfMember } from './member-status.ts';
import type { MemberServers, ServersOf } from './member-servers.ts';

/**
 * One member as a process of its own: an election, its store, its journal, what it reloads, and what it is asked by.
 * It owns all of them, and stops them in the order in which the one needs the other: it says that it is not ready, has
 * requests end, hands the lease over, and closes the rest.
 */

/** How long the store and the journal may take to open. */
const WARM_UP_MS = 5000;

export class Member implements AsyncDisposable {
  readonly election: LeaderElection;
  readonly socket: MemberSocket;
  readonly reloads: readonly MemberReload[];
  readonly journal: Journal;
  readonly leases: LeaseStore;
  readonly settings: MemberSettings;
  readonly clock: Clock;
  readonly #servers: MemberServers | null;
  readonly #askedToStop = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  /** Aborted when the store has had time enough to answer for the first time. */
  readonly #warmUpEnds = new AbortController();
  #control: ControlServer | null = null;
  #isStarted = false;
  #starting: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  /**
   * Checks everything that can be checked and opens what it needs; nothing is contended for before `start()`.
   *
   * @throws SettingsError naming the setting, its value and what would do
   */
  constructor(settings: MemberSettings, serversOf: ServersOf = () => null) {
    const { directory, store, journal, resource, logger } = settings;
    this.settings = settings;
    this.clock = settings.clock ?? systemClock;
    // Whoever waits for a failure hears of it; nobody need wait.
    this.#failed.promise.catch(() => {});
    const places = placesIn(directory);
    if (store === `sqlite:${places.leases}`) prepareDirectory(directory, '--dir');
    if (journal !== null) prepareDirectory(join(journal, '..'), '--journal');
    const notice = (message: string) => logger.warn({ resource }, message);
    const leases = openLeases(store, notice, settings.redis);
    this.leases = settings.metrics?.measureLeases(leases) ?? leases;
    const opened: { journal?: Journal; reloads: MemberReload[] } = { reloads: [] };
    try {
      opened.journal = openJournal(settings);
      this.journal = settings.metrics?.measureJournal(opened.journal) ?? opened.journal;
      this.election = electionOf(settings, this.leases, this.journal, this.clock);
      const { election, clock } = this;
      const context = { election, leases: this.leases, journal: this.journal, clock, settings };
      const plans = settings.reloads ?? [];
      for (const plan of plans) opened.reloads.push(new MemberReload(plan, context, plans.length === 1));
      this.reloads = opened.reloads;
      this.socket = claimSocket(places.members, this.election.candidateId);
      this.#servers = serversOf(this);
    } catch (error) {
      void Promise.all([
        ...opened.reloads.map((each) => each.stop()),
        opened.journal?.close(),
        this.leases.close(),
      ]);
      throw error;
    }
    settings.metrics?.observeElection(this.election);
    const told = this.main;
    if (told !== null) settings.metrics?.observeConfig(told.handle, { resource: settings.resource });
    const failed = (error: unknown) => this.#failed.reject(error);
    this.election.actor.subscribe({ error: failed });
    for (const { handle } of this.reloads) handle.actor.subscribe({ error: failed });
  }

  /** Resolves when somebody asks for a stop over the control socket. */
  get askedToStop(): Promise<void> {
    return this.#askedToStop.promise;
  }

  /** Rejects when this member can do nothing any more. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Started, with every configuration in force, and not about to stop: whoever leads, whatever the store does. */
  get isReady(): boolean {
    return this.#isStarted && this.#stopped === null && this.reloads.every(({ isReady }) => isReady);
  }

  /** The configuration that is told of over HTTP and in metrics: the application's, else its own settings. */
  get main(): MemberReload | null {
    return this.reloads.at(-1) ?? null;
  }

  /** Whether it is on its way out. */
  get isStopping(): boolean {
    return this.#stopped !== null;
  }

  /** Addresses that it answers at; null where it serves none. */
  get addresses(): MemberServers['addresses'] | null {
    return this.#servers?.addresses ?? null;
  }

  /**
   * Joins the election. What needs nobody else is in force then; what members share comes into force as they agree.
   *
   * @throws SettingsError if a port, the store or the journal turn out to be unusable; a store that is merely slow or
   * locked only delays the first term. ConfigError if there is no configuration to begin with.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Reads every configuration again now. Never rejects. */
  async reload(force = false): Promise<readonly ReloadReport[]> {
    const reports: ReloadReport[] = [];
    // What a member runs by first: it may be about the other.
    for (const each of this.reloads) reports.push(await each.reload(force));
    return reports;
  }

  status(): MemberStatus {
    return statusOfMember(this);
  }

  /** Hands over if it leads, then closes everything, in the order in which the one needs the other. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    const [alone, shared] = [true, false].map((isAlone) =>
      this.reloads.filter(({ plan }) => (plan.sharing === null) === isAlone),
    ) as [MemberReload[], MemberReload[]];
    const steps = [
      () => this.#servers?.listen(),
      () => this.#warmUp(),
      async () => (this.#control = await ControlServer.listen(this.socket, this.#commands())),
      ...alone.map((each) => () => each.start()),
      () => this.election.start(),
    ];
    // Asked to stop meanwhile, it begins nothing any more.
    for (const step of steps) if (!this.isStopping) await step();
    if (this.isStopping) return;
    this.#isStarted = true;
    for (const each of shared) each.start().catch((error: unknown) => this.#noteFailure(error));
  }

  #commands() {
    const { election } = this;
    return {
      status: () => this.status(),
      resign: async () => {
        if (!election.isLeader)
          throw new UsageError('NOT_LEADER', `${election.candidateId} does not lead "${election.resource}".`);
        await election.resign();
        return this.status();
      },
      pause: () => election.pause(),
      resume: () => election.resume(),
      reload: ({ force }: { readonly force?: unknown }) => this.reload(force === true),
      config: () => this.reloads.map((each) => each.status()),
      stop: () => this.#askedToStop.resolve(),
    };
  }

  /** Their threads start here, so that the first request is not taken for one that is not answered. */
  async #warmUp(): Promise<void> {
    const patience = this.#warmUpEnds;
    const timer = this.clock.setTimeout(() => patience.abort(), WARM_UP_MS);
    const opened = Promise.allSettled([
      this.leases.read(this.election.resource, { signal: patience.signal }),
      this.journal.streams(),
    ]);
    const lost = new Promise<null>((resolve) =>
      patience.signal.addEventListener('abort', () => resolve(null)),
    );
    const answers = await Promise.race([opened, lost]);
    this.clock.clearTimeout(timer);
    for (const answer of answers ?? [])
      if (answer.status === 'rejected' && answer.reason instanceof SettingsError) throw answer.reason;
  }

  /** A configuration that members share and that cannot begin. */
  #noteFailure(error: unknown): void {
    if (this.#stopped === null) this.#failed.reject(error);
  }

  async #stop(): Promise<void> {
    this.#warmUpEnds.abort();
    try {
      await this.#servers?.drain();
      await this.#starting?.catch(() => {});
      await this.election.stop();
      for (const each of this.reloads) await each.stop();
    } finally {
      await this.#servers?.close();
      await this.#control?.[Symbol.asyncDispose]();
      await this.journal.close();
      await this.leases.close();
    }
  }
}

function openJournal({ journal, retention, logger, resource }: MemberSettings): Journal {
  if (journal === null) return memoryJournal();
  const onNotice = ({ kind, message }: JournalNotice) => {
    const grave = kind === 'overflowed' || kind === 'unflushed';
    logger[grave ? 'warn' : 'debug']({ resource, notice: kind }, `Journal: ${message}`);
  };
  return sqliteJournal({ path: journal, onNotice, ...(retention && { retention }) });
}

function electionOf(
  settings: MemberSettings,
  leases: LeaseStore,
  journal: Journal,
  clock: Clock,
): LeaderElection {
  const { resource, name, timings, onJournalFailure, paused, logger, inspect, enabled = true } = settings;
  return createLeaderElection({
    ...timings,
    resource,
    candidateId: name,
    leases,
    enabled,
    journal,
    onJournalFailure,
    paused,
    logger,
    clock,
    ...(inspect !== undefined && { inspect }),
  });
}
