import { beforeEach, describe, expect, test } from 'vitest';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Random } from '../../src/simulation/random.ts';
import { RedisModel, type RedisModelOptions } from '../../src/simulation/redis-model.ts';
import { Candidate, quarantined, won } from './lease-store-fixture.ts';
import { LEASE_MS, modelOptions, storeOver } from './simulated-stores.ts';

const draw = () => new Random('draw');

let clock: VirtualClock;
let happened: Set<string>;

beforeEach(() => {
  clock = new VirtualClock();
  happened = new Set();
});

function make(more: Partial<RedisModelOptions> = {}): RedisModel {
  const sometimes = (what: string) => void happened.add(what);
  return new RedisModel({ ...modelOptions(clock, { sometimes }), freshStore: 'trust', ...more });
}

const candidate = (id: string, model: RedisModel, member = id) =>
  new Candidate(id, storeOver(model, member), LEASE_MS);

/** Two members, one on each side of a split: which is which is drawn by name. */
async function divided(model: RedisModel) {
  const a = candidate('a', model, 'm0');
  const token = await a.win();
  clock.advance(50);
  model.group.isolate(drawing({ m0: 0, m1: 1 }), 60, 10 * LEASE_MS);
  return { a, token, b: candidate('b', model, 'm1') };
}

/** Chance as it is wanted: below a half, a member stays with the old primary. */
function drawing(chances: Readonly<Record<string, number>>): Random {
  const random = draw();
  random.fork = (label) => Object.assign(draw(), { unit: () => chances[label] ?? 1 });
  return random;
}

const told = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('simulated redis: an old primary that lives on beside the new one', () => {
  test('goes on renewing where nothing protects writes, and that is told as the limit it is', async () => {
    const model = make({ replicas: 1, protection: 'none' });
    const { a, b, token } = await divided(model);
    clock.advance(100);
    expect(model.limit).toEqual({ untilMs: 0, token: 0n });
    expect((await a.renew(token, 1)).kind).toBe('renewed');
    quarantined(await b.acquire());
    clock.advance(LEASE_MS * DRIFT_FACTOR + 5);
    expect((await a.renew(token, 2)).kind).toBe('renewed');
    const { token: later } = won(await b.acquire());
    expect(model.limit.untilMs).toBeGreaterThan(clock.nowMs + LEASE_MS);
    // While both believe, the writes of one are refused for the other's token.
    expect(model.limit.token).toBe(later);
  });

  test('renews nothing that counts where a replica must have it', async () => {
    const model = make({ replicas: 1, protection: 'wait' });
    const { a, b, token } = await divided(model);
    clock.advance(100);
    expect(await told(a.renew(token, 1))).toMatchObject({ outcomeUnknown: true });
    quarantined(await b.acquire());
    expect(model.limit.untilMs).toBe(0);
  });

  test('takes no write soon after it lost sight of its replicas, where one is asked for', async () => {
    const model = make({ replicas: 1, protection: 'min-replicas' });
    const { a, token } = await divided(model);
    expect((await a.renew(token, 1)).kind).toBe('renewed');
    clock.advance(model.group.maxLagMs + 1);
    expect(String(await told(a.renew(token, 2)))).toMatch(/NOREPLICAS/);
    expect(model.limit.untilMs).toBe(0);
  });

  test('tells those who still talk to it that it is read-only, once it has become a replica', async () => {
    const model = make({ replicas: 1, protection: 'none' });
    const { a, token } = await divided(model);
    clock.advance(11 * LEASE_MS);
    expect(String(await told(a.renew(token, 1)))).toMatch(/READONLY/);
    expect((await a.renew(token, 1)).kind).toBe('renewed');
  });
});

describe('simulated redis: lost data', () => {
  test('a failover loses what the replica had not yet, and everybody waits', async () => {
    const model = make({ replicas: 1 });
    model.group.slowReplicas(1000);
    const a = candidate('a', model);
    const token = await a.win();
    model.group.crash(20, 100);
    expect(String(await told(a.read()))).toMatch(/connection refused/);
    clock.advance(21);
    expect(await a.read()).toBeNull();
    quarantined(await candidate('b', model).acquire({ seen: token }));
    expect(happened).toContain('tail-lost');
    expect(await a.renew(token, 1)).toEqual({ kind: 'renewed', restored: true });
  });

  test('a restart brings back what the disk had, a second behind at most', async () => {
    const model = make({ persistence: 'every-second' });
    const a = candidate('a', model);
    const token = await a.win();
    clock.advance(1500);
    await a.renew(token, 7);
    model.group.restart(false);
    expect(await a.read()).toMatchObject({ holder: 'a', token, beat: 1 });
    quarantined(await candidate('b', model).acquire());
  });

  test('nothing is brought back from no disk, and all of it from a synchronous one', async () => {
    const model = make({ persistence: 'always' });
    const a = candidate('a', model);
    const token = await a.win();
    model.group.restart(false);
    expect(await a.read()).toMatchObject({ holder: 'a', token });
    model.group.restart(true);
    expect(await a.read()).toBeNull();
  });
});

