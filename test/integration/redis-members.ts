/**
 * Members of one resource on one Redis, in this process, each with connections of its own: what is done to Redis or
 * to a link, and what must hold whatever is done. Beliefs are told from the members' own journals.
 */
import { createLeaderElection, type ElectionEvent, type LeaderElection } from 'conclave';
import { redisLeases, type RedisLeaseOptions } from 'conclave/redis';
import { expect } from 'vitest';
import { beliefsOf, overlapsOf, type Succession, successionsOf } from '../../src/election/beliefs.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import type { LeaseStore } from '../../src/lease/lease-store.ts';
import { startProxy, type TcpProxy } from '../redis/proxy.ts';
import { until } from '../redis/until.ts';

export const RESOURCE = 'faults';
export const RECORD = `{conclave:leader:${RESOURCE}}:lease`;
export const MIRROR = `conclave:leader:${RESOURCE}`;
/** Short enough to wait for it, long enough for a machine that does other things, too. */
export const LEASE_MS = 2000;
/** For what must not end a term: a machine that does other things, too, must not end it either. */
export const STEADY = { leaseMs: 30_000, renewIntervalMs: 500 };
/** Longer than any promise of timing, so that a busy machine fails no test about something else. */
const PATIENCE_MS = 60_000;
const SAMPLE_MS = 10;

export interface MembersOptions {
  /** Where each member goes: one address for all, or one for each. */
  readonly urls: string | readonly string[];
  readonly members?: number;
  readonly leaseMs?: number;
  readonly renewIntervalMs?: number;
  readonly leases?: RedisLeaseOptions;
}

interface Told {
  readonly event: ElectionEvent;
  readonly at: number;
}

export interface Member {
  readonly name: string;
  readonly election: LeaderElection;
  readonly leases: LeaseStore;
  readonly told: Told[];
}

export class Members implements AsyncDisposable {
  readonly all: readonly Member[];
  readonly leaseMs: number;
  /** Moments at which two members answered that they lead. */
  #doubles = 0;
  readonly #lastLed = new Map<Member, number>();
  readonly #sampling: NodeJS.Timeout;

