import { Subject } from 'rxjs';
import type { StoreMoment } from '../lease/lease-protocol.ts';
import { recordsEqual, viewOf, type LeaseRecord } from '../lease/lease-record.ts';
import { signalBetween } from '../lease/lease-signal.ts';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseSignal,
  LeaseStoreDescription,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../lease/lease-store.ts';
import { redisFaults, redisFaultsReached } from './redis-model-faults.ts';
import { type Persistence, type Protection, RedisGroup } from './redis-model-group.ts';
import { LimitWatch } from './redis-model-limit.ts';
import type { Entry, RedisServer } from './redis-model-server.ts';
import type {
  StoreCall,
  StoreFault,
  StoreKind,
  StoreLimit,
  StoreModel,
  StoreModelOptions,
  StoreReply,
} from './simulated-store.ts';

/**
 * Redis as leases see it. What it promises to those who simulate: each call decides by the protocol it is given, over
 * the one record that this server has now, by this server's clock and under the identity of its data; what may befall
 * such servers, befalls it. It knows nothing of the network between members and servers, which belongs to others.
 */
export interface RedisModelOptions extends StoreModelOptions {
  /** Default drawn, where the protection needs any. */
  readonly replicas?: number;
  readonly protection?: Protection;
  readonly persistence?: Persistence;
  /** Default `wait`, as the shipped store has it. */
  readonly freshStore?: 'wait' | 'trust';
  readonly settleMs?: number;
}

export class RedisModel implements StoreModel {
  readonly faults: Readonly<Record<string, StoreFault>>;
  readonly signals = new Subject<LeaseSignal>();
  readonly description: LeaseStoreDescription;
  readonly group: RedisGroup;
  readonly options: RedisModelOptions;
  /** Every resource anybody asked for. */
  readonly resources = new Set<string>();
  frozenUntilMs = 0;
  readonly #limits: LimitWatch;

  constructor(options: RedisModelOptions) {
    this.options = options;
    const { clock, random, leaseMs, sometimes, protection = 'none' } = options;
    const persistence = options.persistence ?? random.fork('disk').pick(PERSISTENCE);
    const replicas = options.replicas ?? 0;
    const servers = { protection, replicas, persistence };
    this.group = new RedisGroup({ clock, random: random.fork('group'), leaseMs, sometimes, ...servers });
    this.#limits = new LimitWatch(sometimes);
    this.faults = redisFaults(this);
    const caveats = protection === 'none' && replicas > 0 ? [FAILOVER_CAVEAT] : [];
    this.description = { kind: 'redis', location: 'simulated', scope: 'network', push: true, caveats };
  }

  get limit(): StoreLimit {
    return this.#limits.limit;
  }

  execute(call: StoreCall, from: string): StoreReply {
    const { resource } = call.request;
    this.resources.add(resource);
    const server = this.group.reached(from);
    const { nowMs } = this.options.clock;
    server.assertServes(call.kind, nowMs, (condition) => this.options.sometimes(`answered-${condition}`));
    if (call.kind === 'read') {
      const entry = server.data.get(resource);
      return entry === undefined ? null : viewOf(resource, entry.record, server.nowMs());
    }
    this.group.assertReplicas(server, nowMs);
    if (!server.scripted) {
      server.scripted = true;
      this.options.sometimes('script-loaded');
    }
    switch (call.kind) {
      case 'acquire':
        return this.#acquire(server, call.request);
      case 'renew':
        return this.#renew(server, call.request);
      case 'release':
        return this.#release(server, call.request);
    }
  }

  /** Removes or changes what a server holds, as an operator or an eviction does. */
  change(resource: string, entry: Entry | null): void {
    const server = this.group.primary;
    if (entry === null) server.data.delete(resource);
    else server.data.set(resource, entry);
    this.group.replicate(server, resource, entry);
  }

  /** Tells all who watch that the channel was down. */
  reconnected(): void {
    for (const resource of this.resources) this.signals.next({ kind: 'gap', resource });
  }

  heal(): void {
    this.frozenUntilMs = 0;
    this.group.heal();
    this.reconnected();
  }

