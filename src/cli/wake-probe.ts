import type { Clock, TimerId } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';

/** A process that does nothing at all for longer than this stood still. */
const STILLNESS_MS = 100;
const BEAT_MS = 10;

/** What there is to tell about the first moment after a standstill. */
export interface Waking {
  /** Monotonic milliseconds at which it was noticed. */
  readonly mono: number;
  /** How long the process stood still. */
  readonly gapMs: number;
  /** What ran first: the signal that continues a stopped process, a timer of the election, or this probe's own. */
  readonly noticedBy: 'signal' | 'timer' | 'beat';
}

/**
 * Notices that its process stood still (SIGSTOP, a suspended host, a stalled event loop) in the first tick after it,
 * before any timer of the election has run: give the election the probe's `clock`, and each of its timers looks
 * first. What the election says in `onWaking` is thus what it says before it could have noticed anything by itself.
 */
export class WakeProbe implements Disposable {
  readonly clock: Clock;
  readonly #real: Clock;
  readonly #onWaking: (waking: Waking) => void;
  readonly #onSignal = () => this.#look('signal');
  #awakeAt: number;
  #beat: TimerId = null;

  constructor(onWaking: (waking: Waking) => void, real: Clock = systemClock) {
    this.#onWaking = onWaking;
    this.#real = real;
    this.#awakeAt = real.monotonicMs();
    this.clock = {
      monotonicMs: () => real.monotonicMs(),
      wallMs: () => real.wallMs(),
      clearTimeout: (id) => real.clearTimeout(id),
      setTimeout: (fn, delayMs) =>
        real.setTimeout(() => {
          this.#look('timer');
          fn();
        }, delayMs),
    };
    process.on('SIGCONT', this.#onSignal);
    this.#schedule();
  }

  [Symbol.dispose](): void {
    process.off('SIGCONT', this.#onSignal);
    this.#real.clearTimeout(this.#beat);
  }

  #schedule(): void {
    this.#beat = this.#real.setTimeout(() => {
      this.#look('beat');
      this.#schedule();
    }, BEAT_MS);
  }

  #look(noticedBy: Waking['noticedBy']): void {
    const mono = this.#real.monotonicMs();
    const gapMs = mono - this.#awakeAt;
    this.#awakeAt = mono;
    if (gapMs > STILLNESS_MS) this.#onWaking({ mono, gapMs, noticedBy });
  }
}
