import type { SnapshotFrom } from 'xstate';
import type { KnownLease, leadershipMachine } from '../../machines/index.ts';
import type { ElectionEvent } from '../election/events.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { Clock } from '../runtime/clock.ts';
import { Counts, type Instruments, type Tell } from './instruments.ts';
import { METRICS, TRANSITIONS } from './metric-catalogue.ts';

const { election: ELECTION } = METRICS;

type Snapshot = SnapshotFrom<typeof leadershipMachine>;

/** Since when nobody leads as far as this member knows, and how the leader before it ended. */
interface Vacancy {
  readonly since: number;
  readonly kind: 'handover' | 'expiry';
}

/** The books of one election: plain numbers, kept up by its events and asked for at each collection. */
class ElectionBooks {
  readonly #election: LeaderElection;
  readonly #instruments: Instruments;
  readonly #clock: Clock;
  readonly #lost = new Counts(ELECTION.lost.attributes.cause.map((cause) => ({ cause })));
  readonly #transitions = new Counts(TRANSITIONS.map(([from, to]) => ({ from, to })));
  #acquired = 0;
  #renewalFailures = 0;
  #ledMs = 0;
  /** Of the present term. */
  #term: { readonly since: number; validUntil: number } | null = null;
  #role: string;
  #vacant: string | null;
  #vacancy: Vacancy | null = null;

  constructor(election: LeaderElection, instruments: Instruments, clock: Clock) {
    this.#election = election;
    this.#instruments = instruments;
    this.#clock = clock;
    const snapshot = election.actor.getSnapshot();
    this.#role = roleIn(snapshot);
    this.#vacant = snapshot.context.vacant;
    if (election.isLeader) this.#begin();
  }

  get #attributes() {
    return { resource: this.#election.resource };
  }

  hear(event: ElectionEvent): void {
    if (event.type === 'becameLeader') {
      this.#acquired += 1;
      this.#tellFailover();
      this.#begin();
    } else if (event.type === 'renewed') {
      this.#renewed();
    } else if (event.type === 'renewalFailed') {
      this.#renewalFailures += 1;
    } else if (event.type === 'lostLeadership') {
      this.#lost.add({ cause: event.cause });
      this.#vacancy = { since: this.#end(), kind: event.cause === 'expired' ? 'expiry' : 'handover' };
    }
  }

  look(snapshot: Snapshot): void {
    const role = roleIn(snapshot);
    if (role !== this.#role) this.#transitions.add({ from: this.#role, to: role });
    this.#role = role;
    const { known, vacant } = snapshot.context;
    if (known !== null) this.#vacancy = seenAlive(known);
    else if (vacant !== null && vacant !== this.#vacant)
      this.#vacancy = { since: this.#clock.monotonicMs(), kind: 'handover' };
    this.#vacant = vacant;
  }

  /** The election is over, however it ended. */
  end(): void {
    this.#end();
  }

  observe(tell: Tell, ended: boolean): void {
    const { isLeader, enabled, term, actor } = this.#election;
    const attributes = this.#attributes;
    const mode = enabled ? {} : { mode: 'disabled' };
    const leads = isLeader && !ended;
    tell(ELECTION.isLeader, leads ? 1 : 0, { ...attributes, ...mode });
    tell(ELECTION.acquired, this.#acquired, attributes);
    this.#lost.tell(tell, ELECTION.lost, attributes);
    tell(ELECTION.renewalFailures, this.#renewalFailures, attributes);
    this.#transitions.tell(tell, ELECTION.transitions, attributes);
    tell(ELECTION.timeAsLeader, (this.#ledMs + this.#leadingMs()) / 1000, attributes);
    const token = term?.token ?? actor.getSnapshot().context.seen;
    tell(ELECTION.fencingToken, Number(token), attributes);
  }

  #begin(): void {
    this.#term = { since: this.#clock.monotonicMs(), validUntil: this.#validUntil() };
  }

  #renewed(): void {
    const term = this.#term;
    if (term === null) return;
    const leftMs = term.validUntil - this.#clock.monotonicMs();
    this.#instruments.record(ELECTION.leaseSlack, leftMs / 1000, this.#attributes);
    term.validUntil = this.#validUntil();
  }

  /** Ends the account of the present term; when leadership ended, which a frozen process learns later. */
  #end(): number {
    const now = this.#clock.monotonicMs();
    const endedAt = Math.min(now, this.#term?.validUntil ?? now);
    this.#ledMs += this.#leadingMs();
    this.#term = null;
    return endedAt;
  }

  #leadingMs(): number {
    if (this.#term === null) return 0;
    const { since, validUntil } = this.#term;
    return Math.max(0, Math.min(this.#clock.monotonicMs(), validUntil) - since);
  }

  #validUntil(): number {
    return this.#election.actor.getSnapshot().context.term?.validUntil ?? -Infinity;
  }

  #tellFailover(): void {
    const vacancy = this.#vacancy;
    if (vacancy === null) return;
    const forMs = this.#clock.monotonicMs() - vacancy.since;
    const attributes = { ...this.#attributes, kind: vacancy.kind };
    this.#instruments.record(ELECTION.failover, forMs / 1000, attributes);
    this.#vacancy = null;
  }
}

const seenAlive = ({ since }: KnownLease): Vacancy => ({ since, kind: 'expiry' });

const roleIn = ({ value }: Snapshot): string =>
  typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');

/** Keeps the metrics of an election until disposed of. */
export function observeElection(
  election: LeaderElection,
  instruments: Instruments,
  clock: Clock,
): Disposable {
  const books = new ElectionBooks(election, instruments, clock);
  // An election that fails tells of it by itself.
  const over = { error: () => books.end(), complete: () => books.end() };
  const listening = election.events$.subscribe({ next: (event) => books.hear(event), ...over });
  listening.add(election.state$.subscribe({ next: (snapshot) => books.look(snapshot), error: () => {} }));
  const observing = instruments.observe(ELECTION, (tell, ended) => books.observe(tell, ended));
  return {
    [Symbol.dispose]: () => {
      listening.unsubscribe();
      books.end();
      observing[Symbol.dispose]();
    },
  };
}
