import { fc, test } from '@fast-check/vitest';
import { describe, expect, vi } from 'vitest';
import { memoryLeases, StoreUnavailableError } from '../../src/index.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { LeaseHistory, type LeaseOperation } from '../../src/simulation/linearizability-history.ts';
import { checkLeaseHistory, STATES_MAX } from '../../src/simulation/linearizability.ts';
import { histories, LEASE_MS, operation } from './linearizability-histories.ts';

const RUNS = Number(process.env['RUNS'] ?? 300);

const won = (token: bigint) => ({ kind: 'won', token, term: 1 }) as const;
const renewed = { kind: 'renewed', restored: false } as const;
const acquire = { kind: 'acquire' } as const;
const held = (holder: string, token: bigint) =>
  ({ kind: 'held', holder, token, beat: 0, leaseMs: LEASE_MS, remainingMs: 1, ageMs: 1 }) as const;

const isWin = ({ reply }: LeaseOperation) => reply !== null && 'kind' in reply && reply.kind === 'won';

describe('a history that one lease has given', () => {
  test.prop([histories], { numRuns: RUNS })(
    'is accepted, however its operations overlap and whichever were not answered',
    (history) => {
      expect(checkLeaseHistory(history, { judged: 'all' })).toMatchObject({ violation: null, undecided: [] });
      expect(checkLeaseHistory(history)).toMatchObject({ violation: null, undecided: [] });
    },
  );

  test.prop([histories], { numRuns: RUNS })('stays possible up to any moment of it', (history) => {
    for (const { returnedAt } of history.slice(0, 5)) {
      const known = history
        .filter(({ calledAt }) => calledAt <= (returnedAt ?? 0))
        .map((each) =>
          (each.returnedAt ?? Infinity) <= (returnedAt ?? 0)
            ? each
            : { ...each, returnedAt: null, reply: null },
        );
      expect(checkLeaseHistory(known, { judged: 'all' }).violation).toBeNull();
    }
  });
});

/** A history with a win in it, and one of its wins. */
const withWin = fc
  .tuple(histories, fc.nat())
  .filter(([history]) => history.some(isWin))
  .map(([history, n]) => {
    const wins = history.filter(isWin);
    return { history, win: wins[n % wins.length] as LeaseOperation };
  });

/** What is true of every refusal: it names the shortest beginning that shows it. */
function expectRefusal(
  history: readonly LeaseOperation[],
  judged: 'grants' | 'all',
): readonly LeaseOperation[] {
  const { violation } = checkLeaseHistory(history, { judged });
  if (violation === null) expect.fail('was accepted');
  const { prefix } = violation;
  expect(checkLeaseHistory(prefix, { judged }).violation).not.toBeNull();
  const answers = prefix.flatMap(({ returnedAt }) => returnedAt ?? []);
  const last = Math.max(...answers);
  const shorter = prefix.map((each) =>
    each.returnedAt === last ? { ...each, returnedAt: null, reply: null } : each,
  );
  expect(checkLeaseHistory(shorter, { judged }).violation).toBeNull();
  expect(violation.message).toContain(`at ${last.toFixed(1)}`);
  return prefix;
}

describe('a history that no lease can have given is refused, with its shortest impossible beginning', () => {
  test.prop([withWin], { numRuns: RUNS })('a token that comes twice', ({ history, win }) => {
    const end =
      Math.max(...history.map(({ returnedAt, calledAt }) => returnedAt ?? calledAt)) + 10 * LEASE_MS;
    const token = isWin(win) ? (win.reply as { readonly token: bigint }).token : 0n;
    const again = operation('late', [end, end + 1], acquire, won(token));
    const prefix = expectRefusal([...history, again], 'grants');
    expect(prefix.at(-1)).toEqual(again);
  });

  test.prop([withWin, fc.double({ min: 0, max: 0.98, noNaN: true })], { numRuns: RUNS })(
    'a grant while another may believe',
    ({ history, win }, part) => {
      // Nothing else that this member asked ends what it may believe, and it heard of its win.
      const { calledAt, returnedAt, by } = win;
      const until = calledAt + part * LEASE_MS;
      fc.pre(returnedAt !== null && returnedAt < until);
      fc.pre(!history.some((each) => each.by === by && each.calledAt > calledAt && each.calledAt <= until));
      const before = history.filter((each) => each.calledAt <= calledAt);
      const other = operation('other', [returnedAt, until], acquire, won(1_000_000n));
      expectRefusal([...before, other], 'grants');
    },
  );

  test.prop([withWin], { numRuns: RUNS })(
    'somebody is told of a holder that never was one',
    ({ history }) => {
      const end = Math.max(...history.map(({ returnedAt, calledAt }) => returnedAt ?? calledAt)) + 1;
      expectRefusal([...history, operation('x', [end, end + 1], acquire, held('nobody', 5n))], 'all');
      expect(
        checkLeaseHistory([...history, operation('x', [end, end + 1], acquire, held('nobody', 5n))]),
      ).toMatchObject({ violation: null });
    },
  );
});

