import type { VirtualClock } from '../runtime/virtual-clock.ts';
import type { Random } from './random.ts';
import { type DataSet, type Entry, LaggingCopy, RedisServer, refusal } from './redis-model-server.ts';

/**
 * A primary, its replicas, and who talks to which of them: asynchronous replication, failover that loses the tail,
 * and an old primary that lives on beside the new one for those who still reach it.
 */

/** How writes are protected against a failover. */
export type Protection = 'none' | 'wait' | 'min-replicas';
/** What a restart brings back. */
export type Persistence = 'none' | 'every-second' | 'always';

export interface GroupOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly leaseMs: number;
  readonly replicas: number;
  readonly protection: Protection;
  readonly persistence: Persistence;
  readonly sometimes: (what: string) => void;
}

interface Replica {
  readonly server: RedisServer;
  copy: LaggingCopy;
  lagMs: number;
  /** True time since which it hears nothing from the primary; null while it does. */
  cutSinceMs: number | null;
}

/** A primary that was replaced and has not noticed yet. */
interface Isolated {
  readonly server: RedisServer;
  /** Whether this member still reaches it, and not the others. */
  readonly reaches: (member: string) => boolean;
  /** Whether another has taken its place already. */
  deposed: boolean;
}

const RATE_PPM = 5000;
const SECOND_MS = 1000;

