import { describe, expect, test, vi } from 'vitest';
import { memoryJournal } from '../../src/index.ts';
import { elapse } from './elapse.ts';
import { LEASE, useMembers } from './election-members.ts';

describe('the election handle, with the memory store and a virtual clock', () => {
  const members = useMembers();

  test('a member alone leads, and goes on leading by renewing', async () => {
    const a = await members.started('a');
    expect(a.isLeader).toBe(true);
    expect(a.currentLeader).toBe(a.candidateId);
    expect(a.term?.number).toBe(1);
    await elapse(members.clock, 10 * LEASE);
    expect(a.isLeader).toBe(true);
    expect(a.term?.number).toBe(1);
  });

  test('a second member follows, knows the leader, and asks the store only once', async () => {
    const a = await members.started('a');
    const acquire = vi.spyOn(members.leases, 'acquire');
    const b = await members.started('b');
    await elapse(members.clock, 20 * LEASE);
    expect(b.isLeader).toBe(false);
    expect(b.currentLeader).toBe(a.candidateId);
    expect(acquire).toHaveBeenCalledTimes(1);
  });

  test('a member that stops hands over at once, with a larger token', async () => {
    const a = await members.started('a');
    const b = await members.started('b');
    const before = a.term?.token ?? 0n;
    void a.stop();
    await elapse(members.clock, 50);
    expect(a.isLeader).toBe(false);
    expect(b.isLeader).toBe(true);
    expect(b.term?.token).toBeGreaterThan(before);
  });

  test('a member that resigns sits out until another leads, and follows that one', async () => {
    const a = await members.started('a');
    const b = await members.started('b');
    const reasons: string[] = [];
    a.on('waiting', ({ reason }) => reasons.push(reason));
    await a.resign();
    await elapse(members.clock, 50);
    expect(reasons).toEqual(['resigned']);
    expect(b.isLeader).toBe(true);
    expect(a.currentLeader).toBe(b.candidateId);
  });

  test('a member that resigns alone leads again after one lease, not earlier', async () => {
    const a = await members.started('a');
    await a.resign();
    await elapse(members.clock, LEASE - 100);
    expect(a.isLeader).toBe(false);
    await elapse(members.clock, 200);
    expect(a.isLeader).toBe(true);
    expect(a.term?.number).toBe(2);
  });

  test('a leader whose store stops answering steps down before the lease ends, without its answer', async () => {
    const a = await members.started('a');
    const { signal } = a;
    const lost: string[] = [];
    a.on('lostLeadership', ({ cause }) => lost.push(cause));
    vi.spyOn(members.leases, 'renew').mockReturnValue(new Promise(() => {}));
    await elapse(members.clock, LEASE * 0.5);
    expect(a.isLeader).toBe(true);
    expect(signal.aborted).toBe(false);
    await elapse(members.clock, LEASE * 0.5);
    expect(signal.aborted).toBe(true);
    expect(lost).toEqual(['expired']);
  });

  test('isLeader is false before any timer has fired, once the clocks are past the lease', async () => {
    const node = members.clock.node({});
    const a = await members.started('a', { clock: node });
    expect(a.isLeader).toBe(true);
    const { term } = a;
    node.pause();
    members.clock.runUntil(members.clock.nowMs + 2 * LEASE);
    expect(a.isLeader).toBe(false);
    expect(term?.isCurrent).toBe(false);
    expect(() => term?.assertCurrent()).toThrow(/over/);
    expect(term?.signal.aborted).toBe(false); // no timer has fired yet: that is the point
    node.resume();
    await elapse(members.clock, 1);
    expect(term?.signal.aborted).toBe(true);
  });

  test('a wall members.clock that jumps ahead ends the term by the next beat', async () => {
    const node = members.clock.node({});
    const a = await members.started('a', { clock: node });
    const { signal } = a;
    node.jumpWall(LEASE);
    expect(a.isLeader).toBe(false);
    await elapse(members.clock, 600);
    expect(signal.aborted).toBe(true);
  });

  test('a term that is denied ends at once; taken by another member it is transferred', async () => {
    const a = await members.started('a');
    const lost: string[] = [];
    a.on('lostLeadership', ({ cause }) => lost.push(cause));
    vi.spyOn(members.leases, 'renew').mockResolvedValue({ kind: 'denied', holder: 'x', token: 99n });
    await elapse(members.clock, 6000);
    expect(lost[0]).toBe('transferred');
  });

  test('data lost under a living leader is restored by its next renewal, and nobody else leads', async () => {
    const a = await members.started('a');
    const b = await members.started('b');
    const restored: boolean[] = [];
    a.on('renewed', (event) => restored.push(event.restored));
    members.leases.loseData();
    await elapse(members.clock, 4 * LEASE);
    expect(restored).toContain(true);
    expect(a.isLeader).toBe(true);
    expect(b.isLeader).toBe(false);
  });

  describe('candidacy', () => {
    test('a paused member follows but does not take over; resumed it does', async () => {
      const a = await members.started('a');
      const b = await members.started('b', { paused: true });
      void a.stop();
      await elapse(members.clock, 3 * LEASE);
      expect(b.isLeader).toBe(false);
      b.resume();
      await elapse(members.clock, 100);
      expect(b.isLeader).toBe(true);
    });

    test('pausing a leader lets its term go on; resigning then keeps it away', async () => {
      const a = await members.started('a');
      a.pause();
      await elapse(members.clock, 3 * LEASE);
      expect(a.isLeader).toBe(true);
      await a.resign();
      await elapse(members.clock, 3 * LEASE);
      expect(a.isLeader).toBe(false);
      expect(a.actor.getSnapshot().value).toEqual({ follower: 'paused' });
    });
  });

  test('new timings count from the next term on', async () => {
    const a = await members.started('a');
    const renew = vi.spyOn(members.leases, 'renew');
    a.configure({ leaseDurationMs: 30_000, renewIntervalMs: 10_000 });
    await elapse(members.clock, LEASE);
    expect(renew.mock.lastCall?.[0].leaseMs).toBe(15_000);
    await a.resign();
    await elapse(members.clock, 60_000);
    expect(renew.mock.lastCall?.[0].leaseMs).toBe(30_000);
    expect(() => a.configure({ leaseDurationMs: 1000, renewIntervalMs: 1000 })).toThrow(
      /Not even one renewal/,
    );
  });

  test('two live members with the same given name are both told, and neither takes over', async () => {
    const told: string[] = [];
    const a = members.member('web-1');
    const b = members.member('web-1');
    for (const each of [a, b]) each.on('namesakeObserved', ({ id }) => told.push(id));
    await a.start();
    await elapse(members.clock, 100);
    await b.start();
    await elapse(members.clock, 2 * LEASE);
    expect(told.toSorted()).toEqual([a.candidateId, b.candidateId].toSorted());
    expect([a.isLeader, b.isLeader]).toEqual([true, false]);
  });

  test('a member that comes back under the name of its dead predecessor is not told of a namesake', async () => {
    const node = members.clock.node({});
    const a = await members.started('web-1', { clock: node });
    expect(a.isLeader).toBe(true);
    node.pause(); // as good as dead
    const b = members.member('web-1');
    const told: string[] = [];
    b.on('namesakeObserved', ({ id }) => told.push(id));
    await b.start();
    await elapse(members.clock, 2 * LEASE);
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
    const a = members.member('a', { journal });
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
    const a = members.member('a', { enabled: false, logger });
    const b = members.member('b', { enabled: false });
    await a.start();
    await b.start();
    await elapse(members.clock, 100);
    expect([a.isLeader, b.isLeader]).toEqual([true, true]);
    expect(warnings.join(' ')).toMatch(/ALL lead/);
  });
});
