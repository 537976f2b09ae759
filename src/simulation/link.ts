import { Observable, type Subscriber } from 'rxjs';
import { StoreUnavailableError } from '../errors.ts';
import type { LeaseSignal, LeaseStore } from '../lease/lease-store.ts';
import type { NodeClock, VirtualClock } from '../runtime/virtual-clock.ts';
import type { Random } from './random.ts';
import type { LinkOptions } from './run-options.ts';
import type { StoreCall, StoreModel, StoreReplies, StoreReply } from './simulated-store.ts';

/**
 * The network between one member's host and the store: it delays, loses, repeats and reorders what passes, each
 * direction by itself. Members see a `LeaseStore` as shipped adapters are: results are values, an exception means
 * that the store could not be asked; what gets lost is never answered.
 */

/** What a fault does to a link while it lasts. */
export interface LinkFault {
  readonly requests?: 'lost';
  readonly replies?: 'lost';
  readonly hints?: 'lost';
  readonly extraDelayMs?: number;
  readonly loss?: number;
  readonly repeats?: number;
}

/** What happens to requests, for whoever judges. */
export interface LinkWitness {
  /** The store has executed a request, whether or not anybody will know. */
  executed(call: StoreCall, reply: StoreReply): void;
  sometimes(what: string): void;
}

/** Where a link ends: one incarnation of a member. */
export interface LinkEnd {
  readonly alive: boolean;
}

export interface LinkSettings {
  readonly host: string;
  readonly clock: VirtualClock;
  readonly node: NodeClock;
  readonly model: StoreModel;
  readonly options: LinkOptions;
  readonly leaseMs: number;
  readonly random: Random;
  readonly witness: LinkWitness;
}

/** Of a request that is repeated, how many arrive much later. */
const MUCH_LATER = 0.3;

export class Link {
  readonly #settings: LinkSettings;
  readonly #faults = new Map<number, LinkFault>();
  readonly #watchers = new Set<{ readonly end: LinkEnd; readonly subscriber: Subscriber<LeaseSignal> }>();
  readonly #requests: Random;
  readonly #replies: Random;
  readonly #hints: Random;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
    this.#requests = settings.random.fork('requests');
    this.#replies = settings.random.fork('replies');
    this.#hints = settings.random.fork('hints');
    settings.model.signals.subscribe((signal) => this.#publish(signal));
  }

  /** A fault begins; `id` ends it. */
  begin(id: number, fault: LinkFault): void {
    this.#faults.set(id, fault);
  }