export class RedisGroup {
  primary: RedisServer;
  /** A replica that hears nothing for longer does not count (`min-replicas-max-lag`). */
  readonly maxLagMs: number;
  #replicas: Replica[] = [];
  #isolated: Isolated | null = null;
  /** Members whose connection leads to a server that is no primary any more. */
  readonly #stale = new Set<string>();
  readonly #members = new Set<string>();
  readonly #options: GroupOptions;
  readonly #steps = new Set<() => void>();
  #births = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.maxLagMs = options.leaseMs / 10;
    this.primary = this.#born();
    for (let n = 0; n < options.replicas; n += 1) this.#join(this.#born());
  }

  get hasReplicas(): boolean {
    return this.#replicas.length > 0;
  }

  /** Whether no failover is under way. */
  get isSettled(): boolean {
    return this.#steps.size === 0;
  }

  /** Whether some writes may be taken by a server that is not the primary any more. */
  isDeposed(server: RedisServer): boolean {
    return this.#isolated?.server === server && this.#isolated.deposed;
  }

  get servers(): readonly RedisServer[] {
    return [this.primary, ...this.#replicas.map(({ server }) => server)];
  }

  /** @throws StoreUnavailableError if this member's connection leads nowhere */
  reached(member: string): RedisServer {
    this.#members.add(member);
    const isolated = this.#isolated;
    if (isolated?.reaches(member) === true) return isolated.server;
    if (this.#stale.delete(member))
      throw refusal(`${member}: READONLY You can't write against a read only replica`);
    if (isolated !== null && !isolated.deposed) throw refusal(`${this.primary.identity.name}: no route`);
    return this.primary;
  }

  /** @throws StoreUnavailableError where too few replicas are there to take a write */
  assertReplicas(server: RedisServer, nowMs: number): void {
    if (this.#options.protection !== 'min-replicas' || this.#options.replicas === 0) return;
    const good = this.#following(server).some(
      ({ cutSinceMs }) => cutSinceMs === null || nowMs - cutSinceMs <= this.maxLagMs,
    );
    if (good) return;
    this.#options.sometimes('no-replicas');
    throw refusal(`${server.identity.name}: NOREPLICAS Not enough good replicas to write`);
  }

  /** Passes a write on to whatever follows this server. */
  replicate(server: RedisServer, resource: string, entry: Entry | null): void {
    const nowMs = this.#options.clock.nowMs;
    const { persistence } = this.#options;
    if (persistence !== 'none') {
      const dueMs = persistence === 'always' ? nowMs : Math.ceil(nowMs / SECOND_MS) * SECOND_MS;
      server.disk.follow(resource, entry, dueMs);
      server.disk.catchUp(nowMs);
    }
    for (const { copy, lagMs, cutSinceMs } of this.#following(server)) {
      if (cutSinceMs !== null) continue;
      copy.follow(resource, entry, nowMs + lagMs);
      copy.catchUp(nowMs);
    }
  }

  /** @throws StoreUnavailableError if a write that was executed is on no other server */
  awaitReplicas(server: RedisServer): void {
    if (this.#options.protection !== 'wait' || this.#options.replicas === 0) return;
    const heard = this.#following(server).filter(({ cutSinceMs }) => cutSinceMs === null);
    for (const { copy } of heard) copy.catchUp(Infinity);
    if (heard.length > 0) return;
    this.#options.sometimes('unacknowledged');
    throw refusal(`${server.identity.name}: 0 replicas took the write, 1 is asked for`, true);
  }

  /** The primary dies; a replica follows, with what it had by then. */
  crash(failoverMs: number, rejoinMs: number): void {
    const old = this.primary;
    old.suffer('down', Infinity);
    const copies = this.#frozenCopies();
    this.#after(failoverMs, () => {
      this.#promote(copies);
      this.#after(rejoinMs, () => this.#demote(old));
    });
  }

  /** Replicas and some members lose sight of the primary, which goes on for the others. */
  isolate(draw: Random, failoverMs: number, forMs: number): void {
    if (this.#isolated !== null) return;
    const server = this.primary;
    const planned = failoverMs === 0;
    const { nowMs } = this.#options.clock;
    if (planned) for (const { copy } of this.#replicas) copy.catchUp(Infinity);
    const copies = this.#frozenCopies();
    // A replica that leaves on purpose is missed at once, one that falls silent after a while.
    for (const replica of this.#replicas)
      replica.cutSinceMs = planned ? -Infinity : (replica.cutSinceMs ?? nowMs);
    this.#isolated = {
      server,
      deposed: false,
      reaches: (member) => draw.fork(member).chance(0.5),
    };
    this.#options.sometimes('primary-isolated');
    this.#after(failoverMs, () => {
      if (this.#isolated) this.#isolated.deposed = true;
      this.#promote(copies);
      this.#after(forMs, () => this.#demote(server));
    });
  }

  /** The primary starts anew with what its disk has, or with nothing. */
  restart(empty: boolean): void {
    const { primary } = this;
    const { nowMs } = this.#options.clock;
    if (empty) primary.disk = new LaggingCopy();
    primary.disk.catchUp(nowMs);
    primary.data = new Map(primary.disk.take());
    primary.scripted = false;
    primary.identity.runId = this.#options.random.fork(`run/${(this.#births += 1)}`).id();
    for (const replica of this.#replicas) this.#follow(replica);
  }

  cutReplicas(forMs: number): void {
    const { clock } = this.#options;
    for (const replica of this.#replicas) {
      if (replica.cutSinceMs !== null) continue;
      const since = (replica.cutSinceMs = clock.nowMs);
      clock.setTimeout(() => {
        if (this.#isolated === null && replica.cutSinceMs === since) this.#follow(replica);
      }, forMs);
    }
  }

  slowReplicas(lagMs: number): void {
    for (const replica of this.#replicas) replica.lagMs = lagMs;
  }

  /** Everything under way comes to its end now; all replicas follow. */
  heal(): void {
    // The first step of a failover leaves a second.
    for (let rounds = 0; rounds < 2; rounds += 1) for (const step of this.#steps.values().toArray()) step();
    for (const server of this.servers) server.recover();
    for (const replica of this.#replicas) this.#follow(replica);
  }

  /** What each replica has at this moment, when it hears of the primary no more. */
  #frozenCopies(): ReadonlyMap<RedisServer, DataSet> {
    const { clock, sometimes } = this.#options;
    const copies = new Map<RedisServer, DataSet>();
    for (const { server, copy, cutSinceMs } of this.#replicas) {
      if (copy.catchUp(clock.nowMs) > 0 || cutSinceMs !== null) sometimes('tail-lost');
      copies.set(server, copy.take());
    }
    return copies;
  }

  #following(server: RedisServer): readonly Replica[] {
    return server === this.primary ? this.#replicas : [];
  }

  #promote(copies: ReadonlyMap<RedisServer, DataSet>): void {
    const [chosen, ...others] = this.#replicas.filter(({ server }) => copies.has(server));
    if (chosen === undefined) return;
    this.#options.sometimes('failover');
    const { server } = chosen;
    server.data = new Map(copies.get(server));
    server.disk = new LaggingCopy(server.data);
    server.identity.replicationId = this.#options.random.fork(`epoch/${(this.#births += 1)}`).id();
    this.primary = server;
    this.#replicas = others;
    for (const replica of others) this.#follow(replica);
  }

  #demote(server: RedisServer): void {
    if (server === this.primary) return;
    const isolated = this.#isolated;
    if (isolated?.server === server) {
      for (const member of this.#members) if (isolated.reaches(member)) this.#stale.add(member);
      this.#isolated = null;
    }
    server.recover();
    server.data = new Map();
    if (!this.#replicas.some((replica) => replica.server === server)) this.#join(server);
  }

  /** From the beginning: a full resynchronisation. */
  #follow(replica: Replica): void {
    replica.copy = new LaggingCopy(this.primary.data);
    replica.cutSinceMs = null;
    replica.server.identity.replicationId = this.primary.identity.replicationId;
  }

  #join(server: RedisServer): void {
    const lagMs = this.#options.random.fork(`lag/${server.identity.name}`).exponential(2);
    const replica = { server, copy: new LaggingCopy(), lagMs, cutSinceMs: null };
    this.#replicas.push(replica);
    this.#follow(replica);
  }

  #born(): RedisServer {
    const n = (this.#births += 1);
    const random = this.#options.random.fork(`server/${n}`);
    const driftPpm = random.between(-RATE_PPM, RATE_PPM);
    // Clocks of servers agree to within much less than a lease, as any time synchronisation achieves.
    const offsetMs = random.between(-1, 1) * Math.min(500, this.#options.leaseMs / 20);
    const clock = this.#options.clock.node({ driftPpm, offsetMs });
    return new RedisServer({ name: `redis-${n}`, clock, runId: random.id(), replicationId: 'origin' });
  }

  #after(ms: number, step: () => void): void {
    const { clock } = this.#options;
    const once = () => {
      clock.clearTimeout(timer);
      if (this.#steps.delete(once)) step();
    };
    const timer = clock.setTimeout(once, ms);
    this.#steps.add(once);
  }
}