  #acquire(server: RedisServer, ask: AcquireRequest): AcquireReply {
    const before = server.data.get(ask.resource) ?? null;
    const moment = this.#moment(server);
    const { reply, record } = this.options.protocol.acquire(before?.record ?? null, ask, moment);
    this.#limits.acquired(server, before, { ask, reply, nowMs: this.options.clock.nowMs });
    this.options.sometimes(reply.kind);
    if (reply.kind === 'won') {
      const { token = 0n, highest = 0n } = before?.record ?? {};
      const known = [token, highest, ask.seen].reduce((a, b) => (b > a ? b : a));
      this.#limits.granted(reply.token, { floor: moment.tokenFloor, known, nowMs: this.options.clock.nowMs });
    }
    this.#store(server, ask.resource, record, reply.kind === 'won' || (before?.mirror ?? false));
    if (reply.kind === 'won') this.#count(server, ask.leaseMs, reply.token);
    return reply;
  }

  #renew(server: RedisServer, ask: RenewRequest): RenewReply {
    const before = server.data.get(ask.resource) ?? null;
    if (before !== null && this.#freedByHand(server, before, ask)) {
      this.options.sometimes('freed-by-hand');
      return { kind: 'denied', holder: null, token: ask.token };
    }
    const { reply, record } = this.options.protocol.renew(before?.record ?? null, ask, this.#moment(server));
    this.options.sometimes(reply.kind === 'denied' ? 'denied' : reply.restored ? 'restored' : 'renewed');
    this.#store(server, ask.resource, record, reply.kind === 'renewed' || (before?.mirror ?? false));
    if (reply.kind === 'renewed') this.#count(server, ask.leaseMs, ask.token);
    return reply;
  }

  #release(server: RedisServer, ask: ReleaseRequest): ReleaseReply {
    const before = server.data.get(ask.resource) ?? null;
    const { reply, record } = this.options.protocol.release(
      before?.record ?? null,
      ask,
      this.#moment(server),
    );
    if (reply.released) this.options.sometimes('released');
    this.#store(server, ask.resource, record, !reply.released && (before?.mirror ?? false));
    return reply;
  }

  /**
   * The mirror is gone although its time was not up: somebody wants this leader to stop. It is told so and no more:
   * were the lease given away in the same step, another could lead before this one has heard of it.
   */
  #freedByHand(server: RedisServer, { record, mirror }: Entry, { id, token }: RenewRequest): boolean {
    const stands = record.loss === null && record.incarnation === server.incarnation;
    const matches = record.holder === id && record.token === token;
    return stands && matches && !mirror && record.expiresAt > server.nowMs();
  }

  /** A write that counts: on enough servers, or on one that may be beside the point by now. */
  #count(server: RedisServer, leaseMs: number, token: bigint): void {
    this.group.awaitReplicas(server);
    if (this.group.isDeposed(server)) this.#limits.deposedWrote(leaseMs, token, this.options.clock.nowMs);
  }

  #store(server: RedisServer, resource: string, record: LeaseRecord | null, mirror: boolean): void {
    const before = server.data.get(resource) ?? null;
    if (record === null || (recordsEqual(before?.record ?? null, record) && mirror === before?.mirror))
      return;
    const { nowMs } = this.options.clock;
    const sameBeat = before?.record.token === record.token && before.record.beat === record.beat;
    const sameLoss = before?.record.loss?.id === record.loss?.id;
    const entry: Entry = {
      record,
      mirror: mirror && record.holder !== null,
      renewedAtMs: sameBeat ? before.renewedAtMs : nowMs,
      lossAtMs: sameLoss && before !== null ? before.lossAtMs : nowMs,
    };
    server.data.set(resource, entry);
    this.group.replicate(server, resource, entry);
    const news = signalBetween(resource, before?.record ?? null, record, server.nowMs());
    if (news !== null) this.signals.next(news);
  }

  #moment(server: RedisServer): StoreMoment {
    const now = server.nowMs();
    const { settleMs = 0, freshStore = 'wait' } = this.options;
    return { now, incarnation: server.incarnation, settleMs, tokenFloor: BigInt(now), freshStore };
  }
}

const PERSISTENCE: readonly Persistence[] = ['none', 'every-second', 'always'];

const FAILOVER_CAVEAT =
  'Writes are not acknowledged by replicas: a failover while the old primary still takes some can make two leaders.';

const ANSWERS = ['won', 'held', 'stale', 'quarantined', 'renewed', 'restored', 'denied', 'released'];

/** One server. All promises hold. */
export const redisStore: StoreKind = {
  name: 'redis',
  create: (options) => new RedisModel({ ...options, replicas: 0 }),
  mustReach: [...ANSWERS, ...redisFaultsReached('alone')],
};

/** Replicas, and writes that count only when one of them has them, or that are refused without one. All promises hold. */
export const redisReplicatedStore: StoreKind = {
  name: 'redis-replicated',
  create: (options) => {
    const random = options.random.fork('replication');
    const protection = random.pick(['wait', 'min-replicas'] as const);
    return new RedisModel({ ...options, replicas: 1 + random.below(2), protection });
  },
  mustReach: [...ANSWERS, ...redisFaultsReached('protected')],
};

/** Replicas that nobody waits for: a failover may make two leaders, which is counted as the limit it is. */
export const redisAsyncStore: StoreKind = {
  name: 'redis-async',
  create: (options) =>
    new RedisModel({
      ...options,
      replicas: 1 + options.random.fork('replication').below(2),
      protection: 'none',
    }),
  mustReach: [...ANSWERS, ...redisFaultsReached('unprotected')],
};
