import type { Term } from '../../machines/index.ts';
import { LeadershipError } from '../errors.ts';
import type { Token } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';

/**
 * One period of leadership, as the application sees it.
 *
 * `isCurrent` compares clocks at the call: after a freeze it is false at once, before any timer has fired and
 * before `signal` is aborted. Neither can reach work that is already on its way to a third system: pass `token`
 * along, and let that system refuse smaller ones.
 */
export class LeadershipTerm {
  /** What protects resources: larger than the token of every earlier term. */
  readonly token: Token;
  /** Counts the terms of this resource, as far as the store knows. */
  readonly number: number;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #work = new Set<Promise<unknown>>();
  #validUntil: number;
  #validUntilWall: number;

  /** Made by the election; not for applications. */
  constructor(term: Term, clock: Clock) {
    this.token = BigInt(term.token);
    this.number = term.number;
    this.#clock = clock;
    this.#validUntil = term.validUntil;
    this.#validUntilWall = term.validUntilWall;
  }

  /** Aborted at the moment the term ends; its reason is a `LeadershipError` that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether this term stands, by the clocks, now. */
  get isCurrent(): boolean {
    return !this.signal.aborted && this.remainingMs > 0;
  }

  /** Milliseconds this term still stands for if it is not renewed; 0 once it has ended. */
  get remainingMs(): number {
    if (this.signal.aborted) return 0;
    const monotonicLeft = this.#validUntil - this.#clock.monotonicMs();
    const wallLeft = this.#validUntilWall - this.#clock.wallMs();
    return Math.max(0, Math.min(monotonicLeft, wallLeft));
  }

  /**
   * Throws `NOT_LEADER` unless the term stands: put it right before an act that needs leadership.
   *
   * @throws LeadershipError
   */
  assertCurrent(): void {
    if (this.isCurrent) return;
    throw new LeadershipError('NOT_LEADER', `Term ${this.number} (token ${this.token}) is over.`);
  }

  /**
   * Registers work of this term: when leadership is given up on purpose, the lease is handed over only after it
   * has settled, or after the drain timeout.
   */
  waitUntil(work: Promise<unknown>): void {
    this.#work.add(work);
    const forget = () => this.#work.delete(work);
    work.then(forget, forget);
  }

  /** Resolves when all registered work has settled. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  /** For the election. */
  extend(validUntil: number, validUntilWall: number): void {
    this.#validUntil = validUntil;
    this.#validUntilWall = validUntilWall;
  }

  /** For the election. */
  end(reason: LeadershipError): void {
    this.#controller.abort(reason);
  }
}
