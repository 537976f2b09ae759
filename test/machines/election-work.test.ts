import { describe, expect, test, vi } from 'vitest';
import type { LeadershipTerm } from '../../src/index.ts';
import { elapse } from './elapse.ts';
import { LEASE, useMembers } from './election-members.ts';

describe('work under leadership', () => {
  const members = useMembers();

  describe('terms()', () => {
    test('gives one turn for each term, and break resigns', async () => {
      const a = await members.started('a');
      const b = await members.started('b');
      const seen: LeadershipTerm[] = [];
      void (async () => {
        for await (const term of a.terms()) {
          seen.push(term);
          break;
        }
      })();
      await elapse(members.clock, 100);
      expect(seen.map(({ number }) => number)).toEqual([1]);
      expect(seen[0]?.signal.aborted).toBe(true);
      expect(b.isLeader).toBe(true);
    });

    test('a body that returns early keeps the term and waits for the next', async () => {
      const a = await members.started('a');
      const numbers: number[] = [];
      const loop = (async () => {
        for await (const term of a.terms()) numbers.push(term.number);
      })();
      await elapse(members.clock, 3 * LEASE);
      expect(numbers).toEqual([1]);
      expect(a.isLeader).toBe(true);
      await a.resign();
      await elapse(members.clock, 2 * LEASE);
      expect(numbers).toEqual([1, 2]);
      void a.stop();
      await elapse(members.clock, 100);
      await loop;
    });

    test('the lease is handed over only after the body has settled', async () => {
      const a = await members.started('a');
      const b = await members.started('b');
      const work = Promise.withResolvers<void>();
      void (async () => {
        for await (const term of a.terms()) {
          await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
          await work.promise;
        }
      })();
      await elapse(members.clock, 10);
      void a.stop();
      await elapse(members.clock, 3000);
      expect(b.isLeader).toBe(false);
      work.resolve();
      await elapse(members.clock, 50);
      expect(b.isLeader).toBe(true);
    });

    test('work that never settles delays the hand-over by the drain timeout only', async () => {
      const a = await members.started('a', { drainTimeoutMs: 1000 });
      const b = await members.started('b');
      a.term?.waitUntil(new Promise(() => {}));
      void a.stop();
      await elapse(members.clock, 900);
      expect(b.isLeader).toBe(false);
      await elapse(members.clock, 200);
      expect(b.isLeader).toBe(true);
    });

    test('aborting the signal resigns and ends the loop', async () => {
      const a = await members.started('a');
      const stop = new AbortController();
      let ended = false;
      const loop = (async () => {
        for await (const _ of a.terms({ signal: stop.signal })) void _;
        ended = true;
      })();
      await elapse(members.clock, 100);
      stop.abort();
      await elapse(members.clock, 100);
      await loop;
      expect(ended).toBe(true);
      expect(a.isLeader).toBe(false);
    });
  });

  describe('runWhileLeader()', () => {
    test('resigns and passes on what the work returns', async () => {
      const a = await members.started('a');
      const run = a.runWhileLeader(() => 42);
      await elapse(members.clock, 100);
      expect(await run).toBe(42);
      expect(a.isLeader).toBe(false);
    });

    test('resigns and passes on what the work throws', async () => {
      const a = await members.started('a');
      const run = a.runWhileLeader(() => Promise.reject(new Error('broken')));
      const outcome = expect(run).rejects.toThrow('broken');
      await elapse(members.clock, 100);
      await outcome;
      expect(a.isLeader).toBe(false);
    });

    test('runs the work again in the next term when its term ended', async () => {
      const a = await members.started('a');
      const tokens: bigint[] = [];
      const run = a.runWhileLeader(async (term) => {
        tokens.push(term.token);
        await new Promise((_, reject) =>
          term.signal.addEventListener('abort', () => reject(term.signal.reason as Error)),
        );
      });
      await elapse(members.clock, 100);
      const renew = vi
        .spyOn(members.leases, 'renew')
        .mockResolvedValue({ kind: 'denied', holder: null, token: 0n });
      await elapse(members.clock, 6000);
      renew.mockRestore();
      await elapse(members.clock, 2 * LEASE);
      expect(tokens.length).toBeGreaterThanOrEqual(2);
      expect(tokens.toSorted((x, y) => Number(x - y))).toEqual(tokens);
      void a.stop();
      await elapse(members.clock, 100);
      expect(await run).toBeUndefined();
    });
  });

  describe('tasks', () => {
    test('tryRun runs on one member at a time and tells the others who runs it', async () => {
      const a = members.member('a');
      const b = members.member('b');
      const work = Promise.withResolvers<string>();
      const first = a.tryRun('nightly', () => work.promise);
      await elapse(members.clock, 50);
      const second = b.tryRun('nightly', () => 'never');
      await elapse(members.clock, 50);
      expect(await second).toEqual({ ran: false, holder: expect.stringContaining(a.candidateId) as string });
      work.resolve('done');
      await elapse(members.clock, 50);
      expect(await first).toEqual({ ran: true, value: 'done' });
      const third = b.tryRun('nightly', () => 'now');
      await elapse(members.clock, 50);
      expect(await third).toEqual({ ran: true, value: 'now' });
    });

    test('the same member may take a task again and again', async () => {
      const a = members.member('a');
      const tokens: bigint[] = [];
      for (let i = 0; i < 3; i++) {
        const run = a.tryRun('nightly', (term) => void tokens.push(term.token));
        await elapse(members.clock, 50);
        expect((await run).ran).toBe(true);
      }
      expect(new Set(tokens).size).toBe(3);
    });

    test('tryAcquire gives a lease that is renewed until it is released', async () => {
      const a = members.member('a');
      const b = members.member('b');
      const taking = a.tryAcquire('t');
      await elapse(members.clock, 50);
      const lease = await taking;
      await elapse(members.clock, 5 * LEASE);
      expect(lease?.term.isCurrent).toBe(true);
      const refused = b.tryAcquire('t');
      await elapse(members.clock, 50);
      expect(await refused).toBeNull();
      const releasing = lease?.release();
      await elapse(members.clock, 50);
      await releasing;
      expect(lease?.term.isCurrent).toBe(false);
    });

    test('a store that cannot be asked is an error, not a no', async () => {
      const a = members.member('a');
      vi.spyOn(members.leases, 'acquire').mockRejectedValue(new Error('disk on fire'));
      const taking = a.tryAcquire('t');
      const outcome = expect(taking).rejects.toThrow(/could not be asked.*disk on fire/);
      await elapse(members.clock, 50);
      await outcome;
    });

    test('a signal that is aborted already refuses at once, and nothing is asked', async () => {
      const a = members.member('a');
      const acquire = vi.spyOn(members.leases, 'acquire');
      const gone = new Error('gone');
      await expect(a.tryAcquire('t', { signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
      expect(acquire).not.toHaveBeenCalled();
    });

    test('aborting gives up at once; a lease that is granted later is handed over', async () => {
      const a = members.member('a');
      const b = members.member('b');
      const answer = Promise.withResolvers<void>();
      const { acquire } = members.leases;
      vi.spyOn(members.leases, 'acquire').mockImplementationOnce(async (...args) => {
        const reply = await acquire(...args);
        await answer.promise;
        return reply;
      });
      const stop = new AbortController();
      const outcome = expect(a.tryAcquire('t', { signal: stop.signal })).rejects.toThrow('gone');
      await elapse(members.clock, 50);
      stop.abort(new Error('gone'));
      await outcome;
      answer.resolve();
      await elapse(members.clock, 50);
      const taking = b.tryAcquire('t');
      await elapse(members.clock, 50);
      expect(await taking).not.toBeNull();
      await elapse(members.clock, 50);
      void (await taking)?.release();
    });

    test('a lease that was lost is not contended for again', async () => {
      const a = members.member('a');
      const taking = a.tryAcquire('t');
      await elapse(members.clock, 50);
      const lease = await taking;
      const acquire = vi.spyOn(members.leases, 'acquire');
      vi.spyOn(members.leases, 'renew').mockResolvedValueOnce({ kind: 'denied', holder: null, token: 0n });
      await elapse(members.clock, 3 * LEASE);
      expect(lease?.term.signal.aborted).toBe(true);
      expect(acquire).not.toHaveBeenCalled();
      await lease?.release();
    });
  });
});
