import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createLeaderElection,
  type LeaderElection,
  type LeaderElectionOptions,
  type LeadershipTerm,
  memoryJournal,
  memoryLeases,
} from '../../src/index.ts';
import type { MemoryLeaseStore } from '../../src/lease/memory-lease-store.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from './elapse.ts';

const LEASE = 15_000;

describe('the election handle, with the memory store and a virtual clock', () => {
  let clock: VirtualClock;
  let leases: MemoryLeaseStore;
  let elections: LeaderElection[];

  beforeEach(() => {
    clock = new VirtualClock();
    leases = memoryLeases({ clock });
    elections = [];
  });
  afterEach(async () => {
    const stopped = Promise.all(elections.map((election) => election.stop()));
    await elapse(clock, 10 * LEASE);
    await stopped;
    expect(clock.pending).toBe(0);
  });

  function member(candidateId: string, options: Partial<LeaderElectionOptions> = {}): LeaderElection {
    const election = createLeaderElection({ resource: 'r', leases, clock, candidateId, ...options });
    elections.push(election);
    return election;
  }

  async function started(candidateId: string, options: Partial<LeaderElectionOptions> = {}) {
    const election = member(candidateId, options);
    await election.start();
    await elapse(clock, 100);
    return election;
  }

  test('a member alone leads, and goes on leading by renewing', async () => {
    const a = await started('a');
    expect(a.isLeader).toBe(true);
    expect(a.currentLeader).toBe(a.candidateId);
    expect(a.term?.number).toBe(1);
    await elapse(clock, 10 * LEASE);
    expect(a.isLeader).toBe(true);
    expect(a.term?.number).toBe(1);
  });

  test('a second member follows, knows the leader, and asks the store only once', async () => {
    const a = await started('a');
    const acquire = vi.spyOn(leases, 'acquire');
    const b = await started('b');
    await elapse(clock, 20 * LEASE);
    expect(b.isLeader).toBe(false);
    expect(b.currentLeader).toBe(a.candidateId);
    expect(acquire).toHaveBeenCalledTimes(1);
  });

  test('a member that stops hands over at once, with a larger token', async () => {
    const a = await started('a');
    const b = await started('b');
    const before = a.term?.token ?? 0n;
    void a.stop();
    await elapse(clock, 50);
    expect(a.isLeader).toBe(false);
    expect(b.isLeader).toBe(true);
    expect(b.term?.token).toBeGreaterThan(before);
  });

  test('a member that resigns sits out until another leads, and follows that one', async () => {
    const a = await started('a');
    const b = await started('b');
    const reasons: string[] = [];
    a.on('waiting', ({ reason }) => reasons.push(reason));
    await a.resign();
    await elapse(clock, 50);
    expect(reasons).toEqual(['resigned']);
    expect(b.isLeader).toBe(true);
    expect(a.currentLeader).toBe(b.candidateId);
  });

  test('a member that resigns alone leads again after one lease, not earlier', async () => {
    const a = await started('a');
    await a.resign();
    await elapse(clock, LEASE - 100);
    expect(a.isLeader).toBe(false);
    await elapse(clock, 200);
    expect(a.isLeader).toBe(true);
    expect(a.term?.number).toBe(2);
  });

  test('a leader whose store stops answering steps down before the lease ends, without its answer', async () => {
    const a = await started('a');
    const { signal } = a;
    const lost: string[] = [];
    a.on('lostLeadership', ({ cause }) => lost.push(cause));
    vi.spyOn(leases, 'renew').mockReturnValue(new Promise(() => {}));
    await elapse(clock, LEASE * 0.5);
    expect(a.isLeader).toBe(true);
    expect(signal.aborted).toBe(false);
    await elapse(clock, LEASE * 0.5);
    expect(signal.aborted).toBe(true);
    expect(lost).toEqual(['expired']);
  });

  test('isLeader is false before any timer has fired, once the clocks are past the lease', async () => {
    const node = clock.node({});
    const a = await started('a', { clock: node });
    expect(a.isLeader).toBe(true);
    const { term } = a;
    node.pause();
    clock.runUntil(clock.nowMs + 2 * LEASE);
    expect(a.isLeader).toBe(false);
    expect(term?.isCurrent).toBe(false);
    expect(() => term?.assertCurrent()).toThrow(/over/);
    expect(term?.signal.aborted).toBe(false); // no timer has fired yet: that is the point
    node.resume();
    await elapse(clock, 1);
    expect(term?.signal.aborted).toBe(true);
  });

  test('a wall clock that jumps ahead ends the term by the next beat', async () => {
    const node = clock.node({});
    const a = await started('a', { clock: node });
    const { signal } = a;
    node.jumpWall(LEASE);
    expect(a.isLeader).toBe(false);
    await elapse(clock, 600);
    expect(signal.aborted).toBe(true);
  });

  test('a term that is denied ends at once; taken by another member it is transferred', async () => {
    const a = await started('a');
    const lost: string[] = [];
    a.on('lostLeadership', ({ cause }) => lost.push(cause));
    vi.spyOn(leases, 'renew').mockResolvedValue({ kind: 'denied', holder: 'x', token: 99n });
    await elapse(clock, 6000);
    expect(lost[0]).toBe('transferred');
  });

  test('data lost under a living leader is restored by its next renewal, and nobody else leads', async () => {
    const a = await started('a');
    const b = await started('b');
    const restored: boolean[] = [];
    a.on('renewed', (event) => restored.push(event.restored));
    leases.loseData();
    await elapse(clock, 4 * LEASE);
    expect(restored).toContain(true);
    expect(a.isLeader).toBe(true);
    expect(b.isLeader).toBe(false);
  });

  describe('terms()', () => {
    test('gives one turn for each term, and break resigns', async () => {
      const a = await started('a');
      const b = await started('b');
      const seen: LeadershipTerm[] = [];
      void (async () => {
        for await (const term of a.terms()) {
          seen.push(term);
          break;
        }
      })();
      await elapse(clock, 100);
      expect(seen.map(({ number }) => number)).toEqual([1]);
      expect(seen[0]?.signal.aborted).toBe(true);
      expect(b.isLeader).toBe(true);
    });

    test('a body that returns early keeps the term and waits for the next', async () => {
      const a = await started('a');
      const numbers: number[] = [];
      const loop = (async () => {
        for await (const term of a.terms()) numbers.push(term.number);
      })();
      await elapse(clock, 3 * LEASE);
      expect(numbers).toEqual([1]);
      expect(a.isLeader).toBe(true);
      await a.resign();
      await elapse(clock, 2 * LEASE);
      expect(numbers).toEqual([1, 2]);
      void a.stop();
      await elapse(clock, 100);
      await loop;
    });

    test('the lease is handed over only after the body has settled', async () => {
      const a = await started('a');
      const b = await started('b');
      const work = Promise.withResolvers<void>();
      void (async () => {
        for await (const term of a.terms()) {
          await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
          await work.promise;
        }
      })();
      await elapse(clock, 10);
      void a.stop();
      await elapse(clock, 3000);
      expect(b.isLeader).toBe(false);
      work.resolve();
      await elapse(clock, 50);
      expect(b.isLeader).toBe(true);
    });

    test('work that never settles delays the hand-over by the drain timeout only', async () => {
      const a = await started('a', { drainTimeoutMs: 1000 });
      const b = await started('b');
      a.term?.waitUntil(new Promise(() => {}));
      void a.stop();
      await elapse(clock, 900);
      expect(b.isLeader).toBe(false);
      await elapse(clock, 200);
      expect(b.isLeader).toBe(true);
    });

    test('aborting the signal resigns and ends the loop', async () => {
      const a = await started('a');
      const stop = new AbortController();
      let ended = false;
      const loop = (async () => {
        for await (const _ of a.terms({ signal: stop.signal })) void _;
        ended = true;
      })();
      await elapse(clock, 100);
      stop.abort();
      await elapse(clock, 100);
      await loop;
      expect(ended).toBe(true);
      expect(a.isLeader).toBe(false);
    });
  });

  describe('runWhileLeader()', () => {
    test('resigns and passes on what the work returns', async () => {
      const a = await started('a');
      const run = a.runWhileLeader(() => 42);
      await elapse(clock, 100);
      expect(await run).toBe(42);
      expect(a.isLeader).toBe(false);
    });

    test('resigns and passes on what the work throws', async () => {
      const a = await started('a');
      const run = a.runWhileLeader(() => Promise.reject(new Error('broken')));
      const outcome = expect(run).rejects.toThrow('broken');
      await elapse(clock, 100);
      await outcome;
      expect(a.isLeader).toBe(false);
    });

    test('runs the work again in the next term when its term ended', async () => {
      const a = await started('a');
      const tokens: bigint[] = [];
      const run = a.runWhileLeader(async (term) => {
        tokens.push(term.token);
        await new Promise((_, reject) =>
          term.signal.addEventListener('abort', () => reject(term.signal.reason as Error)),
        );
      });
      await elapse(clock, 100);
      const renew = vi.spyOn(leases, 'renew').mockResolvedValue({ kind: 'denied', holder: null, token: 0n });
      await elapse(clock, 6000);
      renew.mockRestore();
      await elapse(clock, 2 * LEASE);
      expect(tokens.length).toBeGreaterThanOrEqual(2);
      expect([...tokens].sort((x, y) => Number(x - y))).toEqual(tokens);
      void a.stop();
      await elapse(clock, 100);
      expect(await run).toBeUndefined();
    });
  });

  describe('tasks', () => {
    test('tryRun runs on one member at a time and tells the others who runs it', async () => {
      const a = member('a');
      const b = member('b');
      const work = Promise.withResolvers<string>();
      const first = a.tryRun('nightly', () => work.promise);
      await elapse(clock, 50);
      const second = b.tryRun('nightly', () => 'never');
      await elapse(clock, 50);
      expect(await second).toEqual({ ran: false, holder: expect.stringContaining(a.candidateId) });
      work.resolve('done');
      await elapse(clock, 50);
      expect(await first).toEqual({ ran: true, value: 'done' });
      const third = b.tryRun('nightly', () => 'now');
      await elapse(clock, 50);
      expect(await third).toEqual({ ran: true, value: 'now' });
    });

    test('the same member may take a task again and again', async () => {
      const a = member('a');
      const tokens: bigint[] = [];
      for (let i = 0; i < 3; i++) {
        const run = a.tryRun('nightly', (term) => void tokens.push(term.token));
        await elapse(clock, 50);
        expect((await run).ran).toBe(true);
      }
      expect(new Set(tokens).size).toBe(3);
    });

    test('tryAcquire gives a lease that is renewed until it is released', async () => {
      const a = member('a');
      const b = member('b');
      const taking = a.tryAcquire('t');
      await elapse(clock, 50);
      const lease = await taking;
      await elapse(clock, 5 * LEASE);
      expect(lease?.term.isCurrent).toBe(true);
      const refused = b.tryAcquire('t');
      await elapse(clock, 50);
      expect(await refused).toBeNull();
      const releasing = lease?.release();
      await elapse(clock, 50);
      await releasing;
      expect(lease?.term.isCurrent).toBe(false);
    });

    test('a store that cannot be asked is an error, not a no', async () => {
      const a = member('a');
      vi.spyOn(leases, 'acquire').mockRejectedValue(new Error('disk on fire'));
      const taking = a.tryAcquire('t');
      const outcome = expect(taking).rejects.toThrow(/could not be asked.*disk on fire/);
      await elapse(clock, 50);
      await outcome;
    });
  });

  describe('candidacy', () => {
    test('a paused member follows but does not take over; resumed it does', async () => {
      const a = await started('a');
      const b = await started('b', { paused: true });
      void a.stop();
      await elapse(clock, 3 * LEASE);
      expect(b.isLeader).toBe(false);
      b.resume();
      await elapse(clock, 100);
      expect(b.isLeader).toBe(true);
    });

    test('pausing a leader lets its term go on; resigning then keeps it away', async () => {
      const a = await started('a');
      a.pause();
      await elapse(clock, 3 * LEASE);
      expect(a.isLeader).toBe(true);
      await a.resign();
      await elapse(clock, 3 * LEASE);
      expect(a.isLeader).toBe(false);
      expect(a.actor.getSnapshot().value).toEqual({ follower: 'paused' });
    });
  });

  test('new timings count from the next term on', async () => {
    const a = await started('a');
    const renew = vi.spyOn(leases, 'renew');
    a.configure({ leaseDurationMs: 30_000, renewIntervalMs: 10_000 });
    await elapse(clock, LEASE);
    expect(renew.mock.lastCall?.[0].leaseMs).toBe(15_000);
    await a.resign();
    await elapse(clock, 60_000);
    expect(renew.mock.lastCall?.[0].leaseMs).toBe(30_000);
    expect(() => a.configure({ leaseDurationMs: 1000, renewIntervalMs: 1000 })).toThrow(
      /Not even one renewal/,
    );
  });

  test('two live members with the same given name are both told, and neither takes over', async () => {
    const told: string[] = [];
    const a = member('web-1');
    const b = member('web-1');
    for (const each of [a, b]) each.on('namesakeObserved', ({ id }) => told.push(id));
    await a.start();
    await elapse(clock, 100);
    await b.start();
    await elapse(clock, 2 * LEASE);
    expect(told.sort()).toEqual([a.candidateId, b.candidateId].sort());
    expect([a.isLeader, b.isLeader]).toEqual([true, false]);
  });

  test('a member that comes back under the name of its dead predecessor is not told of a namesake', async () => {
    const node = clock.node({});
    const a = await started('web-1', { clock: node });
    expect(a.isLeader).toBe(true);
    node.pause(); // as good as dead
    const b = member('web-1');
    const told: string[] = [];
    b.on('namesakeObserved', ({ id }) => told.push(id));
    await b.start();
    await elapse(clock, 2 * LEASE);
    expect(b.isLeader).toBe(true);
    expect(told).toEqual([]);
    node.resume();
  });

  test('a journal that refuses the stream refuses the start, and stopping still works', async () => {
    const journal = memoryJournal();
    const refused = new Error('in use');
    vi.spyOn(journal, 'writer').mockImplementation(() => {
      throw refused;
    });
    const a = member('a', { journal });
    await expect(a.start()).rejects.toBe(refused);
    await a.stop();
    expect(await a.whenLeader()).toBeNull();
  });

  test('disabled: each member leads at once, and says loudly what that means', async () => {
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, line: string) => warnings.push(line),
    };
    const a = createLeaderElection({ resource: 'r', enabled: false, clock, logger });
    const b = createLeaderElection({ resource: 'r', enabled: false, clock });
    elections.push(a, b);
    await a.start();
    await b.start();
    await elapse(clock, 100);
    expect([a.isLeader, b.isLeader]).toEqual([true, true]);
    expect(warnings.join(' ')).toMatch(/ALL lead/);
  });
});
