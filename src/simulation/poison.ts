import { UsageError } from '../errors.ts';

/**
 * What stands in for real time and randomness while a simulation runs: it throws, and tells of it even where somebody
 * catches that. Two things that XState and RxJS do are let through: XState's own use of `Date.now` (it notes when a
 * timer was set and never reads it) and `Math.random` (names for timers that were given none) gets virtual values; and
 * the timers by which both throw what nobody caught end the run.
 */

type Restore = () => void;

/** Puts it in the place of the real ones; returns what puts those back. */
export function poison(wallMs: () => number, fail: (error: unknown) => void): Restore {
  const restores: Restore[] = [];
  const replace = (owner: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { configurable: true, writable: true, value });
    restores.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    });
  };
  const refuse = (name: string): never => {
    const refusal = new UsageError('IMPURE_TRANSITION', refusalOf(name));
    fail(refusal);
    throw refusal;
  };
  const refusing = (name: string) => () => refuse(name);
  // oxlint-disable-next-line rings/ambient -- what is replaced here is what the rule keeps others from
  const world: typeof globalThis = globalThis;
  const { performance, crypto } = world;
  replace(world, 'setTimeout', (fn: () => void) => {
    if (isCalledBy(LIBRARIES)) throwLater(fn, fail);
    else refuse('setTimeout');
  });
  for (const name of ['setInterval', 'setImmediate']) replace(world, name, refusing(name));
  replace(performance, 'now', refusing('performance.now'));
  replace(crypto, 'randomUUID', refusing('crypto.randomUUID'));
  replace(crypto, 'getRandomValues', refusing('crypto.getRandomValues'));
  replace(AbortSignal, 'timeout', refusing('AbortSignal.timeout'));
  const bigint = refusing('process.hrtime');
  replace(process, 'hrtime', Object.assign(refusing('process.hrtime'), { bigint }));
  const byXState = sampled(() => isCalledBy(XSTATE));
  replace(Math, 'random', () => (isCalledBy(XSTATE) ? 0.5 : refuse('Math.random')));
  const now = () => (byXState() ? wallMs() : refuse('Date.now'));
  replace(world, 'Date', virtualDate(now, refusing('Date')));
  return () => {
    for (const restore of restores.toReversed()) restore();
  };
}

const refusalOf = (name: string) =>
  `${name} was used within a simulation, which would make each run another one. Take the Clock or Randomness port.`;

/** What a library throws in a timer of its own is what nobody caught. */
function throwLater(fn: () => void, fail: (error: unknown) => void): void {
  try {
    fn();
  } catch (error) {
    fail(error);
  }
}

function virtualDate(now: () => number, refuse: () => never): DateConstructor {
  // oxlint-disable-next-line rings/ambient -- for times that are given; it is never asked for the present one
  const RealDate = Date;
  const Virtual = function (this: unknown, ...parts: unknown[]) {
    if (new.target === undefined || parts.length === 0) return refuse();
    return Reflect.construct(RealDate, parts, new.target) as Date;
  } as unknown as DateConstructor;
  Object.setPrototypeOf(Virtual, RealDate);
  Object.defineProperty(Virtual, 'prototype', { value: RealDate.prototype });
  Virtual.now = now;
  return Virtual;
}

/** Looking who called takes as long as a good part of a step; who calls once in a step is found all the same. */
const ALWAYS_LOOKED_AT = 20;
const THEN_ONE_IN = 53;

/** Answers what `look` does at first, and later for one call in many; true for the others. */
function sampled(look: () => boolean): () => boolean {
  let calls = 0;
  return () => {
    calls += 1;
    return calls > ALWAYS_LOOKED_AT && calls % THEN_ONE_IN !== 0 ? true : look();
  };
}

const XSTATE = /\/node_modules\/xstate\//;
const LIBRARIES = /\/node_modules\/(xstate|rxjs)\//;

/** Frames up to the one that called what is replaced. */
const FRAMES = 6;

function isCalledBy(library: RegExp): boolean {
  const before = Error.stackTraceLimit;
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Error.stackTraceLimit = FRAMES;
  Error.prepareStackTrace = (_, sites) => sites;
  try {
    const { stack } = new Error('who asks?') as unknown as { readonly stack: readonly NodeJS.CallSite[] };
    const caller = stack.find((site) => site.getFileName()?.includes('/simulation/poison.') !== true);
    return library.test(caller?.getFileName() ?? '');
  } finally {
    Error.stackTraceLimit = before;
    if (prepare === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', prepare);
  }
}
