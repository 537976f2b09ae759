/**
 * The store of the model: one record, a clock that drifts and steps, data that can be lost. It judges each answer
 * by what must hold of that answer alone.
 */
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import type { StoreMoment } from '../../src/lease/lease-protocol.ts';
import type { LeaseRecord } from '../../src/lease/lease-record.ts';
import type {
  AcquireReply,
  AcquireRequest,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../../src/lease/lease-store.ts';
import type { Protocol } from '../../src/simulation/simulated-store.ts';
import type { Chance } from './lease-protocol-chance.ts';

/** What must never be; `invariant` names the promise that broke. */
export class Violation extends Error {
  readonly invariant: string;
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

/** Things a campaign is meant to try; one that never happened has proved nothing. */
export type Occasion =
  | 'won'
  | 'held'
  | 'stale'
  | 'quarantined'
  | 'renewed'
  | 'restored'
  | 'denied'
  | 'released'
  | 'record emptied'
  | 'record taken back'
  | 'clock stepped forward'
  | 'clock stepped back'
  | 'packet repeated'
  | 'member frozen'
  | 'member replaced'
  | 'won after a quarantine'
  | 'granted by watching';

/** Records a failover may go back by. */
const HISTORY_MAX = 12;
/** The store's clock falls behind by less in all than a quarantine takes, so that no lost token comes again. */
const BEHIND_MAX_MS = 2000;
/** Longest grace in the model. */
export const GRACE_MS = 200;

export interface ModelStoreOptions {
  readonly chance: Chance;
  readonly protocol: Protocol;
  readonly longestMs: number;
  readonly nowMs: () => number;
  readonly note: (occasion: Occasion) => void;
  readonly tell: (what: string, ...values: readonly unknown[]) => void;
}

export class ModelStore {
  record: LeaseRecord | null = null;
  private readonly options: ModelStoreOptions;
  private readonly written: (LeaseRecord | null)[] = [];
  private readonly rate: number;
  private offsetMs = 0;
  private behindMs = 0;
  private incarnation = 0;
  private lastGrant: { readonly id: string; readonly attempt: number } | null = null;
  private highestGranted = 0n;

  constructor(options: ModelStoreOptions) {
    this.options = options;
    this.rate = options.chance.between(0.995, 1.005);
  }

  acquire(request: AcquireRequest): AcquireReply {
    const before = this.record;
    const moment = this.moment();
    const { reply, record } = this.options.protocol.acquire(before, request, moment);
    this.options.tell('acquire', request, reply, record);
    this.options.note(reply.kind);
    if (reply.kind === 'won') this.judgeGrant(before, request, reply.token, moment.now);
    else if (reply.kind !== 'stale') this.judgeWait(before, request, reply);
    this.write(record);
    return reply;
  }

  /** `current`: the request is for the term that its sender believes in at this moment. */
  renew(request: RenewRequest, current: boolean): RenewReply {
    const { reply, record } = this.options.protocol.renew(this.record, request, this.moment());
    this.options.tell('renew', request, reply, record);
    if (reply.kind !== 'denied') this.options.note(reply.restored ? 'restored' : 'renewed');
    else this.options.note('denied');
    if (reply.kind === 'denied' && current && this.highestGranted <= request.token) {
      throw new Violation('a leader is denied only for a later term', `${request.id} with ${request.token}`);
    }
    this.write(record);
    return reply;
  }

  release(request: ReleaseRequest): void {
    const before = this.record;
    const { reply, record } = this.options.protocol.release(before, request, this.moment());
    this.options.tell('release', request, reply, record);
    if (record?.holder === null && before?.holder !== null && before?.holder !== request.id) {
      throw new Violation('only the holder releases', `${request.id} released ${before?.holder}`);
    }
    if (reply.released) this.options.note('released');
    this.write(record);
  }

  /** The record is gone: FLUSHALL and eviction leave the incarnation as it is, a restart does not. */
  empty(restarted: boolean): void {
    this.options.note('record emptied');
    this.options.tell('emptied', restarted);
    if (restarted) this.incarnation += 1;
    this.lastGrant = null;
    this.written.push(this.record);
    this.record = null;
  }

  /** A failover brings back an older record, on another server with another clock. */
  takeBack(): void {
    const { chance } = this.options;
    if (this.written.length === 0) return;
    const back = chance.below(this.written.length);
    this.options.note('record taken back');
    this.options.tell('taken back', back);
    this.incarnation += 1;
    this.lastGrant = null;
    this.record = this.written[this.written.length - 1 - back] ?? null;
    this.written.length -= back + 1;
    this.stepBack(chance.between(0, 300));
  }

  stepBack(byMs: number): void {
    if (this.behindMs + byMs > BEHIND_MAX_MS) return;
    this.options.note('clock stepped back');
    this.options.tell('clock back', byMs);
    this.behindMs += byMs;
    this.offsetMs -= byMs;
  }

  stepForward(byMs: number): void {
    this.options.note('clock stepped forward');
    this.options.tell('clock forward', byMs);
    this.offsetMs += byMs;
  }

  /** The lease that stands, and its age; null where no wait for a loss may be cut short by a step of the clock. */
  standing(): { readonly record: LeaseRecord; readonly ageMs: number } | null {
    const { record } = this;
    if (!record || record.loss || record.incarnation !== this.moment().incarnation) return null;
    return { record, ageMs: Math.max(0, record.leaseMs - (record.expiresAt - this.moment().now)) };
  }

  private moment(): StoreMoment {
    const now = this.options.nowMs() * this.rate + this.offsetMs;
    const tokenFloor = BigInt(Math.floor(1_000_000 + now));
    return { now, incarnation: `i${this.incarnation}`, settleMs: 0, tokenFloor, freshStore: 'wait' };
  }

  private write(record: LeaseRecord | null): void {
    if (record === this.record) return;
    if (record && this.record && record.token < this.record.token) {
      throw new Violation('the token of a record never falls', `${record.token} after ${this.record.token}`);
    }
    this.written.push(this.record);
    if (this.written.length > HISTORY_MAX) this.written.shift();
    this.record = record;
  }

  private judgeGrant(before: LeaseRecord | null, request: AcquireRequest, token: bigint, now: number): void {
    if (before?.loss) this.options.note('won after a quarantine');
    else if (before?.holder && before.holder !== request.id && before.expiresAt + before.graceMs > now) {
      this.options.note('granted by watching');
    }
    if (token <= request.seen) {
      throw new Violation('a token is above all the asker has seen', `${token} ≤ ${request.seen}`);
    }
    if (this.lastGrant?.id === request.id && request.attempt <= this.lastGrant.attempt) {
      throw new Violation('a late packet wins nothing', `${request.id}.${request.attempt}`);
    }
    this.lastGrant = request;
    if (token > this.highestGranted) this.highestGranted = token;
  }

  private judgeWait(
    before: LeaseRecord | null,
    request: AcquireRequest,
    reply: Extract<AcquireReply, { kind: 'held' | 'quarantined' }>,
  ): void {
    const leaseMs = reply.kind === 'held' ? reply.leaseMs : this.options.longestMs;
    if (reply.remainingMs > leaseMs * DRIFT_FACTOR + GRACE_MS) {
      throw new Violation('no wait is longer than a lease', `${reply.remainingMs}`);
    }
    const known = this.standing() !== null && before !== null && request.seen <= before.highest;
    if (known && before.holder === null)
      throw new Violation('a released lease is granted at once', reply.kind);
  }
}
