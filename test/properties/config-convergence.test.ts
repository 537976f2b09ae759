/** Members that share a configuration, and everything that can befall them but an end of the world. */
import { fc, test } from '@fast-check/vitest';
import { Observable } from 'rxjs';
import { describe, expect } from 'vitest';
import { configReloadMachine } from '../../machines/index.ts';
import { type ConfigReload, createConfigReload } from '../../src/config.ts';
import { headOf } from '../../src/config/head.ts';
import type { HeadStore } from '../../src/config/head-store.ts';
import { memoryHead } from '../../src/config/memory-head.ts';
import { type LeaderElection, createLeaderElection, memoryJournal, memoryLeases } from '../../src/index.ts';
import { replay } from '../../src/journal/index.ts';
import { type NodeClock, VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { type Config, MemorySource, schema, shaOf } from '../machines/config-handle-members.ts';
import { elapse, settle } from '../machines/elapse.ts';

type Link = 'fine' | 'away' | 'silent' | 'no hints' | 'replies lost';

type Action =
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'edit'; readonly who: number; readonly port: number }
  | { readonly do: 'garble' | 'crash' | 'restart' | 'rollback' | 'reload'; readonly who: number }
  | { readonly do: 'link'; readonly who: number; readonly link: Link }
  | { readonly do: 'lose data' | 'remember' | 'fail over' };

const MEMBERS = 3;
const RUNS = Number(process.env['RUNS'] ?? 25);
/** No handler takes this one. */
const BAD_PORT = 13;
const GOOD = { port: 4711 };
const NONE = { signal: new AbortController().signal };

const who = fc.integer({ min: 0, max: MEMBERS - 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12_000 }).map((ms): Action => ({ do: 'advance', ms })) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      who,
      port: fc.constantFrom(1, 2, 3, BAD_PORT),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ do: fc.constantFrom('garble', 'crash', 'restart', 'rollback', 'reload'), who })
      .map((step): Action => step as Action),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('link' as const),
      who,
      link: fc.constantFrom<Link>('fine', 'away', 'silent', 'no hints', 'replies lost'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Action>({ do: 'lose data' }, { do: 'remember' }, { do: 'fail over' }),
  },
);

/** Three members of the shipped handle over one store, each behind a link that goes wrong on demand. */
class Cluster {
  readonly clock = new VirtualClock();
  readonly store = memoryHead({ clock: this.clock });
  readonly journal = memoryJournal();
  readonly #leases = memoryLeases({ clock: this.clock });
  readonly #files = Array.from({ length: MEMBERS }, () => new MemorySource().write({ port: 1 }));
  readonly #links: Link[] = [];
  readonly nodes: NodeClock[] = [];
  readonly members: (ConfigReload<Config> | null)[] = [];
  readonly streams: string[] = [];
  readonly #elections: (LeaderElection | null)[] = [];
  #remembered: readonly [head: string | null, history: string | null] = [null, null];
  readonly broken: string[] = [];

  async start(): Promise<void> {
    for (let i = 0; i < MEMBERS; i += 1) this.#join(i);
    await this.advance(20_000);
  }

