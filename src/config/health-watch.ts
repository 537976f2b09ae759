import type { ReloadFailure } from '../../machines/index.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import { within } from './within.ts';

/**
 * Asks the application whether the configuration in force does harm, again and again while it is on probation.
 * How long that is, the chart says; a single no ends it.
 */
export type HealthCheck<T> = (
  config: T,
  options: { readonly signal: AbortSignal },
) => void | boolean | Promise<void | boolean>;

/** How often the application is asked, in milliseconds; three times at least. */
export const HEALTH_EVERY_MS = 1000;
/** A check that takes longer counts as a no, in milliseconds. */
export const HEALTH_DEADLINE_MS = 5000;

export class HealthWatch<T> {
  readonly #health: HealthCheck<T> | null;
  readonly #clock: Clock;
  readonly #onHarm: (attempt: number, error: ReloadFailure) => void;
  #asked: AbortController | null = null;
  #timer: TimerId = null;

  constructor(
    { health, clock }: { readonly health: HealthCheck<T> | null; readonly clock: Clock },
    onHarm: (attempt: number, error: ReloadFailure) => void,
  ) {
    this.#health = health;
    this.#clock = clock;
    this.#onHarm = onHarm;
  }

  watch({ attempt, forMs }: { readonly attempt: number; readonly forMs: number }, config: T): void {
    this.end();
    const health = this.#health;
    if (health === null) return;
    const asked = new AbortController();
    this.#asked = asked;
    const everyMs = Math.min(HEALTH_EVERY_MS, forMs / 3);
    const until = this.#clock.monotonicMs() + forMs;
    const again = (): void => {
      if (asked.signal.aborted || this.#clock.monotonicMs() + everyMs > until) return;
      this.#timer = this.#clock.setTimeout(() => void ask(), everyMs);
    };
    const ask = async (): Promise<void> => {
      const harm = await this.#ask(health, config, asked.signal);
      if (asked.signal.aborted) return;
      if (harm === null) again();
      else this.#onHarm(attempt, harm);
    };
    again();
  }

  /** Asks no more. */
  end(): void {
    this.#asked?.abort();
    this.#asked = null;
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #ask(health: HealthCheck<T>, config: T, signal: AbortSignal): Promise<ReloadFailure | null> {
    const code = 'UNHEALTHY';
    try {
      const answer = await within(
        this.#clock,
        HEALTH_DEADLINE_MS,
        (async () => health(config, { signal }))(),
      );
      return answer === false ? { code, message: 'The health check says no.' } : null;
    } catch (error) {
      return { code, message: error instanceof Error ? error.message : String(error) };
    }
  }
}
