import { shownBeat } from '../lease/lease-record.ts';
import type { AcquireReply, AcquireRequest, Token } from '../lease/lease-store.ts';
import type { Entry, RedisServer } from './redis-model-server.ts';
import type { StoreLimit } from './simulated-store.ts';

/**
 * Whether what a server just did lies beyond what the protocol promises. It is judged by what befell the server and
 * by what was asked, never by what the protocol decided from it: a bug does not pass as a limit.
 */

/** Two clocks within the promise differ by this factor at most. */
const DRIFT_SLACK = 1.01;

export class LimitWatch {
  #untilMs = 0;
  #token: Token = 0n;
  #highestGranted: Token = 0n;
  readonly #sometimes: (what: string) => void;

  constructor(sometimes: (what: string) => void) {
    this.#sometimes = sometimes;
  }

  get limit(): StoreLimit {
    return { untilMs: this.#untilMs, token: this.#token };
  }

  /** A primary that was replaced, and has not noticed, took a write that no other server has. */
  deposedWrote(leaseMs: number, token: Token, nowMs: number): void {
    this.#sometimes('deposed-primary-wrote');
    this.#extend(nowMs + leaseMs * DRIFT_SLACK);
    this.#cover(token);
  }

  /**
   * A clock that stepped forward ends a lease, or a wait, for those who have not seen it begin.
   *
   * @param before What stood when the request came.
   */
  acquired(
    server: RedisServer,
    before: Entry | null,
    {
      ask,
      reply,
      nowMs,
    }: { readonly ask: AcquireRequest; readonly reply: AcquireReply; readonly nowMs: number },
  ): void {
    if (before === null || reply.kind === 'quarantined' || reply.kind === 'stale') return;
    const { record, renewedAtMs, lossAtMs } = before;
    const steppedAtMs = server.steppedForwardAtMs;
    const knew = (forMs: number, agedMs: number) => forMs <= agedMs * DRIFT_SLACK + 1;
    if (record.loss !== null) {
      const agedMs = nowMs - lossAtMs;
      const knewLoss = ask.loss?.id === record.loss.id && knew(ask.loss.forMs, agedMs);
      if (steppedAtMs >= lossAtMs && agedMs < record.longestMs * DRIFT_SLACK && !knewLoss)
        this.#stepped(lossAtMs + record.longestMs * DRIFT_SLACK);
    }
    if (reply.kind === 'won' && record.holder !== null && record.holder !== ask.id) {
      const agedMs = nowMs - renewedAtMs;
      const { observed } = ask;
      const watched =
        observed?.holder === record.holder &&
        observed?.token === record.token &&
        observed.beat === shownBeat(record);
      if (steppedAtMs >= renewedAtMs && agedMs < record.leaseMs && !(watched && knew(observed.forMs, agedMs)))
        this.#stepped(renewedAtMs + record.leaseMs * DRIFT_SLACK);
    }
  }

  /** Lost tokens come again where the server's clock is behind them and nobody tells of them. */
  granted(
    token: Token,
    { floor, known, nowMs }: { readonly floor: Token; readonly known: Token; readonly nowMs: number },
  ): void {
    const unknowable = known < this.#highestGranted && floor <= this.#highestGranted;
    if (token <= this.#highestGranted && unknowable) {
      this.#sometimes('lost-token-behind-clock');
      this.#cover(this.#highestGranted);
    }
    if (token > this.#highestGranted) this.#highestGranted = token;
    // Of two that believe, one has the smaller token, and its writes are refused.
    if (nowMs < this.#untilMs) this.#cover(token);
  }

  #stepped(untilMs: number): void {
    this.#sometimes('granted-by-clock-step');
    this.#extend(untilMs);
  }

  #extend(untilMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    this.#cover(this.#highestGranted);
  }

  #cover(token: Token): void {
    if (token > this.#token) this.#token = token;
  }
}
