import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { StoreUnavailableError } from '../../src/errors.ts';
import type { LeaseStore } from '../../src/lease/lease-store.ts';
import {
  Candidate,
  insist,
  listen,
  ROUNDING_MS,
  won,
  type LeaseStoreContract,
} from './lease-store-fixture.ts';
import { leaseStoreLossContract } from './lease-store-loss.contract.ts';

/** What every lease store keeps, whatever it is made of. */
export function leaseStoreContract(contract: LeaseStoreContract): void {
  const { name, leaseMs } = contract;
  /** Outlasts any test, however slow the machine. */
  const longMs = 100 * leaseMs;
  const trusting = () => contract.create({ freshStore: 'trust' });
  const wary = () => contract.create({ freshStore: 'wait' });

  describe(`lease store contract (${name}): granting`, () => {
    it('of many that ask at once exactly one wins', async () => {
      await using fixture = await trusting();
      const stores = [fixture.store, fixture.anotherMember(), fixture.anotherMember()];
      const candidates = Array.from(
        { length: 12 },
        (_, n) => new Candidate(`m${n}`, stores[n % 3] as LeaseStore, longMs),
      );
      const replies = await Promise.all(candidates.map((candidate) => candidate.acquire()));
      expect(replies.filter(({ kind }) => kind === 'won')).toHaveLength(1);
      expect(replies.filter(({ kind }) => kind === 'held')).toHaveLength(11);
    });

    it('tells who has the lease, since when, and how long it stands', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const b = new Candidate('b', fixture.anotherMember(), longMs);
      const token = await a.win();
      await a.renew(token, 7);
      await fixture.advance(50);
      const reply = await b.acquire();
      expect(reply).toMatchObject({ kind: 'held', holder: 'a', token, beat: 7, leaseMs: longMs });
      if (reply.kind !== 'held') return;
      expect(reply.ageMs).toBeGreaterThanOrEqual(50 - ROUNDING_MS);
      expect(reply.ageMs).toBeLessThanOrEqual(longMs);
      expect(reply.remainingMs).toBeGreaterThan(0);
      expect(reply.remainingMs).toBeLessThanOrEqual(longMs - 50 + ROUNDING_MS);
    });

    it('grants after the lease has ended, and not before', async () => {
      await using fixture = await trusting();
      const before = fixture.nowMs();
      await new Candidate('a', fixture.store, leaseMs).win();
      const b = new Candidate('b', fixture.anotherMember(), leaseMs);
      await insist(fixture, b);
      expect(fixture.nowMs() - before).toBeGreaterThanOrEqual(leaseMs - ROUNDING_MS);
    });

    it('waits for the grace after a lease ended', async () => {
      await using fixture = await trusting();
      const before = fixture.nowMs();
      await new Candidate('a', fixture.store, leaseMs, { graceMs: leaseMs / 2 }).win();
      const b = new Candidate('b', fixture.anotherMember(), leaseMs);
      await insist(fixture, b);
      expect(fixture.nowMs() - before).toBeGreaterThanOrEqual(leaseMs * 1.5 - ROUNDING_MS);
    });

    it('waits for nothing after a release, grace or not', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs, { graceMs: longMs / 2 });
      await a.release(await a.win());
      await new Candidate('b', fixture.anotherMember(), longMs).win();
    });

    it('gives every term a larger token: again to the same, after a release, after an end', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const b = new Candidate('b', fixture.anotherMember(), leaseMs);
      const tokens = [await a.win(), await a.win()];
      await a.release(tokens[1] as bigint);
      tokens.push(await b.win());
      tokens.push(await insist(fixture, a));
      const sorted = [...new Set(tokens)].toSorted((x, y) => (x < y ? -1 : 1));
      expect(tokens).toEqual(sorted);
    });

    it('counts the terms of a resource', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const first = won(await a.acquire());
      await a.release(first.token);
      const second = won(await new Candidate('b', fixture.store, longMs).acquire());
      expect(second.term).toBe(first.term + 1);
    });

    it('refuses an attempt that is not above the one that won', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      await a.acquire();
      const again = { ...a.request(), attempt: 1 };
      expect(await a.store.acquire(again, a.options)).toEqual({ kind: 'stale', lastAttempt: 1 });
    });

    it('keeps resources apart', async () => {
      await using fixture = await trusting();
      const resources = Array.from({ length: 40 }, (_, n) => `r${n}`);
      const replies = await Promise.all(
        resources.map((resource) =>
          new Candidate(`m-${resource}`, fixture.store, longMs, { resource }).acquire(),
        ),
      );
      expect(replies.every(({ kind }) => kind === 'won')).toBe(true);
      const views = await Promise.all(
        resources.map((resource) =>
          fixture.store.read(resource, new Candidate('x', fixture.store, 1).options),
        ),
      );
      expect(views.map((view) => view?.holder)).toEqual(resources.map((resource) => `m-${resource}`));
    });
  });

  describe(`lease store contract (${name}): what an asker has watched`, () => {
    it('a renewal watched unchanged for its whole lease is over, whatever the clock of the store says', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const b = new Candidate('b', fixture.anotherMember(), longMs);
      const token = await a.win();
      await a.renew(token, 3);
      const watchedMs = longMs * DRIFT_FACTOR + 1;
      const another = await b.acquire({ observed: { holder: 'a', token, beat: 2, forMs: watchedMs } });
      expect(another.kind).toBe('held');
      won(await b.acquire({ observed: { holder: 'a', token, beat: 3, forMs: watchedMs } }));
    });

    it('a renewal not yet watched for its lease stands, whatever the clock of the store says', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, leaseMs);
      const b = new Candidate('b', fixture.anotherMember(), leaseMs);
      const token = await a.win();
      await fixture.advance(leaseMs + ROUNDING_MS);
      const reply = await b.acquire({ observed: { holder: 'a', token, beat: 1, forMs: leaseMs / 2 } });
      expect(reply).toMatchObject({ kind: 'held', holder: 'a' });
      if (reply.kind === 'held') expect(reply.remainingMs).toBeCloseTo(leaseMs / 2, -1);
    });
  });

  describe(`lease store contract (${name}): renewing and releasing`, () => {
    it('a renewal prolongs the lease', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, leaseMs);
      const token = await a.win();
      await fixture.advance(leaseMs / 2);
      const renewedAt = fixture.nowMs();
      expect(await a.renew(token, 1)).toEqual({ kind: 'renewed', restored: false });
      await insist(fixture, new Candidate('b', fixture.anotherMember(), leaseMs));
      expect(fixture.nowMs() - renewedAt).toBeGreaterThanOrEqual(leaseMs - ROUNDING_MS);
    });

    it('a lease that is past can be renewed as long as nobody took it', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, leaseMs);
      const token = await a.win();
      await fixture.advance(leaseMs * 1.2);
      const renewedAt = fixture.nowMs();
      expect(await a.renew(token, 1)).toEqual({ kind: 'renewed', restored: false });
      await insist(fixture, new Candidate('b', fixture.anotherMember(), leaseMs));
      expect(fixture.nowMs() - renewedAt).toBeGreaterThanOrEqual(leaseMs - ROUNDING_MS);
    });

    it('only the holder renews, and only its latest term', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const first = await a.win();
      const second = await a.win();
      const denied = { kind: 'denied', holder: 'a', token: second };
      expect(await a.renew(first, 1)).toEqual(denied);
      expect(await new Candidate('b', fixture.anotherMember(), longMs).renew(second, 1)).toEqual(denied);
    });

    it('after a release nobody renews', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const token = await a.win();
      expect(await a.release(token)).toEqual({ released: true });
      expect(await a.renew(token, 1)).toEqual({ kind: 'denied', holder: null, token });
    });

    it('a renewal that comes late changes nothing', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const token = await a.win();
      await a.renew(token, 5);
      await fixture.advance(50);
      await a.renew(token, 4);
      const view = await a.read();
      expect(view).toMatchObject({ holder: 'a', beat: 5 });
      expect(view?.remainingMs).toBeLessThanOrEqual(longMs - 50 + ROUNDING_MS);
    });

    it('only the holder releases, and only its latest term', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const first = await a.win();
      const second = await a.win();
      expect(await new Candidate('b', fixture.anotherMember(), longMs).release(second)).toEqual({
        released: false,
      });
      expect(await a.release(first)).toEqual({ released: false });
      expect(await a.read()).toMatchObject({ holder: 'a', token: second });
    });
  });

  describe(`lease store contract (${name}): reading`, () => {
    it('reads what stands, and nothing where nothing ever was', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      expect(await a.read()).toBeNull();
      const { token, term } = won(await a.acquire());
      const view = await a.read();
      expect(view).toMatchObject({
        resource: a.resource,
        holder: 'a',
        token,
        term,
        beat: 1,
        leaseMs: longMs,
      });
      expect(view?.remainingMs).toBeGreaterThan(0);
      expect(view?.remainingMs).toBeLessThanOrEqual(longMs);
      await a.release(token);
      expect(await a.read()).toMatchObject({ holder: null, token, remainingMs: 0 });
    });

    it('reading changes nothing', async () => {
      await using fixture = await wary();
      const a = new Candidate('a', fixture.store, longMs);
      for (let n = 0; n < 3; n += 1) expect(await a.read()).toBeNull();
      // Had reading made a record, this would not be the first the store knows of.
      expect(await a.acquire()).toMatchObject({ kind: 'quarantined', fresh: true, waitedMs: 0 });
    });
  });

  describe(`lease store contract (${name}): a first start`, () => {
    it('a store that trusts a first start grants at once', async () => {
      await using fixture = await trusting();
      await new Candidate('a', fixture.store, longMs).win();
    });

    it('a store that does not waits one lease, once for all', async () => {
      await using fixture = await wary();
      const before = fixture.nowMs();
      const a = new Candidate('a', fixture.store, leaseMs);
      const b = new Candidate('b', fixture.anotherMember(), leaseMs);
      expect(await a.acquire()).toMatchObject({ kind: 'quarantined', fresh: true });
      await insist(fixture, b);
      expect(fixture.nowMs() - before).toBeGreaterThanOrEqual(leaseMs * DRIFT_FACTOR - ROUNDING_MS);
      await b.release((await b.read())?.token as bigint);
      await a.win();
    });
  });

  describe(`lease store contract (${name}): hints`, () => {
    it('tells of what another member acquires, renews and releases, in order', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.anotherMember(), longMs);
      using heard = await listen(fixture, { store: fixture.store, resource: a.resource });
      const token = await a.win();
      await heard.until(1);
      await a.renew(token, 1);
      await heard.until(2);
      await a.release(token);
      await heard.until(3);
      const { resource } = a;
      const expectAge: unknown = expect.any(Number);
      expect(heard.signals).toEqual([
        { kind: 'acquired', resource, holder: 'a', token, beat: 1, leaseMs: longMs, ageMs: expectAge },
        { kind: 'renewed', resource, holder: 'a', token, beat: 1, leaseMs: longMs, ageMs: expectAge },
        { kind: 'released', resource, token },
      ]);
    });

    it('tells all that watch, also in the process that made the change', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      using first = await listen(fixture, { store: fixture.store, resource: a.resource });
      using second = await listen(fixture, { store: fixture.store, resource: a.resource });
      using third = await listen(fixture, { store: fixture.anotherMember(), resource: a.resource });
      await a.win();
      for (const heard of [first, second, third]) {
        await heard.until(1);
        expect(heard.signals).toMatchObject([{ kind: 'acquired', holder: 'a' }]);
      }
    });

    it('invents nothing: what was refused, ignored or read is not told, nor what stood before', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.anotherMember(), longMs);
      const b = new Candidate('b', fixture.anotherMember(), longMs);
      const token = await a.win();
      await a.renew(token, 3);
      using heard = await listen(fixture, { store: fixture.store, resource: a.resource });
      using elsewhere = await listen(fixture, { store: fixture.store, resource: 'another' });
      expect((await b.acquire()).kind).toBe('held');
      expect((await b.acquire({ longestMs: longMs * 2 })).kind).toBe('held');
      expect((await b.renew(token, 9)).kind).toBe('denied');
      expect((await b.release(token)).released).toBe(false);
      await a.renew(token, 2);
      await a.read();
      // What is told next is the next thing that happened.
      await a.renew(token, 4);
      await heard.until(1);
      expect(heard.signals).toMatchObject([{ kind: 'renewed', holder: 'a', beat: 4 }]);
      expect(elsewhere.signals).toEqual([]);
    });

    it('who unsubscribed is told nothing more', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      using still = await listen(fixture, { store: fixture.store, resource: a.resource });
      const gone = await listen(fixture, { store: fixture.store, resource: a.resource });
      gone[Symbol.dispose]();
      await a.win();
      await still.until(1);
      expect(gone.signals).toEqual([]);
    });
  });

  describe(`lease store contract (${name}): closing and giving up`, () => {
    it('a closed store refuses, and says so', async () => {
      await using fixture = await trusting();
      const { store } = fixture;
      const a = new Candidate('a', store, longMs);
      const token = await a.win();
      let completed = false;
      store.watch(a.resource).subscribe({ complete: () => (completed = true) });
      await store.close();
      await store.close();
      const closed = { code: 'STORE_CLOSED' };
      await expect(a.acquire()).rejects.toMatchObject(closed);
      await expect(a.renew(token, 1)).rejects.toMatchObject(closed);
      await expect(a.release(token)).rejects.toMatchObject(closed);
      await expect(a.read()).rejects.toMatchObject(closed);
      expect(completed).toBe(true);
    });

    it('a call given up before it was made is not made, and says so', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const error: unknown = await a.acquire({}, AbortSignal.abort()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(error).toMatchObject({ outcomeUnknown: false });
      expect(await a.read()).toBeNull();
    });

    it('a call given up while it is made is answered at once, and breaks nothing', async () => {
      await using fixture = await trusting();
      const a = new Candidate('a', fixture.store, longMs);
      const patience = new AbortController();
      const calls = Array.from({ length: 8 }, () =>
        a.acquire({}, patience.signal).catch((reason: unknown) => reason),
      );
      patience.abort();
      const limit = sleep(5000, 'late');
      expect(await Promise.race([Promise.all(calls), limit])).not.toBe('late');
      for (const outcome of await Promise.all(calls)) {
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StoreUnavailableError);
      }
      await a.win();
    });

    it('says what it is', async () => {
      await using fixture = await trusting();
      const { kind, location, scope, caveats } = fixture.store.describe();
      expect(name).toContain(kind);
      expect(location).not.toBe('');
      expect(['process', 'host', 'network']).toContain(scope);
      for (const caveat of caveats) expect(caveat).toMatch(/\.$/);
    });
  });

  leaseStoreLossContract(contract);
}
