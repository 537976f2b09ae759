/** What every store of a shared configuration promises, tried on the real thing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUDIT_MAX, type HeadStore, type HeadSwap } from '../../src/config/head-store.ts';

export interface HeadStoreContract {
  readonly name: string;
  /** A store on data of its own, another member's on the same data, and one of another namespace beside them. */
  create(): Promise<
    AsyncDisposable & { readonly store: HeadStore; readonly another: HeadStore; readonly foreign: HeadStore }
  >;
}

const options = { signal: new AbortController().signal };

const swapOf = (before: string | null, head: string, more: Partial<HeadSwap> = {}): HeadSwap => ({
  before,
  head,
  history: `history of ${head}`,
  audit: `audit of ${head}`,
  content: null,
  drop: [],
  ...more,
});

export function headStoreContract(contract: HeadStoreContract): void {
  const { name } = contract;
  describe(`a head store: ${name}`, () => {
    let made: Awaited<ReturnType<HeadStoreContract['create']>>;
    let store: HeadStore;
    let another: HeadStore;
    beforeEach(async () => {
      made = await contract.create();
      ({ store, another } = made);
    });
    afterEach(() => made[Symbol.asyncDispose]());

    test('holds nothing at first', async () => {
      expect(await store.head(options)).toBeNull();
      expect(await store.history(options)).toBeNull();
      expect(await store.content('a', options)).toBeNull();
      expect(await store.reports(options)).toEqual([]);
      expect(await store.audit(options)).toEqual([]);
    });

    test('moves from nothing and from what is there, for all members to see', async () => {
      expect(await store.swap(swapOf(null, 'one'), options)).toBe(true);
      expect(await another.swap(swapOf('one', 'two'), options)).toBe(true);
      expect(await store.head(options)).toBe('two');
      expect(await another.history(options)).toBe('history of two');
      expect(await store.audit(options)).toEqual(['audit of two', 'audit of one']);
    });

    test.each([null, 'other'])(
      'changes nothing if the head is not what it is taken for (%s)',
      async (before) => {
        await store.swap(swapOf(null, 'one', { content: { sha: 'a', text: 'A' } }), options);
        const change = swapOf(before, 'two', { content: { sha: 'b', text: 'B' }, drop: ['a'] });
        expect(await another.swap(change, options)).toBe(false);
        expect(await store.head(options)).toBe('one');
        expect(await store.history(options)).toBe('history of one');
        expect(await store.content('a', options)).toBe('A');
        expect(await store.content('b', options)).toBeNull();
        expect(await store.audit(options)).toEqual(['audit of one']);
      },
    );

    test('lets one of many win who swap at once', async () => {
      const swaps = Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? store : another).swap(swapOf(null, `try ${i}`), options),
      );
      const won = (await Promise.all(swaps)).flatMap((each, i) => (each ? [`try ${i}`] : []));
      expect(won).toHaveLength(1);
      expect(await store.head(options)).toBe(won[0]);
    });

    test('keeps bytes until a swap drops them, of any length and any characters', async () => {
      const text = `"\\\n\u0000ünïcödé ☃ ${'x'.repeat(300_000)}`;
      await store.keep('a', text, options);
      await store.keep('a', 'never mind', options);
      expect(await another.content('a', options)).toBe(text);
      await store.swap(swapOf(null, 'one', { content: { sha: 'b', text: 'B' }, drop: ['a'] }), options);
      expect(await another.content('a', options)).toBeNull();
      expect(await another.content('b', options)).toBe('B');
    });

    test('forgets what members reported after its time, and replaces what they reported before', async () => {
      await store.report('x', 'first', 60_000, options);
      await store.report('x', 'second', 60_000, options);
      await another.report('y', 'brief', 50, options);
      await expect.poll(() => store.reports(options), { timeout: 10_000 }).toEqual(['second']);
      await store.report('z', 'third', 60_000, options);
      expect((await another.reports(options)).toSorted()).toEqual(['second', 'third']);
    });

    test('tells other members that something moved', async () => {
      let hints = 0;
      const watching = another.watch().subscribe(() => (hints += 1));
      try {
        await another.head(options);
        let [before, lap] = [null as string | null, 0];
        // Until the watch is in force, nothing is promised but that it will be.
        await expect
          .poll(
            async () => {
              const head = `lap ${(lap += 1)}`;
              await store.swap(swapOf(before, head), options);
              before = head;
              return hints;
            },
            { interval: 50, timeout: 10_000 },
          )
          .toBeGreaterThan(0);
      } finally {
        watching.unsubscribe();
      }
    });

    test('calls all members, and tells that from a move', async () => {
      const heard = new Set<string>();
      const watching = another.watch().subscribe((hint) => heard.add(hint));
      try {
        await another.head(options);
        await store.swap(swapOf(null, 'one'), options);
        await expect.poll(() => [...heard], { timeout: 10_000 }).not.toContain('called');
        const call = async () => {
          await store.call(options);
          return [...heard];
        };
        await expect.poll(call, { interval: 50, timeout: 10_000 }).toContain('called');
        expect(await store.head(options)).toBe('one');
      } finally {
        watching.unsubscribe();
      }
    });

    test('keeps the last moves, the newest first', async () => {
      let before: string | null = null;
      // Each move is synchronised to disk.
      const count = name.startsWith('sqlite') ? 5 : AUDIT_MAX + 5;
      for (let i = 0; i < count; i += 1) {
        await store.swap(swapOf(before, `${i}`), options);
        before = `${i}`;
      }
      const audit = await store.audit(options);
      expect(audit).toHaveLength(Math.min(count, AUDIT_MAX));
      expect(audit[0]).toBe(`audit of ${count - 1}`);
    });

    test('keeps namespaces apart', async () => {
      await store.swap(swapOf(null, 'one', { content: { sha: 'a', text: 'A' } }), options);
      await store.report('x', 'mine', 60_000, options);
      const { foreign } = made;
      expect(await foreign.head(options)).toBeNull();
      expect(await foreign.content('a', options)).toBeNull();
      expect(await foreign.reports(options)).toEqual([]);
      expect(await foreign.audit(options)).toEqual([]);
      expect(await foreign.swap(swapOf(null, 'two'), options)).toBe(true);
      expect(await store.head(options)).toBe('one');
    });

    test('refuses calls after it was closed', async () => {
      await another.close();
      await another.close();
      if (name === 'memory') return;
      await expect(another.head(options)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });
  });
}
