import { describe, expect, test, vi } from 'vitest';
import { type Journal, type JournalWriter, memoryJournal } from '../../src/index.ts';
import { elapse, settle } from './elapse.ts';
import { LEASE, useMembers } from './election-members.ts';

const never = new Promise<never>(() => {});

/** A journal in memory with another writer in front. */
function journalWith(change: (writer: JournalWriter) => void): Journal {
  const journal = memoryJournal();
  const writer = journal.writer.bind(journal);
  vi.spyOn(journal, 'writer').mockImplementation((...args) => {
    const made = writer(...args);
    change(made);
    return made;
  });
  return journal;
}

describe('the election at its edges', () => {
  const members = useMembers();

  describe('new timings', () => {
    test('do not stretch the belief in a lease that was asked for with the old ones', async () => {
      const a = members.member('a');
      const { acquire } = members.leases;
      vi.spyOn(members.leases, 'acquire').mockImplementationOnce(async (...args) => {
        const reply = await acquire(...args);
        await settle();
        return reply;
      });
      const renew = vi.spyOn(members.leases, 'renew').mockReturnValue(never);
      await a.start();
      members.clock.runNext();
      expect(a.actor.getSnapshot().value).toEqual({ candidate: 'acquiring' });
      a.configure({ leaseDurationMs: 60_000, renewIntervalMs: 20_000 });
      await elapse(members.clock, 1);
      expect(a.term?.remainingMs).toBeLessThan(LEASE);
      expect(renew.mock.lastCall?.[0].leaseMs).toBe(LEASE);
    });

    test('leave the renewals of a running term as they are', async () => {
      const a = await members.started('a');
      const lost: string[] = [];
      a.on('lostLeadership', ({ cause }) => lost.push(cause));
      a.configure({ leaseDurationMs: 60_000, renewIntervalMs: 20_000 });
      await elapse(members.clock, 4 * LEASE);
      expect(lost).toEqual([]);
    });

    test('count at once while nothing is asked for', async () => {
      const a = await members.started('a', { paused: true });
      a.configure({ leaseDurationMs: 30_000, renewIntervalMs: 10_000 });
      const acquire = vi.spyOn(members.leases, 'acquire');
      a.resume();
      await elapse(members.clock, 100);
      expect(acquire.mock.lastCall?.[0].leaseMs).toBe(30_000);
    });

    test('with a shorter lease bring a shorter guard, whatever stalls there were', async () => {
      const node = members.clock.node({});
      const a = await members.started('a', { clock: node, leaseDurationMs: 60_000 });
      await elapse(members.clock, 1000);
      node.pause();
      members.clock.runUntil(members.clock.nowMs + 4000);
      node.resume();
      await elapse(members.clock, 1000);
      a.configure({ leaseDurationMs: 2000 });
      void a.resign();
      await elapse(members.clock, 62_000);
      expect(a.isLeader).toBe(true);
    });
  });

  describe('a term that is over before its record is written', () => {
    test('does not begin after a freeze', async () => {
      const node = members.clock.node({});
      const journal = journalWith((writer) => vi.spyOn(writer, 'durable').mockReturnValue(never));
      const a = members.member('a', { clock: node, journal });
      const began = vi.fn();
      a.on('becameLeader', began);
      await a.start();
      await elapse(members.clock, 100);
      expect(a.actor.getSnapshot().value).toEqual({ candidate: 'recording' });
      node.pause();
      members.clock.runUntil(members.clock.nowMs + 2 * LEASE);
      node.resume();
      members.clock.runNext();
      expect(began).not.toHaveBeenCalled();
      expect(a.actor.getSnapshot().value).toEqual({ follower: 'watching' });
    });

    test('does not begin when only the wall clock tells', async () => {
      const node = members.clock.node({});
      const written = Promise.withResolvers<void>();
      const journal = journalWith((writer) => vi.spyOn(writer, 'durable').mockReturnValue(written.promise));
      const a = members.member('a', { clock: node, journal });
      const began = vi.fn();
      a.on('becameLeader', began);
      await a.start();
      await elapse(members.clock, 100);
      node.jumpWall(2 * LEASE);
      written.resolve();
      await settle();
      expect(began).not.toHaveBeenCalled();
    });
  });

  test('work that settles after its drain timeout does not end the drain of a later term', async () => {
    const a = await members.started('a', { drainTimeoutMs: 5000 });
    const early = Promise.withResolvers<void>();
    a.term?.waitUntil(early.promise);
    void a.resign();
    await elapse(members.clock, LEASE + 6000);
    expect(a.term?.number).toBe(2);
    a.term?.waitUntil(never);
    void a.resign();
    await elapse(members.clock, 100);
    early.resolve();
    await elapse(members.clock, 100);
    expect(a.actor.getSnapshot().value).toEqual({ releasing: 'draining' });
  });

  test('of requests that are not answered only the last is still asked', async () => {
    const signals: AbortSignal[] = [];
    vi.spyOn(members.leases, 'acquire').mockImplementation((_, { signal }) => {
      signals.push(signal);
      return never;
    });
    await members.started('a');
    await elapse(members.clock, 60_000);
    expect(signals.length).toBeGreaterThan(5);
    expect(signals.filter(({ aborted }) => !aborted)).toEqual([signals.at(-1)]);
  });

  test('an inspector that throws ends nothing', async () => {
    const inspect = vi.fn(() => {
      throw new Error('the window was closed');
    });
    const a = await members.started('a', { inspect });
    expect(inspect).toHaveBeenCalled();
    expect(a.isLeader).toBe(true);
  });
});
