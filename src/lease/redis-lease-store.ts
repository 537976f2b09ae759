import { combineLatest, map, pairwise, startWith, type Observable } from 'rxjs';
import { SettingsError, StoreUnavailableError, UsageError } from '../errors.ts';
import type { RedisClient, RedisNode } from '../redis/client.ts';
import { askFacts, isBelow, OLDEST_VERSION, type ServerFacts } from '../redis/link-facts.ts';
import { givenUp } from '../redis/link-errors.ts';
import { RedisLink, type LinkOptions, type LinkState, type Outcome } from '../redis/link.ts';
import { RedisSubscription, type SubscriptionState } from '../redis/link-subscription.ts';
import type { Clock } from '../runtime/clock.ts';
import { storeCaveats } from './redis-lease-caveats.ts';
import { leaseChannel, leaseKeys } from './redis-lease-keys.ts';
import type { RedisLeaseNotice, ResolvedOptions } from './redis-lease-options.ts';
import {
  acquireArguments,
  acquireReply,
  inspection,
  releaseReply,
  renewArguments,
  renewReply,
  viewReply,
  type LeaseInspection,
  type ReplyPlace,
} from './redis-lease-replies.ts';
import { leaseScripts } from './redis-lease-scripts.ts';
import { LeaseWatches } from './redis-lease-watch.ts';
import { PATIENCE_OF_LEASE, Renewals } from './redis-renewals.ts';
import type { CallOptions, LeaseStore, LeaseStoreDescription } from './lease-store.ts';

/**
 * Leases in Redis, for members on several hosts.
 *
 * What it promises: one script decides, atomically, on the server's clock; a record that was lost with its data set
 * (a restart without data, a failover, FLUSHALL, eviction) is noticed by the incarnation of the data set, by the record
 * being gone or by the tokens that members have seen, and grants nothing until every lease that may have been lost with
 * it has ended; nothing is sent late or twice. What it does not: Redis replicates after it has answered, so that one
 * leader at a time holds across failovers only with `waitReplicas` or `min-replicas-to-write`, and only if they count all
 * replicas: what one fewer confirm, the one that is promoted may lack, and go on confirming after it was.
 */
export interface RedisLeaseStore extends LeaseStore {
  /** Both connections, as they stand; completes when the store is closed. */
  readonly connection$: Observable<RedisConnectionState>;
  /** Everything there is to see of a lease, also where it is none. Changes nothing. */
  inspect(resource: string, options: CallOptions): Promise<LeaseInspection>;
  /**
   * Releases a lease for a holder that cannot do it any more. If that holder lives, it leads on until its next renewal,
   * beside whoever is granted the lease meanwhile.
   */
  forceRelease(resource: string, options: CallOptions): Promise<ForcedRelease>;
}

/** How the two connections of a store are: the one for commands and the one for hints. */
export interface RedisConnectionState {
  readonly commands: LinkState;
  /** `idle` while nobody watches. */
  readonly subscriber: SubscriptionState;
}

/** What a release by force found, and did. */
export interface ForcedRelease {
  readonly released: boolean;
  /** Who had the lease, if anybody. */
  readonly holder: string | null;
  readonly token: bigint;
}

/** How long looks and releases may take, in milliseconds. */
const OTHER_CALLS_MS = 5000;
/** Of so many resources it is remembered that they were heard of over the present connection. */
const RESOURCES_REMEMBERED_MAX = 10_000;
/** Share of the lease for which replicas are waited for: half of what a call may take. */
const REPLICAS_OF_LEASE = PATIENCE_OF_LEASE / 2;
/** Nor are they waited for longer, which holds up what is asked over the same connection. */
const REPLICAS_MAX_MS = 2000;

export interface RedisLeaseWiring {
  readonly link: Pick<LinkOptions, 'open' | 'owned' | 'location'>;
  openSubscriber(client: RedisClient): Promise<RedisNode | null> | RedisNode | null;
  /** Of the database; pub/sub knows none, so that channels of different databases need different names. */
  readonly database: number;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly onNotice: (notice: RedisLeaseNotice) => void;
  /** Known beforehand, of the client. */
  readonly caveats: readonly string[];
}

