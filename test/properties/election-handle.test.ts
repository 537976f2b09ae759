import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createLeaderElection, type LeaderElection, type LeaseStore, memoryLeases } from '../../src/index.ts';
import { type NodeClock, VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse, settle } from '../machines/elapse.ts';

/** What happens to the next calls of a member to the store. */
type Link = 'fine' | 'request lost' | 'reply lost' | { readonly delayMs: number };

type Action =
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'freeze' | 'thaw' | 'resign' | 'restart' | 'pause' | 'resume'; readonly who: number }
  | { readonly do: 'link'; readonly who: number; readonly link: Link }
  | { readonly do: 'jump'; readonly who: number; readonly ms: number }
  | { readonly do: 'configure'; readonly who: number; readonly leaseMs: number }
  | { readonly do: 'lose data' };

const LEASE = 3000;
const MEMBERS = 3;
const RUNS = Number(process.env['RUNS'] ?? 30);

const who = fc.integer({ min: 0, max: MEMBERS - 1 });
const link = fc.oneof(
  fc.constantFrom<Link>('fine', 'request lost', 'reply lost'),
  fc.integer({ min: 1, max: 2 * LEASE }).map((delayMs): Link => ({ delayMs })),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: LEASE }).map((ms): Action => ({ do: 'advance', ms })) },
  {
    weight: 4,
    arbitrary: fc
      .record({ do: fc.constantFrom('freeze', 'thaw', 'resign', 'restart', 'pause', 'resume'), who })
      .map((step): Action => step as Action),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('link' as const), who, link }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      who,
      ms: fc.integer({ min: -10 * LEASE, max: 10 * LEASE }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('configure' as const),
      who,
      leaseMs: fc.integer({ min: 1000, max: 4 * LEASE }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'lose data' }) },
);

const never = <T>(): Promise<T> => new Promise(() => {});

/** Three members of the shipped handle, each behind a link and a clock of its own that go wrong on demand. */
class Cluster {
  readonly clock = new VirtualClock();
  readonly #leases = memoryLeases({ clock: this.clock, freshStore: 'wait' });
  readonly nodes: NodeClock[] = [];
  readonly members: LeaderElection[] = [];
  readonly links: Link[] = [];
  readonly tokens: bigint[] = [];
  readonly #all: LeaderElection[] = [];

  async start(drifts: readonly number[]): Promise<void> {
    for (const [i, driftPpm] of drifts.entries()) {
      this.nodes[i] = this.clock.node({ driftPpm, offsetMs: i * 60_000 });
      this.links[i] = 'fine';
      await this.#join(i);
    }
  }

  async #join(i: number): Promise<void> {
    const member = createLeaderElection({
      resource: 'r',
      candidateId: `m${i}`,
      leases: this.#through(i),
      clock: this.nodes[i] as NodeClock,
      leaseDurationMs: LEASE,
      renewIntervalMs: 1000,
    });
    member.on('becameLeader', ({ token }) => this.tokens.push(token));
    this.members[i] = member;
    this.#all.push(member);
    await member.start();
  }

  #through(i: number): LeaseStore {
    const store = this.#leases;
    const call = async <R>(execute: () => Promise<R>): Promise<R> => {
      const state = this.links[i] as Link;
      if (state === 'request lost') return never();
      if (typeof state === 'object') await this.#wait(state.delayMs);
      const reply = await execute();
      if (this.links[i] === 'reply lost') return never();
      if (typeof state === 'object') await this.#wait(state.delayMs);
      // A frozen process reads its replies when it thaws.
      const node = this.nodes[i] as NodeClock;
      if (node.paused) await new Promise<void>((resolve) => void node.setTimeout(resolve, 0));
      return reply;
    };
    return {
      acquire: (...args) => call(() => store.acquire(...args)),
      renew: (...args) => call(() => store.renew(...args)),
      release: (...args) => call(() => store.release(...args)),
      read: (...args) => store.read(...args),
      watch: (resource) => store.watch(resource),
      describe: () => store.describe(),
      close: () => store.close(),
      [Symbol.asyncDispose]: () => store.close(),
    };
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimeout(resolve, ms));
  }

  /** Moves time, looking at every deadline on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.nowMs + ms;
    for (;;) {
      await settle();
      this.check();
      if (this.clock.nextMs === null || this.clock.nextMs > end) break;
      this.clock.runNext();
      this.check();
    }
    this.clock.runUntil(end);
    this.check();
  }

  check(): void {
    const believers = this.#all.filter((member) => member.isLeader).map((member) => member.candidateId);
    expect(believers.length, `${believers.join(' and ')} believe at ${this.clock.nowMs}`).toBeLessThan(2);
  }

  async take(step: Action): Promise<void> {
    switch (step.do) {
      case 'advance':
        return this.advance(step.ms);
      case 'freeze':
        return this.nodes[step.who]?.pause();
      case 'thaw':
        return this.nodes[step.who]?.resume();
      case 'resign':
        return void this.members[step.who]?.resign();
      case 'pause':
        return this.members[step.who]?.pause();
      case 'resume':
        return this.members[step.who]?.resume();
      case 'restart':
        void this.members[step.who]?.stop();
        return this.#join(step.who);
      case 'link':
        this.links[step.who] = step.link;
        return;
      case 'configure':
        return this.members[step.who]?.configure({ leaseDurationMs: step.leaseMs });
      case 'jump':
        return this.nodes[step.who]?.jumpWall(step.ms);
      case 'lose data':
        return this.#leases.loseData();
    }
  }

  /** Everything works again. */
  heal(): void {
    for (const [i, node] of this.nodes.entries()) {
      node.resume();
      this.links[i] = 'fine';
      this.members[i]?.resume();
    }
  }

  async stop(): Promise<void> {
    this.heal();
    const stopped = Promise.all(this.#all.map((member) => member.stop()));
    await elapse(this.clock, 12 * LEASE);
    await stopped;
  }
}

const drift = fc.integer({ min: -5000, max: 5000 });

describe('whatever three members, their clocks and their links do', () => {
  test.prop([fc.tuple(drift, drift, drift), fc.array(action, { minLength: 5, maxLength: 40 })], {
    numRuns: RUNS,
    endOnFailure: true,
  })(
    'at no moment do two believe that they lead, tokens grow, and once all is well one leads',
    async (drifts, actions) => {
      const cluster = new Cluster();
      await cluster.start(drifts);
      try {
        for (const step of actions) {
          await cluster.take(step);
          await settle();
          cluster.check();
        }
        cluster.heal();
        await cluster.advance(16 * LEASE);
        expect(cluster.members.filter((member) => member.isLeader)).toHaveLength(1);
        expect(cluster.tokens.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(cluster.tokens);
        expect(new Set(cluster.tokens).size).toBe(cluster.tokens.length);
      } finally {
        await cluster.stop();
      }
    },
  );
});
