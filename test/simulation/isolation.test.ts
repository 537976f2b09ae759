import { describe, expect, test } from 'vitest';
import { runSeed, storeKind, type MemberMutation } from '../../src/simulation/index.ts';
import { isolated } from '../../src/simulation/isolation.ts';

const wallMs = () => 0;

/** Runs a step and says what came of it. */
const running = (step: () => unknown) =>
  isolated(() => {
    step();
    return false;
  }, wallMs);

const ambient: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date()': () => new Date(),
  'Math.random': () => Math.random(),
  'performance.now': () => performance.now(),
  'process.hrtime': () => process.hrtime(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  setTimeout: () => setTimeout(() => {}, 1),
  setInterval: () => setInterval(() => {}, 1),
  setImmediate: () => setImmediate(() => {}),
  'AbortSignal.timeout': () => AbortSignal.timeout(1),
  'crypto.randomUUID': () => crypto.randomUUID(),
};

describe('while a simulation runs', () => {
  test.for(Object.keys(ambient))('%s is refused, and works again afterwards', async (name) => {
    await expect(running(ambient[name] as () => unknown)).rejects.toThrow(/used within a simulation/);
    const back = ambient[name]?.();
    if (name.startsWith('set')) clearTimeout(back as NodeJS.Timeout);
  });

  test('a date that is given is none that is asked for', async () => {
    let text = '';
    await running(() => (text = new Date(0).toISOString()));
    expect(text).toBe('1970-01-01T00:00:00.000Z');
  });

  test('every microtask of a step runs before the next step begins, however long the chain', async () => {
    const seen: string[] = [];
    let steps = 0;
    const chain = async (left: number): Promise<void> => {
      if (left === 0) return void seen.push(`chain of step ${steps}`);
      await Promise.resolve();
      await chain(left - 1);
    };
    await isolated(() => {
      steps += 1;
      seen.push(`step ${steps}`);
      if (steps < 3) void chain(200);
      return steps < 3;
    }, wallMs);
    expect(seen).toEqual(['step 1', 'chain of step 1', 'step 2', 'chain of step 2', 'step 3']);
  });

  test('the event loop gets its turn in a long run, with the real clocks in place', async () => {
    let steps = 0;
    let turned = 0;
    let over = false;
    const turn = () => {
      if (over) return;
      turned += Number(Date.now() > 0);
      setImmediate(turn);
    };
    setImmediate(turn);
    await isolated(() => (steps += 1) < 120_000, wallMs);
    over = true;
    expect(turned).toBeGreaterThan(0);
  });

  const reaching: Readonly<Record<string, MemberMutation>> = {
    'an event handler': { event: (event) => (Date.now() > 0 ? event : null) },
    'a clock': { clock: (clock) => ({ ...bound(clock), monotonicMs: () => performance.now() }) },
    'a store': {
      leases: (leases) => ({
        ...leases,
        renew: (request, options) => {
          setTimeout(() => {}, 1);
          return leases.renew(request, options);
        },
        [Symbol.asyncDispose]: () => leases.close(),
      }),
    },
  };

  test.for(Object.keys(reaching))(
    '%s of a member that reaches past its ports fails the run',
    async (name) => {
      const mutant = { name, planted: name, seeds: 1, member: reaching[name] as MemberMutation };
      const run = await runSeed({ seed: 1, store: storeKind('redis'), fixed: { faults: [] }, mutant });
      expect(run.violation?.invariant).toBe('pure-simulation');
    },
  );
});

/** A clock's methods as plain functions. */
function bound(clock: Parameters<NonNullable<MemberMutation['clock']>>[0]) {
  return {
    wallMs: () => clock.wallMs(),
    setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
    clearTimeout: (id: unknown) => clock.clearTimeout(id),
  };
}