test('a recorded store keeps what was answered and what nobody knows of, not what was refused', async () => {
  const clock = new VirtualClock();
  const history = new LeaseHistory();
  const leases = memoryLeases({ clock });
  const failing = (outcomeUnknown: boolean) =>
    vi.spyOn(leases, 'renew').mockImplementationOnce(async () => {
      throw new StoreUnavailableError('STORE_UNAVAILABLE', 'no', { outcomeUnknown });
    });
  const store = history.recording(leases, clock);
  const { signal } = new AbortController();
  const renew = () =>
    store.renew(
      { resource: 'r', id: 'a', token: 1n, leaseMs: LEASE_MS, graceMs: 0, beat: 1, term: 1 },
      { signal },
    );
  failing(false);
  await expect(renew()).rejects.toThrow('no');
  expect(history.operations).toEqual([]);
  failing(true);
  await expect(renew()).rejects.toThrow('no');
  clock.advance(5);
  await store.read('r', { signal });
  expect(history.operations).toMatchObject([
    { kind: 'renew', by: 'a', calledAt: 0, returnedAt: null, reply: null },
    { kind: 'read', by: 'reader', calledAt: 5, returnedAt: 5, reply: null },
  ]);
});

describe('by hand', () => {
  const a = operation('a', [0, 10], acquire, won(1n));
  const b = operation('b', [500, 1010], acquire, won(2n));

  test('a grant may come in the last moments of its call, when nobody can believe any more', () => {
    expect(checkLeaseHistory([a, b]).violation).toBeNull();
    expect(checkLeaseHistory([a, { ...b, returnedAt: 980 }]).violation).not.toBeNull();
  });

  test('what came after the first impossible answer is not blamed', () => {
    const early = operation('b', [500, 600], acquire, won(2n));
    const later = Array.from({ length: 20 }, (_, n) =>
      operation('c', [2000 * (n + 1), 2000 * (n + 1) + 10], acquire, won(BigInt(n + 3))),
    );
    expect(checkLeaseHistory([a, early, ...later]).violation?.prefix).toEqual([a, early]);
  });

  test('a renewal prolongs belief from when it was asked for', () => {
    const renewal = operation('a', [300, 320], { kind: 'renew', token: 1n }, renewed);
    expect(checkLeaseHistory([a, renewal, b]).violation).not.toBeNull();
    expect(checkLeaseHistory([a, renewal, { ...b, returnedAt: 1300 }]).violation).toBeNull();
  });

  test('a renewal that is answered when belief is over prolongs nothing', () => {
    const late = operation('a', [300, 1005], { kind: 'renew', token: 1n }, renewed);
    expect(checkLeaseHistory([a, late, b]).violation).toBeNull();
  });

  test('a renewal may not be confirmed to one member after the grant to another', () => {
    const renewal = operation('a', [950, 960], { kind: 'renew', token: 1n }, renewed);
    const early = operation('b', [900, 940], acquire, won(2n));
    expect(checkLeaseHistory([a, renewal, early]).violation?.message).toMatch(/No single lease of "r"/);
  });

  test('who asks for the release believes no more, whether or not it is answered', () => {
    const release = operation('a', [100, null], { kind: 'release', token: 1n }, null);
    const next = operation('b', [90, 120], acquire, won(2n));
    expect(checkLeaseHistory([a, release, next], { judged: 'all' }).violation).toBeNull();
    expect(checkLeaseHistory([a, next], { judged: 'all' }).violation).not.toBeNull();
  });

  test('an acquire that was not answered may have won, and not before it was sent', () => {
    const lost = operation('c', [2000, null], acquire, null);
    const told = operation('b', [2500, 2600], acquire, held('c', 7n));
    expect(checkLeaseHistory([a, lost, told], { judged: 'all' }).violation).toBeNull();
    expect(
      checkLeaseHistory([a, { ...lost, calledAt: 2700 }, told], { judged: 'all' }).violation,
    ).not.toBeNull();
  });

  test('a lease is not released twice', () => {
    const release = (at: number) =>
      operation('a', [at, at + 1], { kind: 'release', token: 1n }, { released: true });
    expect(checkLeaseHistory([a, release(20)], { judged: 'all' }).violation).toBeNull();
    expect(checkLeaseHistory([a, release(20), release(30)], { judged: 'all' }).violation).not.toBeNull();
  });

  test('an earlier token releases nothing once the same member may have won again', () => {
    const unanswered = operation('a', [20, null], acquire, null);
    const release = operation('a', [30, 31], { kind: 'release', token: 1n }, { released: false });
    expect(checkLeaseHistory([a, unanswered, release], { judged: 'all' }).violation).toBeNull();
  });

  test('resources are judged apart, and the message names the one', () => {
    const elsewhere = {
      ...b,
      request: { ...b.request, resource: 'other' },
      returnedAt: 600,
    } as LeaseOperation;
    expect(checkLeaseHistory([a, elsewhere]).violation).toBeNull();
    const again = { ...elsewhere, calledAt: 610, returnedAt: 620, by: 'c' };
    expect(checkLeaseHistory([a, elsewhere, again]).violation?.message).toContain('"other"');
  });

  test('a search that is not at its end within its limit says so instead of judging', () => {
    const lost = Array.from({ length: 24 }, (_, n) => operation(`m${n}`, [n, null], acquire, null));
    const told = operation('x', [100, 200], acquire, held('nobody', 99n));
    const verdict = checkLeaseHistory([...lost, told], { judged: 'all', statesMax: 1000 });
    expect(verdict).toMatchObject({ violation: null, undecided: ['r'] });
    expect(verdict.states).toBeLessThan(STATES_MAX);
  });
});
