import type { ConclaveError } from '../errors.ts';
import { isCluster } from '../redis/client.ts';
import { hashSlot } from '../redis/hash-slot.ts';
import { givenUp } from '../redis/link-errors.ts';
import type { ExchangeOptions, Outcome, ScriptCall } from '../redis/link-call.ts';
import type { RedisLink } from '../redis/link.ts';
import type { RedisScript } from '../redis/script.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import type { LeaseKeys } from './redis-lease-keys.ts';

/** Most renewals in one run of the script: it holds the server up for a few milliseconds. */
export const RENEWALS_PER_CALL_MAX = 256;
/** Up to this many leases renew each on its own, at once; more wait a little for each other. */
export const CROWD_MIN = 8;
/** A crowd waits at most this part of the shortest lease in it, so that ten calls carry what a lease/3 brings up. */
const WINDOW_OF_LEASE = 1 / 30;
/** Share of the lease in which a call is to be answered, as in the chart. */
export const PATIENCE_OF_LEASE = 1 / 6;

export interface Renewal {
  readonly resource: string;
  readonly keys: LeaseKeys;
  readonly leaseMs: number;
  /** Asked when it leaves. */
  readonly args: () => readonly string[];
  readonly isWanted: () => boolean;
  readonly onSent: () => void;
}

export type RenewalResult =
  { readonly reply: unknown; readonly replicas: number | null } | { readonly error: ConclaveError };

export interface RenewalsOptions {
  readonly link: RedisLink;
  readonly script: RedisScript;
  readonly clock: Clock;
  /** What goes before the renewals' own arguments. */
  readonly suffix: string;
  readonly replicas: (leaseMs: number) => ExchangeOptions['replicas'];
}

interface Waiting {
  readonly renewal: Renewal;
  readonly resolve: (result: RenewalResult) => void;
}

/**
 * Lets renewals travel together. A leader of a few resources is not held up; one of many has the renewals that are
 * due within a moment go out in one call. The moment is taken off the lease, as belief counts from the request.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  /** When each lease was last renewed through here, as long as it can stand, and whether it cannot wait for others. */
  readonly #crowd = new Map<
    string,
    { readonly at: number; readonly leaseMs: number; readonly isUrgent: boolean }
  >();
  #waiting: Waiting[] = [];
  #timer: TimerId = null;
  #dueAt = Infinity;

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /** Renews with the next batch. Resolves with an error rather than rejecting. */
  add(renewal: Renewal): Promise<RenewalResult> {
    const { clock } = this.#options;
    const { resource, leaseMs } = renewal;
    const now = clock.monotonicMs();
    // Asked again while it waits: its callers have less patience than a crowd takes, now and the next time.
    const isUrgent =
      this.#crowd.get(resource)?.isUrgent === true ||
      this.#waiting.some((other) => other.renewal.resource === resource);
    this.#crowd.set(resource, { at: now, leaseMs, isUrgent });
    const { promise, resolve } = Promise.withResolvers<RenewalResult>();
    this.#waiting.push({ renewal, resolve });
    const windowMs = this.#crowd.size > CROWD_MIN && !isUrgent ? leaseMs * WINDOW_OF_LEASE : 0;
    if (now + windowMs < this.#dueAt) {
      this.#dueAt = now + windowMs;
      if (this.#timer !== null) clock.clearTimeout(this.#timer);
      if (windowMs === 0) queueMicrotask(this.#flush);
      else this.#timer = clock.setTimeout(this.#flush, windowMs);
    }
    return promise;
  }

  /** A lease that is renewed no more does not count for the crowd. */
  forget(resource: string): void {
    this.#crowd.delete(resource);
  }

  readonly #flush = () => {
    if (this.#timer !== null) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAt = Infinity;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) void this.#send(waiting);
    const now = this.#options.clock.monotonicMs();
    for (const [resource, { at, leaseMs }] of this.#crowd) {
      if (now - at > leaseMs) this.#crowd.delete(resource);
    }
  };

  async #send(waiting: readonly Waiting[]): Promise<void> {
    const { link, clock } = this.#options;
    const patienceMs = PATIENCE_OF_LEASE * Math.min(...waiting.map(({ renewal }) => renewal.leaseMs));
    const startedAt = clock.monotonicMs();
    // Which slots may share a call is known once there is a connection; without one, the first call says why.
    const clustered = await link.client(patienceMs).then(isCluster, () => true);
    const wanted = waiting.filter(({ renewal }) => renewal.isWanted());
    const batches = batched(wanted, clustered).map((batch) => new Batch(batch));
    if (batches.length === 0) return;
    const replicas = this.#options.replicas(Math.min(...wanted.map(({ renewal }) => renewal.leaseMs)));
    const outcomes = await link.runTogether(
      batches.map((batch) => batch.call(this.#options)),
      {
        patienceMs: Math.max(0, startedAt + patienceMs - clock.monotonicMs()),
        isWanted: () => wanted.some(({ renewal }) => renewal.isWanted()),
        ...(replicas && { replicas }),
      },
    );
    for (const [index, batch] of batches.entries()) batch.deal(outcomes[index] as Outcome, link.location);
  }
}

/** Renewals in one call; who has given up until it leaves stays behind. */
class Batch {
  readonly #waiting: readonly Waiting[];
  #leaving: readonly Waiting[] = [];

  constructor(waiting: readonly Waiting[]) {
    this.#waiting = waiting;
  }

  call({ script, suffix }: RenewalsOptions): ScriptCall {
    return {
      script,
      isWanted: () => this.#wanted().length > 0,
      keys: () => this.#wanted().flatMap(({ renewal: { keys } }) => [keys.mirror, keys.record]),
      args: () => {
        this.#leaving = this.#wanted();
        for (const { renewal } of this.#leaving) renewal.onSent();
        return [suffix, ...this.#leaving.flatMap(({ renewal }) => renewal.args())];
      },
    };
  }

  deal(outcome: Outcome, location: string): void {
    const error = givenUp('before it was made', location, false, null);
    for (const each of this.#waiting) {
      const index = this.#leaving.indexOf(each);
      if ('error' in outcome) each.resolve(outcome);
      else if (index === -1) each.resolve({ error });
      else {
        const replies = Array.isArray(outcome.reply) ? (outcome.reply as unknown[]) : [];
        each.resolve({ reply: replies[index] ?? outcome.reply, replicas: outcome.replicas });
      }
    }
  }

  #wanted(): Waiting[] {
    return this.#waiting.filter(({ renewal }) => renewal.isWanted());
  }
}

/** What shares a call: anything on a single server, one slot in a cluster. */
function batched(waiting: readonly Waiting[], clustered: boolean): Waiting[][] {
  const slots = Map.groupBy(waiting, ({ renewal }) => (clustered ? hashSlot(renewal.keys.record) : 0));
  return [...slots.values()].flatMap((each) =>
    Array.from({ length: Math.ceil(each.length / RENEWALS_PER_CALL_MAX) }, (_, index) =>
      each.slice(index * RENEWALS_PER_CALL_MAX, (index + 1) * RENEWALS_PER_CALL_MAX),
    ),
  );
}
