import { describe, expect, it } from 'vitest';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import {
  Candidate,
  insist,
  quarantined,
  ROUNDING_MS,
  type LeaseStoreContract,
  type LeaseStoreFixture,
} from './lease-store-fixture.ts';

/** What every lease store keeps when its data are lost: nobody is granted what somebody may still believe to have. */
export function leaseStoreLossContract(contract: LeaseStoreContract): void {
  const { name, leaseMs } = contract;
  /** Outlasts any test, however slow the machine. */
  const longMs = 100 * leaseMs;
  // The first start is trusted, so that it need not be waited for; a loss never is by who has seen a token.
  const create = () => contract.create({ freshStore: 'trust' });

  /** `a` led, and its record is gone. */
  async function bereaved(fixture: LeaseStoreFixture, lastsMs = longMs) {
    const a = new Candidate('a', fixture.store, lastsMs);
    const b = new Candidate('b', fixture.anotherMember(), lastsMs);
    const token = await a.win();
    await fixture.loseData();
    return { a, b, token };
  }

  describe(`lease store contract (${name}): lost data`, () => {
    it('makes everybody wait, the former holder too', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      const first = quarantined(await b.acquire({ seen: token }));
      expect(first).toMatchObject({ fresh: false, token });
      const second = quarantined(await a.acquire({ seen: token }));
      expect(second.lossId).toBe(first.lossId);
      // A newcomer that has seen nothing waits with them.
      const third = quarantined(await new Candidate('c', fixture.store, longMs).acquire());
      expect(third.lossId).toBe(first.lossId);
    });

    it('makes everybody wait after a release too: the release may be older than the term that was lost', async () => {
      await using fixture = await create();
      const a = new Candidate('a', fixture.store, longMs);
      const token = await a.win();
      await a.release(token);
      await fixture.loseData();
      quarantined(await new Candidate('b', fixture.store, longMs).acquire({ seen: token }));
    });

    it('the wait lasts one lease, and then one wins, with a larger token', async () => {
      await using fixture = await create();
      const { b, token } = await bereaved(fixture, leaseMs);
      const before = fixture.nowMs();
      const told = quarantined(await b.acquire({ seen: token }));
      const wholeMs = leaseMs * DRIFT_FACTOR;
      expect(told.remainingMs).toBeGreaterThanOrEqual(wholeMs - ROUNDING_MS);
      expect(await insist(fixture, b)).toBeGreaterThan(token);
      expect(fixture.nowMs() - before).toBeGreaterThanOrEqual(wholeMs - ROUNDING_MS);
    });

    it('what an asker has waited by its own clock counts, for this loss and no other', async () => {
      await using fixture = await create();
      const { b, token } = await bereaved(fixture);
      const { lossId, waitedMs, remainingMs } = quarantined(await b.acquire({ seen: token }));
      const whole = waitedMs + remainingMs;
      const other = quarantined(await b.acquire({ loss: { id: 'another', forMs: whole } }));
      expect(other.lossId).toBe(lossId);
      const part = quarantined(await b.acquire({ loss: { id: lossId, forMs: whole - 20 } }));
      expect(part.remainingMs).toBeCloseTo(20, 0);
      await b.win({ loss: { id: lossId, forMs: whole + 1 } });
    });

    it('the longest lease that anybody knows of decides how long', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      quarantined(await b.acquire({ seen: token }));
      const longest = quarantined(await a.acquire({ longestMs: 3 * longMs }));
      expect(longest.remainingMs).toBeGreaterThan(2 * longMs);
      const told = quarantined(await b.acquire());
      expect(told.remainingMs).toBeGreaterThan(2 * longMs);
    });

    it('two losses are never taken for one, not even if the same packet is the first to notice both', async () => {
      await using fixture = await create();
      const { b, token } = await bereaved(fixture);
      const packet = b.request({ seen: token });
      const first = quarantined(await b.store.acquire(packet, b.options));
      await fixture.loseData();
      await fixture.advance(10);
      const second = quarantined(await b.store.acquire(packet, b.options));
      expect(second.lossId).not.toBe(first.lossId);
    });
  });

  describe(`lease store contract (${name}): a leader whose record was lost`, () => {
    it('restores its term and goes on', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      expect(await a.renew(token, 1)).toEqual({ kind: 'renewed', restored: true });
      expect(await a.read()).toMatchObject({ holder: 'a', token, beat: 1, term: 1 });
      const { lossId, waitedMs, remainingMs } = quarantined(await b.acquire({ seen: token }));
      // In the wait that follows its renewals are as any; after it, its lease stands.
      expect(await a.renew(token, 2)).toEqual({ kind: 'renewed', restored: false });
      const waited = { id: lossId, forMs: waitedMs + remainingMs + 1 };
      expect(await b.acquire({ loss: waited })).toMatchObject({ kind: 'held', holder: 'a', token, beat: 2 });
    });

    it('restores nothing if a later term was seen', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      quarantined(await b.acquire({ seen: token + 1n }));
      expect((await a.renew(token, 1)).kind).toBe('denied');
      expect((await b.renew(token + 1n, 1)).kind).toBe('renewed');
    });

    it('a later term takes the record back from an earlier one', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      // A late packet of `a` is the first to come; `b` leads with a term that was lost.
      await a.renew(token, 1);
      expect(await b.renew(token + 1n, 1)).toEqual({ kind: 'renewed', restored: true });
      expect((await a.renew(token, 2)).kind).toBe('denied');
    });

    it('ends the quarantine for others neither by renewing nor by releasing', async () => {
      await using fixture = await create();
      const { a, b, token } = await bereaved(fixture);
      await a.renew(token, 1);
      quarantined(await b.acquire({ seen: token }));
      expect(await a.release(token)).toEqual({ released: true });
      quarantined(await a.acquire({ seen: token }));
      const { lossId, waitedMs, remainingMs } = quarantined(await b.acquire({ seen: token }));
      const waited = { id: lossId, forMs: waitedMs + remainingMs + 1 };
      expect(await b.win({ loss: waited })).toBeGreaterThan(token);
    });
  });
}
