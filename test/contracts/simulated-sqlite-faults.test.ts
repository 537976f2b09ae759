import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Random } from '../../src/simulation/random.ts';
import { SqliteModel, type SqliteModelOptions } from '../../src/simulation/sqlite-model.ts';
import { Candidate, quarantined, won } from './lease-store-fixture.ts';
import { LEASE_MS, modelOptions, storeOver } from './simulated-stores.ts';

const draw = () => new Random('draw');
const told = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

let clock: VirtualClock;

beforeEach(() => {
  clock = new VirtualClock();
});

const make = (more: Partial<SqliteModelOptions> = {}) =>
  new SqliteModel({ ...modelOptions(clock), freshStore: 'trust', apart: false, ...more });

const candidate = (id: string, model: SqliteModel, member = id) =>
  new Candidate(id, storeOver(model, member), LEASE_MS);

describe('simulated sqlite: times that nobody can read', () => {
  test('after a boot a lease ends only when it was watched for as long as it lasts', async () => {
    const model = make();
    const token = await candidate('a', model).win();
    model.faults['boot-host']?.(draw());
    clock.advance(10 * LEASE_MS);
    const b = candidate('b', model);
    expect(await b.acquire()).toMatchObject({ kind: 'held', ageMs: 0 });
    won(await b.acquire({ observed: { holder: 'a', token, beat: 1, forMs: 2 * LEASE_MS } }));
  });

  test('members with clocks of their own see each lease as just begun', async () => {
    const model = make({ apart: true });
    const a = candidate('a', model);
    const token = await a.win();
    clock.advance(LEASE_MS / 2);
    expect(await candidate('b', model).acquire()).toMatchObject({ kind: 'held', ageMs: 0 });
    expect((await a.renew(token, 1)).kind).toBe('renewed');
  });
});

describe('simulated sqlite: the file', () => {
  test('deleted under a leader makes those wait who have seen it or its leader, and is a limit for the others', async () => {
    const model = make();
    const a = candidate('a', model);
    const b = candidate('b', model);
    const token = await a.win();
    expect((await b.acquire()).kind).toBe('held');
    model.faults['delete-file']?.(draw());
    quarantined(await b.acquire());
    quarantined(await candidate('d', model).acquire({ seen: token }));
    model.faults['delete-file']?.(draw());
    won(await candidate('c', model).acquire());
    expect(model.limit.untilMs).toBeGreaterThanOrEqual(LEASE_MS);
  });

  test('brought back from a copy is another data set', async () => {
    const model = make();
    await candidate('a', model).win();
    model.faults['back-up-file']?.(draw());
    model.faults['restore-file']?.(draw());
    quarantined(await candidate('b', model).acquire());
    expect(model.limit.untilMs).toBe(0);
  });

  test.for([
    ['lock-file', false],
    ['make-unwritable', false],
    ['fill-disk', true],
  ] as const)(
    '%s: calls fail, and are known or not to have had an effect',
    async ([fault, outcomeUnknown]) => {
      const model = make();
      const a = candidate('a', model);
      model.faults[fault]?.(draw());
      expect(await told(a.acquire())).toMatchObject({ code: 'STORE_UNAVAILABLE', outcomeUnknown });
      expect(await a.read()).toBeNull();
      model.heal();
      won(await a.acquire());
    },
  );

  test('on a slow disk calls wait', () => {
    const model = make();
    model.faults['slow-disk']?.(draw());
    expect(model.frozenUntilMs).toBeGreaterThan(clock.nowMs);
  });
});
