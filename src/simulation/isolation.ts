import { UsageError } from '../errors.ts';

/**
 * Running without real time, real timers and real randomness.
 *
 * A simulation is one long turn of the event loop: nothing but its own steps and the microtasks they leave run in it.
 * While it lasts, whatever would read real time or randomness throws, so that code which reaches past its ports is
 * found; comparing two runs would not find it, since real time hardly moves within one. XState's own use of `Date.now`
 * (it notes when a timer was set and never reads it) and `Math.random` (names for timers that were given none) is
 * harmless and gets virtual values.
 */

/** Steps of a long run after which the event loop gets a turn, so that the process stays responsive. */
const STEPS_IN_A_TURN = 50_000;

type Restore = () => void;

/**
 * Runs `step` until it returns false. After each step every microtask runs to its end before the next begins: a tick
 * that is asked for by the last microtask comes when there are no more. That costs a tenth of a turn of the event loop.
 *
 * @param wallMs What XState is told when it asks for the time.
 */
export function isolated(step: () => boolean, wallMs: () => number): Promise<void> {
  const turn = Promise.resolve();
  return new Promise((resolve, reject) => {
    let restore = poison(wallMs);
    let left = STEPS_IN_A_TURN;
    const end = (settle: () => void) => {
      restore();
      settle();
    };
    const next = () => {
      try {
        if (!step()) return end(resolve);
      } catch (error) {
        return end(() => reject(error));
      }
      left -= 1;
      // Microtasks first, also before a pause: they must not meet the real clocks.
      return void turn.then(left > 0 ? askForTick : askForPause);
    };
    const askForTick = () => process.nextTick(next);
    const askForPause = () => process.nextTick(pause);
    const pause = () => {
      restore();
      left = STEPS_IN_A_TURN;
      // oxlint-disable-next-line rings/ambient -- between two steps, to let the event loop turn
      setImmediate(() => {
        restore = poison(wallMs);
        next();
      });
    };
    next();
  });
}

/** Puts what throws in the place of real time and randomness; returns what puts them back. */
function poison(wallMs: () => number): Restore {
  const restores: Restore[] = [];
  const replace = (owner: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { configurable: true, writable: true, value });
    restores.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    });
  };
  // oxlint-disable-next-line rings/ambient -- what is replaced here is what the rule keeps others from
  const world: typeof globalThis = globalThis;
  const { performance, crypto } = world;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) replace(world, name, refusing(name));
  replace(performance, 'now', refusing('performance.now'));
  replace(crypto, 'randomUUID', refusing('crypto.randomUUID'));
  replace(crypto, 'getRandomValues', refusing('crypto.getRandomValues'));
  replace(AbortSignal, 'timeout', refusing('AbortSignal.timeout'));
  replace(
    process,
    'hrtime',
    Object.assign(refusing('process.hrtime'), { bigint: refusing('process.hrtime') }),
  );
  const byXState = sampled(calledByXState);
  replace(Math, 'random', () => (calledByXState() ? 0.5 : refuse('Math.random')));
  replace(
    world,
    'Date',
    virtualDate(() => (byXState() ? wallMs() : refuse('Date.now'))),
  );
  return () => {
    for (const restore of restores.toReversed()) restore();
  };
}

const refusing = (name: string) => () => refuse(name);

function refuse(name: string): never {
  throw new UsageError(
    'IMPURE_TRANSITION',
    `${name} was used within a simulation, which would make each run another one. Take the Clock or Randomness port.`,
  );
}

function virtualDate(now: () => number): DateConstructor {
  // oxlint-disable-next-line rings/ambient -- for times that are given; it is never asked for the present one
  const RealDate = Date;
  const Virtual = function (this: unknown, ...parts: unknown[]) {
    if (new.target === undefined || parts.length === 0) return refuse('Date');
    return Reflect.construct(RealDate, parts, new.target) as Date;
  } as unknown as DateConstructor;
  Object.setPrototypeOf(Virtual, RealDate);
  Object.defineProperty(Virtual, 'prototype', { value: RealDate.prototype });
  Virtual.now = now;
  return Virtual;
}

/** Looking who called takes as long as a good part of a step; who calls once in a step is found all the same. */
const ALWAYS_LOOKED_AT = 50;
const THEN_ONE_IN = 29;

/** Answers what `look` does at first, and later for one call in many; true for the others. */
function sampled(look: () => boolean): () => boolean {
  let calls = 0;
  return () => {
    calls += 1;
    return calls > ALWAYS_LOOKED_AT && calls % THEN_ONE_IN !== 0 ? true : look();
  };
}

/** Frames up to the one that called `Date.now`. */
const FRAMES = 5;

function calledByXState(): boolean {
  const before = Error.stackTraceLimit;
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Error.stackTraceLimit = FRAMES;
  Error.prepareStackTrace = (_, sites) => sites;
  try {
    const { stack } = new Error('who asks?') as unknown as { readonly stack: readonly NodeJS.CallSite[] };
    const caller = stack.find((site) => site.getFileName()?.includes('/simulation/isolation.') !== true);
    return caller?.getFileName()?.includes('/node_modules/xstate/') === true;
  } finally {
    Error.stackTraceLimit = before;
    if (prepare === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', prepare);
  }
}
