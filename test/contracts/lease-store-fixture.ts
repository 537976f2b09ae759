import { expect } from 'vitest';
import type { Subscription } from 'rxjs';
import type {
  AcquireReply,
  AcquireRequest,
  CallOptions,
  LeaseSignal,
  LeaseStore,
  LeaseView,
  ReleaseReply,
  RenewReply,
  Token,
} from '../../src/lease/lease-store.ts';

/** What the contract of lease stores asks of who runs it, and what its tests are written with. */

/** A store and the means to try it. One test has one; disposing it closes all its stores. */
export interface LeaseStoreFixture extends AsyncDisposable {
  readonly store: LeaseStore;
  /** A store of another member, on the same data. */
  anotherMember(): LeaseStore;
  /** Lets time pass, on the store's clock too. */
  advance(ms: number): Promise<void>;
  /** The time that `advance` moves, in milliseconds. */
  nowMs(): number;
  /** Loses all data, as a restart without them does. */
  loseData(): Promise<void>;
  /** Resolves when what was subscribed so far is in force, and all heard that was told so far; default: once the store has answered. */
  watching?(): Promise<void>;
}

export interface LeaseStoreContract {
  readonly name: string;
  /** A lease short enough to be waited for, and long enough to be noticed. */
  readonly leaseMs: number;
  create(options: { readonly freshStore: 'wait' | 'trust' }): Promise<LeaseStoreFixture>;
}

/** By how much two readings of the store's clock may differ from what passed: rounding to milliseconds, twice. */
export const ROUNDING_MS = 2;

/** Who asks for a lease: a holder id, and what goes with each request. */
export class Candidate {
  readonly resource: string;
  readonly store: LeaseStore;
  readonly options: CallOptions = { signal: new AbortController().signal };
  readonly #id: string;
  readonly #leaseMs: number;
  readonly #graceMs: number;
  #attempt = 0;

  constructor(
    id: string,
    store: LeaseStore,
    leaseMs: number,
    { resource = 'billing', graceMs = 0 }: { readonly resource?: string; readonly graceMs?: number } = {},
  ) {
    this.#id = id;
    this.store = store;
    this.resource = resource;
    this.#leaseMs = leaseMs;
    this.#graceMs = graceMs;
  }

  request(more: Partial<AcquireRequest> = {}): AcquireRequest {
    this.#attempt += 1;
    return {
      resource: this.resource,
      id: this.#id,
      attempt: this.#attempt,
      leaseMs: this.#leaseMs,
      graceMs: this.#graceMs,
      longestMs: this.#leaseMs,
      seen: 0n,
      observed: null,
      loss: null,
      nonce: `${this.#id}-${this.#attempt}`,
      ...more,
    };
  }

  acquire(more: Partial<AcquireRequest> = {}, signal = this.options.signal): Promise<AcquireReply> {
    return this.store.acquire(this.request(more), { signal });
  }

  renew(token: Token, beat: number): Promise<RenewReply> {
    return this.store.renew(
      {
        resource: this.resource,
        id: this.#id,
        token,
        leaseMs: this.#leaseMs,
        graceMs: this.#graceMs,
        beat,
        term: 1,
      },
      this.options,
    );
  }

  release(token: Token): Promise<ReleaseReply> {
    return this.store.release({ resource: this.resource, id: this.#id, token }, this.options);
  }

  read(): Promise<LeaseView | null> {
    return this.store.read(this.resource, this.options);
  }

  /** Asks, is granted, and returns the token. */
  async win(more: Partial<AcquireRequest> = {}): Promise<Token> {
    return won(await this.acquire(more)).token;
  }
}

export function won(reply: AcquireReply): Extract<AcquireReply, { kind: 'won' }> {
  if (reply.kind !== 'won') expect.fail(`expected to win, was told ${reply.kind}`);
  return reply;
}

export function quarantined(reply: AcquireReply): Extract<AcquireReply, { kind: 'quarantined' }> {
  if (reply.kind !== 'quarantined') expect.fail(`expected a quarantine, was told ${reply.kind}`);
  return reply;
}

/** Asks again when told to, until granted. */
export async function insist(fixture: LeaseStoreFixture, candidate: Candidate, asksMax = 20): Promise<Token> {
  for (let asks = 1; ; asks += 1) {
    const reply = await candidate.acquire();
    if (reply.kind === 'won') return reply.token;
    if (reply.kind === 'stale' || asks === asksMax)
      expect.fail(`asked ${asks} times, last told ${reply.kind}`);
    await fixture.advance(reply.remainingMs);
  }
}

/** Hears what a store tells of a resource from now on. */
export async function listen(
  fixture: LeaseStoreFixture,
  { store, resource }: { readonly store: LeaseStore; readonly resource: string },
): Promise<Listener> {
  // What was told before may still be on its way.
  await fixture.watching?.();
  const listener = new Listener(store, resource);
  if (fixture.watching) await fixture.watching();
  else await store.read(resource, { signal: new AbortController().signal });
  return listener;
}

export class Listener implements Disposable {
  readonly signals: LeaseSignal[] = [];
  readonly #subscription: Subscription;

  constructor(store: LeaseStore, resource: string) {
    this.#subscription = store.watch(resource).subscribe((signal) => this.signals.push(signal));
  }

  /** Resolves when at least `count` signals were heard. */
  async until(count: number): Promise<void> {
    await expect
      .poll(() => this.signals.length, { interval: 2, timeout: 10_000 })
      .toBeGreaterThanOrEqual(count);
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }
}
