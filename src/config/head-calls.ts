import { ConclaveError, StoreUnavailableError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { type HeadState, headOf, type MemberReport, pastOf, reportOf } from './head.ts';
import type { HeadCallOptions, HeadStore, HeadSwap } from './head-store.ts';
import { within } from './within.ts';

/** How long the store may take for one answer, in milliseconds. */
export const HEAD_CALL_MS = 2000;

/** A store as one member asks it: with a deadline for each call, and texts understood. */
export class HeadCalls {
  readonly store: HeadStore;
  readonly #clock: Clock;
  readonly #ended = new AbortController();

  constructor(store: HeadStore, clock: Clock) {
    this.store = store;
    this.#clock = clock;
  }

  /** Gives up all calls. */
  end(): void {
    this.#ended.abort();
  }

  head(): Promise<string | null> {
    return this.#ask((options) => this.store.head(options));
  }

  /** Head and history as they belong together: a swap that depends on them compares the head. */
  async state(): Promise<HeadState> {
    const text = await this.head();
    const past = pastOf(await this.#ask((options) => this.store.history(options)));
    return { text, head: headOf(text), ...past };
  }

  swap(change: HeadSwap): Promise<boolean> {
    return this.#ask((options) => this.store.swap(change, options));
  }

  content(sha: string): Promise<string | null> {
    return this.#ask((options) => this.store.content(sha, options));
  }

  keep(sha: string, text: string): Promise<void> {
    return this.#ask((options) => this.store.keep(sha, text, options));
  }

  call(): Promise<void> {
    return this.#ask((options) => this.store.call(options));
  }

  report(report: MemberReport, forMs: number): Promise<void> {
    return this.#ask((options) => this.store.report(report.member, JSON.stringify(report), forMs, options));
  }

  async reports(): Promise<readonly MemberReport[]> {
    const texts = await this.#ask((options) => this.store.reports(options));
    return texts.map(reportOf).filter((report) => report !== null);
  }

  async #ask<R>(call: (options: HeadCallOptions) => Promise<R>): Promise<R> {
    const asked = new AbortController();
    const signal = AbortSignal.any([asked.signal, this.#ended.signal]);
    try {
      return await within(this.#clock, HEAD_CALL_MS, call({ signal }));
    } catch (cause) {
      if (cause instanceof ConclaveError) throw cause;
      const message = `The configuration store at ${this.store.describe().location} does not answer.`;
      throw new StoreUnavailableError('STORE_TIMEOUT', message, { cause, outcomeUnknown: true });
    } finally {
      asked.abort();
    }
  }
}
