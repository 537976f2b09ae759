import { describe, expect, test, vi } from 'vitest';
import { createLeaderElection, memoryJournal } from '../../src/index.ts';
import { elapse } from './elapse.ts';
import { useMembers } from './election-members.ts';

describe('how an election ends', () => {
  const members = useMembers();

  test('a store that cannot describe itself refuses the start, and stopping still works', async () => {
    vi.spyOn(members.leases, 'describe').mockImplementation(() => {
      throw new Error('no');
    });
    const a = members.member('a');
    await expect(a.start()).rejects.toThrow('no');
    await a.stop();
  });

  test('a store that gives no hints is asked all the same', async () => {
    vi.spyOn(members.leases, 'watch').mockImplementation(() => {
      throw new Error('no');
    });
    const warn = vi.fn();
    const logger = { debug() {}, info() {}, error() {}, warn };
    const a = await members.started('a', { logger });
    expect(a.isLeader).toBe(true);
    expect(warn.mock.lastCall?.[1]).toMatch(/no hints/);
  });

  test('who iterates events of an election that never started comes to an end', async () => {
    const a = members.member('a');
    const reading = (async () => {
      for await (const _ of a) void _;
    })();
    const states = vi.fn();
    a.state$.subscribe({ complete: states });
    await a.stop();
    await reading;
    expect(states).toHaveBeenCalledOnce();
    // Later, too.
    for await (const _ of a) void _;
  });

  test('who stops the actor stops the election', async () => {
    await members.started('a');
    const b = await members.started('b');
    const waiting = b.whenLeader();
    b.actor.stop();
    expect(await waiting).toBeNull();
  });

  test('a journal that cannot be closed is told of, and nobody waits on', async () => {
    const journal = memoryJournal();
    const writer = journal.writer.bind(journal);
    vi.spyOn(journal, 'writer').mockImplementation((...args) => {
      const made = writer(...args);
      vi.spyOn(made, 'close')
        .mockRejectedValueOnce(new Error('disk'))
        .mockRejectedValueOnce(new Error('disk'));
      return made;
    });
    const leader = await members.started('leader');
    const other = createFollower(journal);
    await other.start();
    const waiting = other.whenLeader();
    const stopping = other.stop();
    await expect(stopping).rejects.toThrow('disk');
    expect(await waiting).toBeNull();
    expect(leader.isLeader).toBe(true);
  });

  test('resign() within a listener resolves when the lease was handed over', async () => {
    const a = await members.started('a');
    const release = Promise.withResolvers<{ released: boolean }>();
    vi.spyOn(members.leases, 'release').mockReturnValue(release.promise);
    const resigned = vi.fn();
    const off = a.on('renewed', () => {
      off();
      void a.resign().then(resigned);
    });
    await elapse(members.clock, 5600);
    expect(a.isLeader).toBe(false);
    expect(resigned).not.toHaveBeenCalled();
    release.resolve({ released: true });
    await elapse(members.clock, 1);
    expect(resigned).toHaveBeenCalled();
  });

  test('stop() within a listener, and again, is one stop', async () => {
    const a = await members.started('a');
    const stops: Promise<void>[] = [];
    a.on('lostLeadership', () => stops.push(a.stop()));
    stops.push(a.stop());
    await elapse(members.clock, 100);
    await Promise.all(stops);
    expect(new Set(stops).size).toBe(1);
  });

  /** Not one of those that are stopped after the test: its stop fails. */
  function createFollower(journal: ReturnType<typeof memoryJournal>) {
    const { leases, clock } = members;
    return createLeaderElection({ resource: 'r', leases, clock, candidateId: 'b', journal });
  }
});