/** A call on its way. */
interface Progress {
  isSent: boolean;
}

export class RedisLeases implements RedisLeaseStore {
  readonly connection$: Observable<RedisConnectionState>;
  readonly #wiring: RedisLeaseWiring;
  readonly #scripts = leaseScripts();
  readonly #link: RedisLink;
  readonly #renewals: Renewals;
  readonly #subscription: RedisSubscription;
  readonly #watches: LeaseWatches;
  readonly #suffix: string;
  /** In which connection each resource was last heard of. */
  readonly #heardIn = new Map<string, number>();
  #facts: ServerFacts | null = null;
  #closed = false;

  constructor(wiring: RedisLeaseWiring) {
    this.#wiring = wiring;
    const { clock, database } = wiring;
    this.#suffix = database === 0 ? '' : `@${database}`;
    this.#link = new RedisLink({ ...wiring.link, clock });
    this.#renewals = new Renewals({
      link: this.#link,
      script: this.#scripts.renew,
      clock,
      suffix: this.#suffix,
      replicas: (leaseMs) => this.#replicas(leaseMs),
    });
    this.#watches = new LeaseWatches(clock);
    this.#subscription = new RedisSubscription({
      clock,
      open: async () => wiring.openSubscriber(await this.#link.client()),
      onMessage: this.#watches.message,
      onHeard: this.#watches.heard,
      onDenied: (channel) => this.#tellDenied(channel),
    });
    this.#watches.from(this.#subscription);
    this.connection$ = combineLatest([this.#link.state$, this.#subscription.state$]).pipe(
      map(([commands, subscriber]) => ({ commands, subscriber })),
    );
    this.#follow();
    // Connected before the first call, which has little time. Why it fails is told to that call.
    this.#link.client().catch(() => {});
  }

  readonly acquire: LeaseStore['acquire'] = (request, { signal }) =>
    this.#call(signal, async (progress) => {
      const { resource, leaseMs } = request;
      const { freshStore, settleMs, waitReplicas } = this.#wiring.options;
      const place = this.#place(resource);
      const channel = this.#channel(place);
      let hearing = 0;
      let { epoch } = this.#link;
      // With replicas to wait for, nobody is told of a grant that may not count; the first renewal does it.
      const announces = waitReplicas === 0 ? '1' : '0';
      const replicas = this.#replicas(leaseMs);
      const outcome = await this.#link.run(
        {
          script: this.#scripts.acquire,
          keys: [place.keys.mirror, place.keys.record],
          args: () => {
            epoch = this.#link.epoch;
            hearing = this.#watches.hearing(channel);
            const own = [this.#suffix, this.#doubts(resource), announces, String(settleMs), freshStore];
            return [...own, ...acquireArguments(request)];
          },
        },
        {
          patienceMs: leaseMs * PATIENCE_OF_LEASE,
          ...this.#progress(progress, signal),
          ...(replicas && { replicas }),
        },
      );
      const reply = acquireReply(replyOf(outcome), place);
      this.#hear(resource, epoch);
      if (reply.kind === 'won') this.#assertReplicated(outcome, resource, leaseMs);
      else this.#watches.answered(channel, hearing);
      return reply;
    });

  readonly renew: LeaseStore['renew'] = (request, { signal }) =>
    this.#call(signal, async (progress) => {
      const { resource, leaseMs } = request;
      const place = this.#place(resource);
      let { epoch } = this.#link;
      const outcome = await this.#renewals.add({
        resource,
        keys: place.keys,
        leaseMs,
        args: () => {
          epoch = this.#link.epoch;
          return renewArguments(request, this.#doubts(resource) === '1');
        },
        isWanted: () => !signal.aborted,
        onSent: () => (progress.isSent = true),
      });
      const { reply, deposedBy } = renewReply(replyOf(outcome), place);
      this.#hear(resource, epoch);
      if (reply.kind === 'denied') this.#renewals.forget(resource);
      else this.#assertReplicated(outcome, resource, leaseMs);
      if (deposedBy !== null) this.#tellDeposed(place, request.id, deposedBy);
      return reply;
    });

  readonly release: LeaseStore['release'] = async (request, { signal }) => {
    const { resource, id, token } = request;
    // To the script it would be a release by hand.
    if (id === '') return { released: false };
    this.#renewals.forget(resource);
    const { released } = await this.#release(resource, [id, String(token)], signal);
    return { released };
  };

  forceRelease(resource: string, { signal }: CallOptions): Promise<ForcedRelease> {
    return this.#release(resource, ['', ''], signal);
  }

  readonly read: LeaseStore['read'] = async (resource, options) =>
    viewReply(resource, await this.inspect(resource, options));

  inspect(resource: string, { signal }: CallOptions): Promise<LeaseInspection> {
    return this.#call(signal, async (progress) => {
      const place = this.#place(resource);
      const { keys } = place;
      const outcome = await this.#link.run(
        { script: this.#scripts.read, keys: [keys.mirror, keys.record], args: [] },
        { patienceMs: OTHER_CALLS_MS, ...this.#progress(progress, signal) },
      );
      return inspection(replyOf(outcome), place);
    });
  }

  watch(resource: string): ReturnType<LeaseStore['watch']> {
    return this.#watches.watch(resource, this.#channel(this.#place(resource)));
  }

  describe(): LeaseStoreDescription {
    const { link, options, caveats } = this.#wiring;
    return {
      kind: 'redis',
      location: link.location,
      scope: 'network',
      push: true,
      caveats: [...storeCaveats({ ...options, facts: this.#facts }), ...caveats],
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#subscription.close();
    this.#watches.close();
    this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #release(resource: string, args: readonly string[], signal: AbortSignal): Promise<ForcedRelease> {
    return this.#call(signal, async (progress) => {
      const place = this.#place(resource);
      const { keys } = place;
      const outcome = await this.#link.run(
        {
          script: this.#scripts.release,
          keys: [keys.mirror, keys.record],
          args: [this.#suffix, ...args],
        },
        { patienceMs: OTHER_CALLS_MS, ...this.#progress(progress, signal) },
      );
      return releaseReply(replyOf(outcome), place);
    });
  }

  /** Rejects as soon as the caller gives up; what was sent by then may be executed, what was not is not sent. */
  async #call<T>(signal: AbortSignal, perform: (progress: Progress) => Promise<T>): Promise<T> {
    const { location } = this.#wiring.link;
    if (this.#closed)
      throw new UsageError('STORE_CLOSED', `The lease store on Redis at ${location} was closed.`);
    if (signal.aborted) throw givenUp('before it was made', location, false, signal.reason);
    this.#assertServer();
    const progress: Progress = { isSent: false };
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const abort = () => {
      const when = progress.isSent ? 'while the server was asked' : 'before it was made';
      reject(givenUp(when, location, progress.isSent, signal.reason));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      perform(progress).then(resolve, reject);
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #progress(progress: Progress, signal: AbortSignal) {
    return { isWanted: () => !signal.aborted, onSent: () => (progress.isSent = true) };
  }

  #place(resource: string): ReplyPlace {
    const { link, options } = this.#wiring;
    return { location: link.location, keys: leaseKeys(resource, options) };
  }

  #channel({ keys }: ReplyPlace): string {
    return leaseChannel(keys, this.#wiring.database);
  }

  /** Whether a connection was made since the resource was last heard of: its data may be others by now. */
  #doubts(resource: string): '0' | '1' {
    return this.#heardIn.get(resource) === this.#link.epoch ? '0' : '1';
  }

  #hear(resource: string, epoch: number): void {
    this.#heardIn.delete(resource);
    this.#heardIn.set(resource, epoch);
    if (this.#heardIn.size <= RESOURCES_REMEMBERED_MAX) return;
    // The one not heard of for longest; who asks for it again doubts it.
    const [oldest] = this.#heardIn.keys();
    this.#heardIn.delete(oldest as string);
  }

  #replicas(leaseMs: number) {
    const count = this.#wiring.options.waitReplicas;
    return count === 0
      ? undefined
      : { count, withinMs: Math.min(leaseMs * REPLICAS_OF_LEASE, REPLICAS_MAX_MS) };
  }

  /**
   * What too few replicas have may be lost in a failover, so that it does not count. It is not taken back either: the
   * next attempt finds it, and to release and acquire in turns would help nobody.
   */
  #assertReplicated(outcome: Outcome, resource: string, leaseMs: number): void {
    const { waitReplicas } = this.#wiring.options;
    if (waitReplicas === 0 || 'error' in outcome) return;
    const count = outcome.replicas ?? 0;
    if (count >= waitReplicas) return;
    throw new StoreUnavailableError(
      'STORE_NOT_REPLICATED',
      `Only ${count} of ${waitReplicas} replicas of Redis at ${this.#wiring.link.location} confirmed the lease of "${resource}" ` +
        `within ${Math.ceil(this.#replicas(leaseMs)?.withinMs ?? 0)} ms, so that it does not count. It is tried again; look at the replicas.`,
      { outcomeUnknown: true },
    );
  }

  /** @throws SettingsError `STORE_SERVER_OLD` */
  #assertServer(): void {
    const version = this.#facts?.version ?? null;
    if (version === null || !isBelow(version, OLDEST_VERSION)) return;
    throw new SettingsError(
      'STORE_SERVER_OLD',
      `Redis at ${this.#wiring.link.location} is version ${version.join('.')}; leases need ${OLDEST_VERSION.join('.')} or later.`,
    );
  }

  #tellDenied(channel: string): void {
    this.#wiring.onNotice({
      kind: 'watch-lost',
      message: `The user may not subscribe to the channel ${channel} in Redis at ${this.#wiring.link.location} (NOPERM): its waiting members ask when the lease they know of ends. Give it the channels that docs/redis.md lists.`,
    });
  }

  #tellDeposed({ keys, location }: ReplyPlace, id: string, mirror: string): void {
    const how = mirror === '' ? 'deleted' : `overwritten with ${JSON.stringify(mirror.slice(0, 80))}`;
    this.#wiring.onNotice({
      kind: 'deposed',
      message: `The key ${keys.mirror} in Redis at ${location} was ${how} while ${id} led: it steps down, and gives the lease away.`,
    });
  }

  /** Tells of connections that go and come back, and asks a server that is there what it is. */
  #follow(): void {
    const { onNotice, link } = this.#wiring;
    const name = `Redis at ${link.location}`;
    this.#link.state$.pipe(startWith('connecting' as const), pairwise()).subscribe(([before, now]) => {
      if (now === 'lost' && before === 'ready')
        onNotice({
          kind: 'connection-lost',
          message: `The connection to ${name} is lost; it is tried again.`,
        });
      if (now === 'ready' && before === 'lost')
        onNotice({ kind: 'connection-restored', message: `The connection to ${name} stands again.` });
      if (now === 'ready') void this.#learn();
    });
    this.#subscription.state$.pipe(pairwise()).subscribe(([before, now]) => {
      if (now === 'lost')
        onNotice({ kind: 'watch-lost', message: `The subscriber of ${name} is lost; it is tried again.` });
      if (now === 'ready' && before === 'lost')
        onNotice({ kind: 'watch-restored', message: `The subscriber of ${name} stands again.` });
    });
  }

  async #learn(): Promise<void> {
    const facts = await this.#link.client().then(askFacts, () => null);
    if (facts === null || this.#closed) return;
    const known = new Set(this.describe().caveats);
    this.#facts = facts;
    for (const caveat of this.describe().caveats)
      if (!known.has(caveat)) this.#wiring.onNotice({ kind: 'server', message: caveat });
  }
}

/** @throws what the outcome is, if it is an error */
function replyOf(outcome: Outcome): unknown {
  if ('error' in outcome) throw outcome.error;
  return outcome.reply;
}
