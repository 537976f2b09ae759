import { Subject } from 'rxjs';
import { StoreUnavailableError } from '../errors.ts';
import type { Decision, StoreMoment } from '../lease/lease-protocol.ts';
import { viewOf, type LeaseRecord } from '../lease/lease-record.ts';
import { signalBetween } from '../lease/lease-signal.ts';
import type { LeaseSignal } from '../lease/lease-store.ts';
import type { Random } from './random.ts';
import type { StoreCall, StoreKind, StoreModel, StoreModelOptions, StoreReply } from './simulated-store.ts';

/** The protocol and nothing else: one server, one record, the faults that any store can have. */
class PlainModel implements StoreModel {
  readonly signals = new Subject<LeaseSignal>();
  readonly description = {
    kind: 'memory',
    location: 'simulation',
    scope: 'network',
    push: true,
    caveats: [],
  } as const;
  readonly faults = {
    'restart-empty': () => this.#lose(null, 'restarted-empty'),
    flush: () => {
      this.#record = null;
      this.#options.sometimes('store-flushed');
    },
    'lose-tail': (draw: Random) => {
      const back = this.#written.at(-1 - draw.below(this.#written.length));
      if (back !== undefined) this.#lose(back, 'tail-lost');
    },
    'store-clock-back': (draw: Random) => {
      const { leaseMs, sometimes } = this.#options;
      const byMs = draw.exponential(leaseMs / 3);
      // More than a quarantine in all, and a lost token could come again.
      if (this.#behindMs + byMs > leaseMs) return;
      this.#behindMs += byMs;
      sometimes('store-clock-stepped-back');
    },
    'store-frozen': (draw: Random) => {
      const { clock, leaseMs } = this.#options;
      this.frozenUntilMs = clock.nowMs + draw.exponential(leaseMs / 3);
    },
    'store-down': (draw: Random) => {
      const { clock, leaseMs } = this.#options;
      this.#downUntilMs = clock.nowMs + draw.exponential(leaseMs / 2);
    },
  };
  frozenUntilMs = 0;
  readonly #options: StoreModelOptions;
  readonly #node;
  readonly #written: (LeaseRecord | null)[] = [];
  #record: LeaseRecord | null = null;
  #incarnation = 1;
  #behindMs = 0;
  #downUntilMs = 0;

  constructor(options: StoreModelOptions) {
    this.#options = options;
    this.#node = options.clock.node({ driftPpm: Math.round(options.random.between(-5000, 5000)) });
  }

  execute(call: StoreCall): StoreReply {
    if (this.#options.clock.nowMs < this.#downUntilMs)
      throw new StoreUnavailableError('STORE_UNAVAILABLE', 'The server is down.', { outcomeUnknown: false });
    const { acquire, renew, release } = this.#options.protocol;
    switch (call.kind) {
      case 'acquire':
        return this.#decide((before, moment) => acquire(before, call.request, moment));
      case 'renew':
        return this.#decide((before, moment) => renew(before, call.request, moment));
      case 'release':
        return this.#decide((before, moment) => release(before, call.request, moment));
      case 'read':
        return this.#record === null ? null : viewOf(call.request.resource, this.#record, this.#now());
    }
  }

  heal(): void {
    this.frozenUntilMs = 0;
    this.#downUntilMs = 0;
  }

  #now(): number {
    return this.#node.wallMs() - this.#behindMs;
  }

  #lose(back: LeaseRecord | null, what: string): void {
    this.#record = back;
    this.#incarnation += 1;
    this.#options.sometimes(what);
  }

  #decide<Reply>(decide: (before: LeaseRecord | null, moment: StoreMoment) => Decision<Reply>): Reply {
    const now = this.#now();
    const before = this.#record;
    const { reply, record } = decide(before, {
      now,
      incarnation: String(this.#incarnation),
      settleMs: 0,
      tokenFloor: BigInt(Math.floor(now)),
      freshStore: 'wait',
    });
    if (record === null || record === before) return reply;
    this.#record = record;
    this.#options.sometimes(record.holder === null ? 'released' : 'stored');
    this.#written.push(before);
    if (this.#written.length > TAIL_MAX) this.#written.shift();
    const signal = signalBetween('simulated', before, record, now);
    if (signal !== null) this.signals.next(signal);
    return reply;
  }
}

/** Most writes that a failover loses. */
const TAIL_MAX = 8;

/** A store that follows the protocol and has no properties of any product. */
export const plainStore: StoreKind = {
  name: 'plain',
  create: (options) => new PlainModel(options),
  mustReach: ['restarted-empty', 'store-flushed', 'tail-lost', 'store-clock-stepped-back'],
};