  private constructor(options: MembersOptions) {
    const { urls, members = 3, leaseMs = LEASE_MS, renewIntervalMs, leases: storeOptions } = options;
    this.leaseMs = leaseMs;
    this.all = Array.from({ length: members }, (_, index) => {
      const name = `member-${index + 1}`;
      const url = typeof urls === 'string' ? urls : (urls[index] ?? '');
      const leases = redisLeases(url, { freshStore: 'trust', ...storeOptions });
      const election = createLeaderElection({
        resource: RESOURCE,
        candidateId: name,
        leases,
        leaseDurationMs: leaseMs,
        ...(renewIntervalMs !== undefined && { renewIntervalMs }),
      });
      const told: Told[] = [];
      election.events$.subscribe((event) => told.push({ event, at: performance.now() }));
      return { name, election, leases, told };
    });
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Starts members and waits until one leads and the others know it. */
  static async start(options: MembersOptions): Promise<Members> {
    const members = new Members(options);
    try {
      await Promise.all(members.all.map(({ election }) => election.start()));
      await members.settled();
      return members;
    } catch (error) {
      await members[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Who leads, once all others know. */
  settled(): Promise<Member> {
    return this.until('one leads and the others know', () => {
      const leader = this.leader;
      const known = this.all.every(({ election }) => election.currentLeader === leader?.election.candidateId);
      return known ? leader : null;
    });
  }

  get leader(): Member | null {
    return this.all.find(({ election }) => election.isLeader) ?? null;
  }

  /** When a member was last heard to say that it leads; a machine that stands still makes that no later. */
  lastLed(member: Member): number {
    return this.#lastLed.get(member) ?? -Infinity;
  }

  /** The first term with a larger token. */
  successorOf(token: bigint): Promise<Member> {
    return this.until('a later term begins', () => {
      const leader = this.leader;
      return leader !== null && (leader.election.term?.token ?? 0n) > token ? leader : null;
    });
  }

  /** Whoever leads by an answer of Redis that came after `since`. */
  leadsSince(since: number): Promise<Member> {
    const gained = ({ event, at }: Told) =>
      at > since && (event.type === 'renewed' || event.type === 'becameLeader');
    return this.until('somebody leads by a new answer', () =>
      this.all.find(({ election, told }) => election.isLeader && told.some(gained)),
    );
  }

  until<T>(what: string, fact: Parameters<typeof until<T>>[1]): Promise<T> {
    return until(what, fact, { withinMs: PATIENCE_MS, everyMs: 5 });
  }

  /** The first event of a kind that a member told after `since`. */
  told<T extends ElectionEvent['type']>(
    { name, told }: Member,
    type: T,
    { since = 0 }: { since?: number } = {},
  ): Promise<{ event: ElectionEvent & { type: T }; at: number }> {
    type Wanted = { event: ElectionEvent & { type: T }; at: number };
    return this.until(`${name} tells ${type}`, () =>
      (told as Wanted[]).find(({ event, at }) => at >= since && event.type === type),
    );
  }

  /** Waits until the leader has renewed by a request that was sent after now. */
  async renewed(leader: Member): Promise<void> {
    // The first may have been on its way.
    for (const _ of ['first', 'second']) await this.told(leader, 'renewed', { since: performance.now() });
  }

  /** Ends all members, then holds what must always hold; returns how leaders followed each other. */
  async verdict(): Promise<readonly Succession[]> {
    const records: JournalRecord[] = [];
    await this.#stop();
    for (const { election } of this.all)
      for await (const record of election.journal.export()) records.push(record);
    const beliefs = beliefsOf(records);
    expect(overlapsOf(beliefs)).toEqual([]);
    expect(this.#doubles).toBe(0);
    const tokens = beliefs.map(({ token }) => BigInt(token));
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
    return successionsOf(beliefs);
  }

  /** Beliefs that overlapped, for faults against which nothing protects. */
  async overlaps(): Promise<readonly { readonly forMs: number }[]> {
    await this.#stop();
    const records: JournalRecord[] = [];
    for (const { election } of this.all)
      for await (const record of election.journal.export()) records.push(record);
    return overlapsOf(beliefsOf(records));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  #sample(): void {
    // Before they are asked: they may say less as time passes, never more.
    const at = performance.now();
    const leaders = this.all.filter(({ election }) => election.isLeader);
    for (const leader of leaders) this.#lastLed.set(leader, at);
    if (leaders.length > 1) this.#doubles += 1;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#sampling);
    // Those that follow first: none takes over on the way out.
    const ordered = this.all.toSorted((a, b) => Number(a.election.isLeader) - Number(b.election.isLeader));
    for (const { election } of ordered) await election.stop();
    await Promise.all(this.all.map(({ leases }) => leases.close()));
  }
}

/** The token of the term a member is in. */
export function tokenOf({ election, name }: Member): bigint {
  const { term } = election;
  if (term === null) throw new Error(`${name} does not lead.`);
  return term.token;
}

/** Members that each reach the server through a proxy of their own, to which anything may happen. */
export async function startApart(
  server: { readonly port: number },
  options: Omit<MembersOptions, 'urls'> = {},
) {
  await using starting = new AsyncDisposableStack();
  const proxies: TcpProxy[] = [];
  for (let n = 0; n < (options.members ?? 3); n += 1) proxies.push(starting.use(await startProxy(server)));
  const members = starting.use(await Members.start({ ...options, urls: proxies.map(({ url }) => url) }));
  const linkOf = (member: Member) => proxies[members.all.indexOf(member)] as TcpProxy;
  const owned = starting.move();
  return { members, linkOf, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
