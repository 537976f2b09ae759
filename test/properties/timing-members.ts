import { merge, type Observable, Subject } from 'rxjs';
import { expect } from 'vitest';
import { DRIFT_FACTOR, GUARD_MIN_MS } from '../../machines/index.ts';
import {
  createLeaderElection,
  type LeaderElection,
  type LeaderElectionOptions,
  type LeaseSignal,
  type LeaseStore,
  memoryLeases,
} from '../../src/index.ts';
import { type NodeClock, type NodeClockOptions, VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Random } from '../../src/simulation/random.ts';

/**
 * Members of the shipped handle over a store whose every message can be held up to the millisecond, on clocks that are
 * off as a test wants them. At each instant it is checked what must hold at each instant.
 */

export const LEASE = 3000;
/** How long a member may believe, with such a lease, after it sent what was then confirmed. */
export const beliefMs = (leaseMs: number) => leaseMs / DRIFT_FACTOR - GUARD_MIN_MS;

/** What happens to one call. Lost is what never arrives. */
export interface Passage {
  readonly requestMs?: number;
  readonly replyMs?: number;
  readonly lost?: 'request' | 'reply';
}

export interface MemberOptions extends Partial<LeaderElectionOptions> {
  readonly clocks?: NodeClockOptions;
  /** Of the n-th call (from 0) of this kind. */
  readonly passage?: (kind: 'acquire' | 'renew' | 'release', n: number) => Passage;
}

export interface Member {
  readonly election: LeaderElection;
  readonly node: NodeClock;
  /** May be changed at any time. */
  passage: NonNullable<MemberOptions['passage']>;
  /** Its hints come back: whatever it waits for, it asks now. */
  readonly nudge: () => void;
  /** Until when, by its own clock, what was confirmed to it lets it believe. */
  provenUntil: number;
  /** How many terms began and ended. */
  began: number;
  lost: number;
}

const never = <T>(): Promise<T> => new Promise(() => {});

/** Lets everything that needs no time happen. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A store whose data can be lost. */
export interface TimingLeases extends LeaseStore {
  loseData(): void;
}

export class Timing implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly leases: TimingLeases;
  readonly members: Member[] = [];
  readonly tokens: bigint[] = [];
  #healing = false;

  /** @param seed Of the order among what is due at the same instant. */
  constructor(
    seed = 1,
    makeLeases: (clock: VirtualClock) => TimingLeases = (clock) => memoryLeases({ clock }),
  ) {
    this.clock = new VirtualClock({ seed });
    this.leases = makeLeases(this.clock);
  }

  /** The one that believes, or undefined. */
  get leader(): Member | undefined {
    return this.members.find(({ election }) => election.isLeader);
  }

  async join({ clocks = {}, passage = () => ({}), ...options }: MemberOptions = {}): Promise<Member> {
    const node = this.clock.node(clocks);
    const n = this.members.length;
    const gaps = new Subject<LeaseSignal>();
    const nudge = () => gaps.next({ kind: 'gap', resource: 'r' });
    const partial = { node, passage, nudge, provenUntil: -Infinity, began: 0, lost: 0 };
    const member: Member = Object.assign(partial, {
      election: createLeaderElection({
        resource: 'r',
        candidateId: `m${n}`,
        leases: this.#through(() => member, gaps),
        clock: node,
        randomness: new Random(`m${n}`),
        leaseDurationMs: LEASE,
        renewIntervalMs: LEASE / 3,
        ...options,
      }),
    });
    member.election.on('becameLeader', ({ token }) => {
      member.began += 1;
      this.tokens.push(token);
    });
    member.election.on('lostLeadership', () => (member.lost += 1));
    this.members.push(member);
    await member.election.start();
    return member;
  }

  /** Moves true time on, looking at every instant on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.nowMs + ms;
    for (;;) {
      await settled();
      this.check();
      const next = this.clock.nextMs;
      if (next === null || next > end) break;
      this.clock.runNext();
      // Before anything else has run: as an application would see it in the very same turn.
      this.check();
    }
    this.clock.runUntil(end);
    this.check();
  }

  /** Moves time on until it is so; fails after `withinMs`. */
  async until(what: () => boolean, withinMs = 4 * LEASE): Promise<void> {
    const end = this.clock.nowMs + withinMs;
    while (!what()) {
      expect(this.clock.nowMs, 'waited for too long').toBeLessThan(end);
      await this.advance(Math.min(10, end - this.clock.nowMs));
    }
  }

  /** What holds at every instant. */
  check(): void {
    const believers = this.members.filter(({ election }) => election.isLeader);
    expect(believers.length, `two believe at ${this.clock.nowMs}`).toBeLessThan(2);
    for (const { election, node, provenUntil } of believers)
      expect(node.monotonicMs(), `${election.candidateId} believes`).toBeLessThanOrEqual(provenUntil);
    for (const [n, token] of this.tokens.entries())
      if (n > 0) expect(token).toBeGreaterThan(this.tokens[n - 1] as bigint);
  }

  /** All is well, and stays so. */
  heal(): void {
    this.#healing = true;
    for (const { node, election } of this.members) {
      node.resume();
      election.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    const stopped = Promise.all(this.members.map(({ election }) => election.stop()));
    await this.advance(6 * LEASE);
    await stopped;
    expect(this.clock.pending).toBe(0);
  }

  #through(member: () => Member, gaps: Observable<LeaseSignal>): LeaseStore {
    const { leases, clock } = this;
    const counts = { acquire: 0, renew: 0, release: 0 };
    const wait = (ms: number) =>
      ms > 0 ? new Promise<void>((resolve) => void clock.setTimeout(resolve, ms)) : Promise.resolve();
    const call = async <R>(
      kind: 'acquire' | 'renew' | 'release',
      leaseMs: number,
      execute: () => Promise<R>,
    ): Promise<R> => {
      const {
        requestMs = 0,
        replyMs = 0,
        lost,
      } = this.#healing ? {} : member().passage(kind, counts[kind]++);
      const { node } = member();
      const sentAt = node.monotonicMs();
      if (lost === 'request') return never();
      await wait(requestMs);
      const reply = await execute();
      if (lost === 'reply') return never();
      await wait(replyMs);
      // A frozen process reads its replies when it goes on.
      if (node.paused) await new Promise<void>((resolve) => void node.setTimeout(resolve, 0));
      const confirms = ['won', 'renewed'].includes((reply as { readonly kind?: string }).kind ?? '');
      if (confirms) member().provenUntil = Math.max(member().provenUntil, sentAt + beliefMs(leaseMs));
      return reply;
    };
    const { signal } = new AbortController();
    return {
      acquire: (request) => call('acquire', request.leaseMs, () => leases.acquire(request, { signal })),
      renew: (request) => call('renew', request.leaseMs, () => leases.renew(request, { signal })),
      release: (request) => call('release', 0, () => leases.release(request, { signal })),
      read: (resource, options) => leases.read(resource, options),
      watch: (resource) => merge(leases.watch(resource), gaps),
      describe: () => leases.describe(),
      close: () => leases.close(),
      [Symbol.asyncDispose]: () => leases.close(),
    };
  }
}
