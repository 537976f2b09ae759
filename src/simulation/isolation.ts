import { poison } from './poison.ts';

/**
 * Running without real time, real timers and real randomness.
 *
 * A simulation is one long turn of the event loop: nothing but its own steps and the microtasks they leave run in it.
 * While it lasts, whatever would read real time or randomness throws (`poison.ts`), so that code which reaches past its
 * ports is found; comparing two runs would not find it, since real time hardly moves within one. What throws where
 * nobody catches it, or rejects where nobody waits, ends the run, too.
 */

/** Steps of a long run after which the event loop gets a turn, so that the process stays responsive. */
const STEPS_IN_A_TURN = 50_000;

/**
 * Runs `step` until it returns false. After each step every microtask runs to its end before the next begins: a tick
 * that is asked for by the last microtask comes when there are no more. That costs a tenth of a turn of the event loop.
 * Rejects with the first thing that went wrong.
 *
 * @param wallMs What XState is told when it asks for the time.
 */
export function isolated(step: () => boolean, wallMs: () => number): Promise<void> {
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const done = (failure: Failure | null) => (failure === null ? resolve() : reject(failure.error));
      new Isolation(step, wallMs, done).run();
    });
  // There is one world to isolate from: who comes second waits.
  const mine = last.then(run);
  last = mine.catch(() => {});
  return mine;
}

let last: Promise<void> = Promise.resolve();

interface Failure {
  readonly error: unknown;
}

class Isolation {
  readonly #step: () => boolean;
  readonly #wallMs: () => number;
  readonly #done: (failure: Failure | null) => void;
  readonly #turn = Promise.resolve();
  #left = 0;
  #failure: Failure | null = null;
  #restoreClocks = (): void => {};
  #restoreListeners = (): void => {};

  constructor(step: () => boolean, wallMs: () => number, done: (failure: Failure | null) => void) {
    this.#step = step;
    this.#wallMs = wallMs;
    this.#done = done;
  }

  run(): void {
    this.#left = STEPS_IN_A_TURN;
    this.#restoreClocks = poison(this.#wallMs, this.#fail);
    this.#restoreListeners = onlyListener('unhandledRejection', this.#fail);
    this.#next();
  }

  readonly #next = (): void => {
    let goesOn = false;
    try {
      goesOn = this.#failure === null && this.#step();
    } catch (error) {
      this.#fail(error);
    }
    this.#left -= 1;
    // Microtasks first, also before a pause: they must not meet the real clocks.
    const then = !goesOn ? this.#askForEnd : this.#left > 0 ? this.#askForNext : this.#askForPause;
    void this.#turn.then(then);
  };

  readonly #askForNext = (): void => process.nextTick(this.#next);
  readonly #askForPause = (): void => process.nextTick(this.#pause, () => this.run());
  readonly #askForEnd = (): void => process.nextTick(this.#pause, () => this.#done(this.#failure));

  /** Node tells of rejections that nobody waits for when no tick is left, so before the immediate. */
  readonly #pause = (then: () => void): void => {
    this.#restoreClocks();
    // oxlint-disable-next-line rings/ambient -- between two steps, to let the event loop turn
    setImmediate(() => {
      this.#restoreListeners();
      then();
    });
  };

  /** The first one counts. */
  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error };
  };
}

/** Listens to an event of the process in the place of all who did; returns what gives it back to them. */
function onlyListener(event: 'unhandledRejection', listener: (error: unknown) => void): () => void {
  const others = process.listeners(event);
  process.removeAllListeners(event);
  process.on(event, listener);
  return () => {
    process.off(event, listener);
    for (const other of others) process.on(event, other);
  };
}