  #join(i: number): void {
    const clock = this.clock.node();
    const election = createLeaderElection({
      resource: 'config',
      leases: this.#leases,
      clock,
      candidateId: `m${i}`,
    });
    const refused = new Set<number>();
    const reload = createConfigReload<Config>({
      source: this.#files[i] as MemorySource,
      schema,
      clock,
      election,
      journal: this.journal,
      store: this.#linked(i),
      memberId: `m${i}`,
      timings: { healthMs: 1000 },
      handlers: [
        {
          name: 'port',
          prepare: ({ port }) => {
            if (port === BAD_PORT) {
              refused.add(port);
              throw new Error('not this port');
            }
            return { commit() {} };
          },
        },
      ],
    });
    reload.on('applied', () => {
      if (refused.has(reload.current.port)) this.broken.push(`m${i} applied what it had rejected`);
    });
    this.nodes[i] = clock;
    this.#links[i] = 'fine';
    this.members[i] = reload;
    this.#elections[i] = election;
    this.streams.push(reload.journal.stream);
    void election.start();
    reload.start().catch(() => {});
  }

  #linked(i: number): HeadStore {
    const { store } = this;
    const link = () => this.#links[i] as Link;
    const through = async <R>(call: () => Promise<R>): Promise<R> => {
      if (link() === 'away') throw new Error('no route');
      if (link() === 'silent') return new Promise<R>(() => {});
      const result = await call();
      if (link() === 'replies lost') throw new Error('connection reset');
      return result;
    };
    return {
      ...store,
      head: () => through(() => store.head(NONE)),
      history: () => through(() => store.history(NONE)),
      swap: (change) => through(() => store.swap(change, NONE)),
      content: (sha) => through(() => store.content(sha, NONE)),
      keep: (sha, text) => through(() => store.keep(sha, text, NONE)),
      report: (member, text, forMs) => through(() => store.report(member, text, forMs, NONE)),
      reports: () => through(() => store.reports(NONE)),
      call: () => through(() => store.call(NONE)),
      watch: () =>
        new Observable((subscriber) =>
          store.watch().subscribe((hint) => {
            if (link() === 'fine') subscriber.next(hint);
          }),
        ),
    };
  }

  advance(ms: number): Promise<void> {
    return elapse(this.clock, ms);
  }

  async take(step: Action): Promise<void> {
    const member = 'who' in step ? (this.members[step.who] ?? null) : null;
    switch (step.do) {
      case 'advance':
        return this.advance(step.ms);
      case 'edit':
        this.#files[step.who]?.write({ port: step.port });
        return undefined;
      case 'garble':
        this.#files[step.who]?.write('{"port": ');
        return undefined;
      case 'crash':
        this.nodes[step.who]?.clearAll();
        this.nodes[step.who]?.pause();
        this.#links[step.who] = 'silent';
        this.members[step.who] = null;
        return undefined;
      case 'restart':
        if (this.members[step.who] === null) this.#join(step.who);
        return undefined;
      case 'rollback':
        member?.rollback().catch(() => {});
        return undefined;
      case 'reload':
        member?.reload().catch(() => {});
        return undefined;
      case 'link':
        if (this.members[step.who]) this.#links[step.who] = step.link;
        return undefined;
      case 'lose data':
        this.store.loseData();
        return undefined;
      case 'remember':
        this.#remembered = [await this.store.head(NONE), await this.store.history(NONE)];
        return undefined;
      case 'fail over':
        return this.#failOver();
    }
  }

  /** What was moved since it was remembered is lost. */
  async #failOver(): Promise<void> {
    const [head, history] = this.#remembered;
    if (head === null) return;
    const lost = { head, history: history ?? '[]', audit: '{}', content: null, drop: [] };
    await this.store.swap({ before: await this.store.head(NONE), ...lost }, NONE);
  }

  /** `current` is complete at any time, if there is one. */
  check(): void {
    for (const member of this.members) {
      if (member === null || member.status().generation === null) continue;
      expect(schema.safeParse(member.current).success).toBe(true);
      expect(member.current.port).not.toBe(BAD_PORT);
    }
    expect(this.broken).toEqual([]);
  }

  heal(): void {
    for (let i = 0; i < MEMBERS; i += 1) {
      if (this.members[i] === null) this.#join(i);
      this.#links[i] = 'fine';
    }
  }

  /** What the head says is in force everywhere, or known to be rejected. */
  async checkConverged(): Promise<void> {
    const head = headOf(await this.store.head(NONE));
    for (const member of this.members) {
      const status = member?.status();
      const at = { generation: status?.generation, sha: status?.sha };
      const wanted = head && { generation: head.generation, sha: head.sha };
      if (status?.rejected?.sha !== wanted?.sha) expect(at).toEqual(wanted);
    }
  }

  editLeaders(content: Config | typeof GOOD): void {
    for (const [i, election] of this.#elections.entries())
      if (election?.isLeader) this.#files[i]?.write(content);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.resume();
    const stopped = Promise.all([
      ...this.members.map((each) => each?.stop()),
      ...this.#elections.map((each) => each?.stop()),
    ]);
    await this.advance(300_000);
    await stopped;
  }
}

describe('whatever befalls three members that share a configuration, and their store', () => {
  test.prop([fc.array(action, { minLength: 5, maxLength: 30 })], { numRuns: RUNS, endOnFailure: true })(
    'none applies what it rejected, each has a complete one, all end on one (generation, sha), and their journals replay',
    async (actions) => {
      const cluster = new Cluster();
      await cluster.start();
      try {
        for (const step of actions) {
          await cluster.take(step);
          await settle();
          cluster.check();
        }
        cluster.heal();
        // A crashed leader's lease, a missing head, the polls, the sweeps.
        await cluster.advance(120_000);
        cluster.check();
        await cluster.checkConverged();
        cluster.editLeaders(GOOD);
        await cluster.advance(30_000);
        const head = headOf(await cluster.store.head(NONE));
        expect(head?.sha).toBe(shaOf(GOOD));
        for (const member of cluster.members)
          expect(member?.status()).toMatchObject({ generation: head?.generation, sha: head?.sha });
      } finally {
        await cluster.stop();
      }
      for (const stream of cluster.streams) {
        const result = await replay(cluster.journal.read(stream), configReloadMachine);
        expect(result.divergence).toBeNull();
      }
    },
  );
});
