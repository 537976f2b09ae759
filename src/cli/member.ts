import { join } from 'node:path';
import type { LeaderElectionOptions } from '../election/options.ts';
import { createLeaderElection, type LeaderElection } from '../leader-election.ts';
import { SettingsError, UsageError } from '../errors.ts';
import type { JournalNotice } from '../journal/durable-notice.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Logger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { sqliteJournal } from '../sqlite.ts';
import { ControlServer } from './control-server.ts';
import { claimSocket, type MemberSocket } from './control-sockets.ts';
import { openLeases, storeName } from './lease-stores.ts';
import { prepareDirectory, placesIn } from './member-places.ts';

/** One member as a process of its own: an election, its store, its journal and a socket to ask it by. */

export interface MemberSettings {
  readonly resource: string;
  /** What people call this member. */
  readonly name: string;
  /** As `resolveStore` returns it: with the password of a Redis. */
  readonly store: string;
  readonly directory: string;
  /** Path of the journal, or null to keep it in memory. */
  readonly journal: string | null;
  readonly leaseMs?: number | undefined;
  readonly renewMs?: number | undefined;
  readonly graceMs?: number | undefined;
  readonly onJournalFailure: 'continue' | 'stop';
  readonly paused: boolean;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Any XState inspector. */
  readonly inspect?: LeaderElectionOptions['inspect'];
}

/** What a member tells about itself over its control socket. Times in milliseconds. */
export interface MemberStatus {
  readonly member: string;
  readonly name: string;
  readonly resource: string;
  readonly pid: number;
  readonly role: 'leader' | 'follower';
  /** State of the chart, for example `leader.held`. */
  readonly state: string;
  readonly term: number | null;
  readonly token: string | null;
  /** What is left of this member's own lease, or until it will ask for it. */
  readonly remainingMs: number | null;
  readonly currentLeader: string | null;
  /** What it is called, without a secret. */
  readonly store: string;
  readonly journal: string | null;
}

/** How long the store and the journal may take to open. */
const WARM_UP_MS = 5000;

/** The state of a chart as one word: `leader.held`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => `${state}.${stateName(inner)}`)
    .join('+');
}

export class Member implements AsyncDisposable {
  readonly election: LeaderElection;
  readonly socket: MemberSocket;
  readonly #settings: MemberSettings;
  readonly #leases: LeaseStore;
  readonly #journal: Journal | undefined;
  readonly #clock: Clock;
  readonly #askedToStop = Promise.withResolvers<void>();
  #control: ControlServer | null = null;
  #stopped: Promise<void> | null = null;

  /**
   * Checks everything that can be checked and opens what it needs; nothing is contended for before `start()`.
   *
   * @throws SettingsError naming the flag, its value and what would do
   */
  constructor(settings: MemberSettings) {
    const { directory, store, journal, resource, name, logger } = settings;
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    const places = placesIn(directory);
    if (store === `sqlite:${places.leases}`) prepareDirectory(directory, '--dir');
    if (journal !== null) prepareDirectory(join(journal, '..'), '--journal');
    this.#leases = openLeases(store, (message) => logger.warn({ resource }, message));
    const onNotice = ({ kind, message }: JournalNotice) => {
      const grave = kind === 'overflowed' || kind === 'unflushed';
      logger[grave ? 'warn' : 'debug']({ resource, notice: kind }, `Journal: ${message}`);
    };
    try {
      const opened = journal === null ? memoryJournal() : sqliteJournal({ path: journal, onNotice });
      this.#journal = opened;
      this.election = createLeaderElection({
        resource,
        candidateId: name,
        leases: this.#leases,
        journal: opened,
        onJournalFailure: settings.onJournalFailure,
        paused: settings.paused,
        logger,
        clock: this.#clock,
        ...(settings.inspect !== undefined && { inspect: settings.inspect }),
        ...(settings.leaseMs !== undefined && { leaseDurationMs: settings.leaseMs }),
        ...(settings.renewMs !== undefined && { renewIntervalMs: settings.renewMs }),
        ...(settings.graceMs !== undefined && { gracePeriodMs: settings.graceMs }),
      });
      this.socket = claimSocket(places.members, this.election.candidateId);
    } catch (error) {
      void this.#close();
      throw error;
    }
  }

  /** Resolves when somebody asks for a stop over the control socket. */
  get askedToStop(): Promise<void> {
    return this.#askedToStop.promise;
  }

  /**
   * Joins the election.
   *
   * @throws SettingsError if the store or the journal turn out to be unusable; one that is merely slow or locked
   * only delays the first term
   */
  async start(): Promise<void> {
    const { election } = this;
    await this.#warmUp();
    this.#control = await ControlServer.listen(this.socket, {
      status: () => this.status(),
      resign: async () => {
        if (!election.isLeader)
          throw new UsageError('NOT_LEADER', `${election.candidateId} does not lead "${election.resource}".`);
        await election.resign();
        return this.status();
      },
      pause: () => election.pause(),
      resume: () => election.resume(),
      stop: () => this.#askedToStop.resolve(),
    });
    await election.start();
  }

  /** Their threads start here, so that the first request is not taken for one that is not answered. */
  async #warmUp(): Promise<void> {
    const patience = new AbortController();
    const timer = this.#clock.setTimeout(() => patience.abort(), WARM_UP_MS);
    const opened = Promise.allSettled([
      this.#leases.read(this.election.resource, { signal: patience.signal }),
      this.#journal?.streams() ?? Promise.resolve(),
    ]);
    const lost = new Promise<null>((resolve) =>
      patience.signal.addEventListener('abort', () => resolve(null)),
    );
    const answers = await Promise.race([opened, lost]);
    this.#clock.clearTimeout(timer);
    for (const answer of answers ?? [])
      if (answer.status === 'rejected' && answer.reason instanceof SettingsError) throw answer.reason;
  }

  status(): MemberStatus {
    const { election } = this;
    const { value, context } = election.actor.getSnapshot();
    const term = election.term;
    const { known } = context;
    const leftMs =
      term?.remainingMs ?? (known === null ? null : Math.max(0, known.endsAt - this.#clock.monotonicMs()));
    return {
      member: election.candidateId,
      name: this.#settings.name,
      resource: election.resource,
      pid: process.pid,
      role: term === null ? 'follower' : 'leader',
      state: stateName(value),
      term: term?.number ?? null,
      token: term === null ? null : String(term.token),
      remainingMs: leftMs === null ? null : Math.round(leftMs),
      currentLeader: election.currentLeader,
      store: storeName(this.#settings.store),
      journal: this.#settings.journal,
    };
  }

  /** Hands over if it leads, then closes everything, in the order in which the one needs the other. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await this.election.stop();
      await this.#close();
    })();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    await this.#control?.[Symbol.asyncDispose]();
    await this.#journal?.close();
    await this.#leases.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