  end(id: number): void {
    const hadHints = this.#passes('hints');
    if (!this.#faults.delete(id) || hadHints || !this.#passes('hints')) return;
    // A subscription that comes back says so.
    for (const { subscriber, end } of this.#watchers)
      this.#deliver(end, () => subscriber.next({ kind: 'gap', resource: RESOURCE }));
  }

  heal(): void {
    for (const id of this.#faults.keys()) this.end(id);
  }

  get isHealthy(): boolean {
    return this.#faults.size === 0;
  }

  /** What is wrong with it at present, for people. */
  describe(): string {
    if (this.isHealthy) return 'link fine';
    return `link ${[...this.#faults.values()].map((fault) => JSON.stringify(fault)).join(' ')}`;
  }

  /** The store as one incarnation sees it. */
  storeOf(end: LinkEnd): LeaseStore {
    const ask = <K extends keyof StoreReplies>(call: StoreCall & { readonly kind: K }) =>
      this.#ask(end, call) as Promise<StoreReplies[K]>;
    const { description } = this.#settings.model;
    return {
      acquire: (request) => ask({ kind: 'acquire', request }),
      renew: (request) => ask({ kind: 'renew', request }),
      release: (request) => ask({ kind: 'release', request }),
      read: (resource) => ask({ kind: 'read', request: { resource } }),
      watch: () =>
        new Observable((subscriber) => {
          const watcher = { end, subscriber };
          this.#watchers.add(watcher);
          return () => void this.#watchers.delete(watcher);
        }),
      describe: () => description,
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  #ask(end: LinkEnd, call: StoreCall): Promise<StoreReply> {
    const { promise, resolve, reject } = Promise.withResolvers<StoreReply>();
    const answer = (settle: () => void) => this.#deliver(end, settle);
    const draw = this.#requests;
    if (!this.#passes('requests') || draw.chance(this.#loss())) {
      // A refused connection is known at once not to have executed anything.
      if (this.#settings.options.refuses)
        this.#after(this.#delayMs(draw), () => answer(() => reject(unreachable(false))));
      return promise;
    }
    this.#after(this.#delayMs(draw), () => this.#arrive(call, end, { resolve, reject }));
    if (draw.chance(this.#repeats())) {
      const lateMs = draw.chance(MUCH_LATER) ? draw.exponential(this.#settings.leaseMs) : 0;
      this.#after(this.#delayMs(draw) + lateMs, () => this.#arrive(call, end, null));
    }
    return promise;
  }

  /** A request reaches the server. A repeated one has nobody who waits for its answer. */
  #arrive(
    call: StoreCall,
    end: LinkEnd,
    asker: { resolve: (reply: StoreReply) => void; reject: (error: unknown) => void } | null,
  ): void {
    const { model, clock, host, witness } = this.#settings;
    const waitMs = model.frozenUntilMs - clock.nowMs;
    if (waitMs > 0) return this.#after(waitMs, () => this.#arrive(call, end, asker));
    let answer: () => void;
    try {
      const reply = model.execute(call, host);
      witness.executed(call, reply);
      if (asker === null) witness.sometimes('request-repeated');
      answer = () => asker?.resolve(reply);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      witness.sometimes('store-refused');
      answer = () => asker?.reject(error);
    }
    if (asker === null) return;
    const draw = this.#replies;
    if (!this.#passes('replies') || draw.chance(this.#loss())) {
      witness.sometimes('executed-reply-lost');
      if (!this.#settings.options.refuses) return;
      answer = () => asker.reject(unreachable(true));
    }
    this.#after(this.#delayMs(draw), () => this.#deliver(end, answer));
  }

  #publish(signal: LeaseSignal): void {
    const { options } = this.#settings;
    for (const { end, subscriber } of this.#watchers) {
      const draw = this.#hints;
      const lost = draw.chance(Math.max(options.hintLoss, this.#loss()));
      const delayMs = this.#delayMs(draw);
      if (lost || !this.#passes('hints')) continue;
      this.#after(delayMs, () => this.#deliver(end, () => subscriber.next(signal)));
    }
  }

  /** To a process: one that is dead hears nothing, one that is frozen reads it when it goes on. */
  #deliver(end: LinkEnd, read: () => void): void {
    if (!end.alive) return;
    const { node } = this.#settings;
    if (!node.paused) return read();
    node.setTimeout(() => {
      if (end.alive) read();
    }, 0);
  }

  #after(delayMs: number, then: () => void): void {
    this.#settings.clock.setTimeout(then, delayMs);
  }

  #passes(what: 'requests' | 'replies' | 'hints'): boolean {
    if (this.#faults.size === 0) return true;
    for (const fault of this.#faults.values()) if (fault[what] === 'lost') return false;
    return true;
  }

  #delayMs(draw: Random): number {
    let meanMs = this.#settings.options.meanDelayMs;
    for (const { extraDelayMs = 0 } of this.#faults.values()) meanMs += extraDelayMs;
    return draw.exponential(meanMs);
  }

  #loss(): number {
    let { loss } = this.#settings.options;
    for (const fault of this.#faults.values()) loss = Math.max(loss, fault.loss ?? 0);
    return loss;
  }

  #repeats(): number {
    let { duplicates } = this.#settings.options;
    for (const { repeats = 0 } of this.#faults.values()) duplicates = Math.max(duplicates, repeats);
    return duplicates;
  }
}

/** What the members of a simulation compete for. */
export const RESOURCE = 'simulated';

function unreachable(outcomeUnknown: boolean): StoreUnavailableError {
  const what = outcomeUnknown
    ? 'The connection broke before the answer came.'
    : 'The connection was refused.';
  return new StoreUnavailableError('STORE_UNAVAILABLE', what, { outcomeUnknown });
}