describe('simulated redis: what a server says instead of working', () => {
  test.for([
    ['busy', /BUSY/],
    ['loading', /LOADING/],
    ['read-only', /READONLY/],
    ['cluster-down', /CLUSTERDOWN/],
    ['out-of-memory', /OOM/],
  ] as const)('%s refuses an acquire, known not to be executed, until it is over', async ([fault, says]) => {
    const model = make();
    model.faults[fault]?.(draw());
    const a = candidate('a', model);
    const error = await told(a.acquire());
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcomeUnknown: false });
    expect(String(error)).toMatch(says);
    model.heal();
    won(await a.acquire());
  });

  test('out of memory does not end a term', async () => {
    const model = make();
    const a = candidate('a', model);
    const token = await a.win();
    model.faults['out-of-memory']?.(draw());
    expect((await a.renew(token, 1)).kind).toBe('renewed');
    expect((await a.release(token)).released).toBe(true);
  });

  test('a frozen server executes nothing until it goes on', () => {
    const model = make();
    model.faults['freeze-server']?.(draw());
    expect(model.frozenUntilMs).toBeGreaterThan(clock.nowMs);
  });
});

describe('simulated redis: the mirror', () => {
  test.for(['delete-mirror', 'evict-volatile-key'] as const)(
    '%s: the leader is told to stop, and nobody else is granted the lease in the same step',
    async (fault) => {
      const model = make();
      const a = candidate('a', model);
      const token = await a.win();
      model.faults[fault]?.(draw());
      expect(await a.renew(token, 1)).toEqual({ kind: 'denied', holder: null, token });
      expect((await candidate('b', model).acquire()).kind).toBe('held');
      // Having stopped, it releases.
      expect((await a.release(token)).released).toBe(true);
      won(await candidate('b', model).acquire());
    },
  );

  test('that ends with its lease says nothing', async () => {
    const model = make();
    const a = candidate('a', model);
    const token = await a.win();
    model.faults['delete-mirror']?.(draw());
    clock.advance(2 * LEASE_MS);
    expect((await a.renew(token, 1)).kind).toBe('renewed');
  });
});

describe('simulated redis: a clock that steps forward', () => {
  const hourMs = 3_600_000;

  test('deceives who has seen nothing, and that is told as the limit it is', async () => {
    const model = make();
    await candidate('a', model).win();
    for (const server of model.group.servers) server.stepClock(hourMs, clock.nowMs);
    won(await candidate('b', model).acquire());
    expect(model.limit.untilMs).toBeGreaterThanOrEqual(LEASE_MS);
  });

  test('deceives nobody who has watched, and a grant to them is no limit', async () => {
    const model = make();
    const token = await candidate('a', model).win();
    const b = candidate('b', model);
    for (const server of model.group.servers) server.stepClock(hourMs, clock.nowMs);
    clock.advance(LEASE_MS / 2);
    const observed = { holder: 'a', token, beat: 1, forMs: LEASE_MS / 2 };
    expect((await b.acquire({ observed })).kind).toBe('held');
    // By its own clock, which is a little ahead.
    clock.advance(LEASE_MS * 0.497);
    won(await b.acquire({ observed: { holder: 'a', token, beat: 1, forMs: LEASE_MS } }));
    expect(model.limit.untilMs).toBe(0);
  });
});

test('simulated redis: a lost token that comes again behind the clock is told as the limit it is', async () => {
  const model = make();
  const token = await candidate('a', model).win();
  for (const server of model.group.servers) server.stepClock(-3_600_000, clock.nowMs);
  model.faults['flush']?.(draw());
  clock.advance(LEASE_MS);
  expect(await candidate('b', model).win()).toBeLessThan(token);
  expect(model.limit.token).toBe(token);
});
