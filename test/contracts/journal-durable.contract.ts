/** What a journal on disk promises beside `journal.contract.ts`: other processes, deaths, and disks that fail. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JournalNotice } from '../../src/journal/durable-notice.ts';
import { PENDING_ENTRIES_MAX } from '../../src/journal/durable-backlog.ts';
import type { Journal, JournalWriter } from '../../src/journal/journal.ts';
import { chainAfter } from '../../src/journal/checkpoint.ts';
import { replay } from '../../src/journal/replay.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { Child } from './journal-children.ts';
import { counter, headerOf, Recording } from './journal-entries.ts';
import { durablePlace, type DurableKind, type DurablePlace } from './journal-places.ts';
import { countAt, expectWhole, record, recordsOf, refusalOf } from './journal.contract.ts';

/** How the disk is made to fail, and to work again. */
export interface DiskFault {
  readonly name: string;
  /** Why it cannot be made here, or null. */
  readonly impossible: string | null;
  place(): Promise<DurablePlace>;
  begin(place: DurablePlace): Promise<void>;
  end(place: DurablePlace): Promise<void>;
}

/** What a writer's `onFailure` said, `ok` for recoveries. */
function failuresOf(writer: JournalWriter): string[] {
  const told: string[] = [];
  writer.onFailure((failure) =>
    told.push(failure === null ? 'ok' : (failure as Error & { code: string }).code),
  );
  return told;
}

const patience = { timeout: 20_000, interval: 20 };

export function durableContract(kind: DurableKind, faults: readonly DiskFault[]): void {
  describe(`${kind} journal on disk`, () => {
    let place: DurablePlace;
    let journal: Journal | null = null;
    let notices: JournalNotice[] = [];
    const open = (): Journal => {
      journal = place.open((notice) => notices.push(notice));
      return journal;
    };
    beforeEach(() => {
      place = durablePlace(kind);
      notices = [];
    });
    afterEach(async () => {
      await journal?.close();
      journal = null;
      await place[Symbol.asyncDispose]();
    });

    test('holds after a restart what it held before', async () => {
      const first = open();
      const writer = first.writer(headerOf('a'));
      record(writer, new Recording(), 50);
      await writer.close(30_000);
      await first.close();
      const second = open();
      const head = await second.head('a');
      expect(head.seq).toBe(50);
      const next = second.writer(headerOf('a'), head);
      record(next, new Recording(50), 10);
      await next.durable(60);
      expectWhole(await recordsOf(second, 'a'), await second.head('a'));
    });

    test('keeps the timers an actor waits for over a restart, also where no checkpoint was taken', async () => {
      const recording = new Recording();
      const first = open();
      const writer = first.writer(headerOf('a'));
      record(writer, recording, 3);
      await writer.close(30_000);
      await first.close();
      const second = open();
      const next = second.writer(headerOf('a'), await second.head('a'));
      record(next, recording, 1);
      await next.durable(4);
      await second.trim('a', 5);
      const [trimmed] = await recordsOf(second, 'a');
      expect(trimmed).toMatchObject({ seq: 4, kind: 'trimmed' });
      // Set by the third record, under the header of the first life.
      expect(trimmed?.event.data).toMatchObject({
        actor: 'counter',
        timers: [
          { effect: '3:0', delayMs: 60_000, mono: 30, event: { type: 'xstate.after.60000.counter.resting' } },
        ],
      });
    });

    test('refuses a stream that another process writes, and takes it over once that is dead', async () => {
      await using holder = new Child(kind, place, 'hold');
      await holder.said(/^acked 3$/);
      const here = open();
      const refused = here.writer(headerOf('a'), await here.head('a'));
      expect(await refusalOf(refused)).toMatchObject({ code: 'JOURNAL_IN_USE' });
      await refused.close();
      await holder.kill();
      const writer = here.writer(headerOf('a'), await here.head('a'));
      record(writer, new Recording(3), 5);
      await writer.durable(8);
      expect(notices.map((notice) => notice.kind)).toContain('taken-over');
      expectWhole(await recordsOf(here, 'a'), await here.head('a'));
    });

    test('is not fooled by a stopped process: it lives', async () => {
      await using holder = new Child(kind, place, 'hold');
      await holder.said(/^acked 3$/);
      holder.signal('SIGSTOP');
      const here = open();
      const refused = here.writer(headerOf('a'), await here.head('a'));
      // It may have been stopped while it held the database's lock.
      expect(['JOURNAL_IN_USE', 'JOURNAL_FAILED']).toContain(
        ((await refusalOf(refused)) as Error & { code: string }).code,
      );
      expect(notices).toEqual([]);
    });

    test('loses nothing it confirmed when its process is killed in the middle of writing', async () => {
      let acked = 0;
      for (let round = 0; round < 5; round += 1) {
        await using child = new Child(kind, place, 'write');
        await child.said(new RegExp(`^acked (?!${acked}$)`));
        await vi.waitUntil(() => child.lines.length > 5 + round * 7, patience);
        await child.kill();
        ({ acked } = child);
        const here = open();
        const head = await here.head('a');
        expect(head.seq).toBeGreaterThanOrEqual(acked);
        const records = await recordsOf(here, 'a');
        expectWhole(records, head);
        expect(records[0]?.seq).toBe(1);
        await here.close();
      }
      expect(acked).toBeGreaterThan(50);
    });

    test('can be read by others while it is written', async () => {
      await using child = new Child(kind, place, 'write');
      await child.said(/^acked/);
      await using reader = openJournal(place.path);
      const { acked } = child;
      const [summary] = await reader.streams();
      expect(summary?.seq).toBeGreaterThanOrEqual(acked);
      const records = await recordsOf(reader, 'a', { to: acked });
      expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: acked }, (_, at) => at + 1));
      const before = child.acked;
      await child.said(new RegExp(`^acked (?!${before}$)`), child.lines.length);
      expect((await recordsOf(reader, 'a')).length).toBeGreaterThan(before);
    });

    test('lets a process end that has closed it, and flushes what waits', async () => {
      await using child = new Child(kind, place, 'abrupt');
      expect(await child.ended()).toBe(0);
      expect((await open().head('a')).seq).toBe(3);
    });

    test('does not keep a process alive that forgot to close it', async () => {
      await using child = new Child(kind, place, 'forget');
      expect(await child.ended()).toBe(0);
      expect(child.acked).toBe(3);
    });

    for (const fault of faults) {
      const possible = fault.impossible === null;
      const name = possible ? fault.name : `${fault.name} (skipped: ${fault.impossible})`;
      describe.runIf(possible)(name, () => {
        beforeEach(async () => {
          await place[Symbol.asyncDispose]();
          place = await fault.place();
        });

        test('is told once, holds nobody up, and is made good without a gap', async () => {
          const writer = open().writer(headerOf('a'));
          const recording = new Recording();
          record(writer, recording, 20);
          await writer.durable(20);
          const told = failuresOf(writer);
          await fault.begin(place);
          let beats = 0;
          const heart = setInterval(() => (beats += 1), 5);
          record(writer, recording, 30);
          const refused = expect(writer.durable(50)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
          await vi.waitUntil(() => told.length > 0, patience);
          await refused;
          record(writer, recording, 30);
          await expect(writer.durable(80)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
          // Long enough for further attempts to fail.
          await vi.waitUntil(() => beats > 250, patience);
          clearInterval(heart);
          expect(told).toEqual(['JOURNAL_FAILED']);
          await fault.end(place);
          await vi.waitUntil(() => told.length > 1, patience);
          record(writer, recording, 20);
          await writer.durable(100);
          expect(told).toEqual(['JOURNAL_FAILED', 'ok']);
          const here = journal as Journal;
          const records = await recordsOf(here, 'a');
          expect(records).toHaveLength(100);
          expectWhole(records, await here.head('a'));
        });

        test('that outlasts the backlog leaves a stream that goes on from the state there', async () => {
          const writer = open().writer(headerOf('a'));
          const recording = new Recording();
          record(writer, recording, 20);
          await writer.durable(20);
          const told = failuresOf(writer);
          await fault.begin(place);
          record(writer, recording, PENDING_ENTRIES_MAX + 500);
          await vi.waitUntil(() => told.length > 0, patience);
          record(writer, recording, 500);
          await fault.end(place);
          await writer.durable(recording.last).catch(() => vi.waitUntil(() => told.includes('ok'), patience));
          await writer.durable(recording.last);
          expect(notices.map((notice) => notice.kind)).toContain('overflowed');
          const here = journal as Journal;
          const records = await recordsOf(here, 'a');
          const gaps = records.filter(({ seq }, at) => at > 0 && seq !== (records[at - 1]?.seq ?? 0) + 1);
          expect(gaps.length).toBeGreaterThan(0);
          for (const after of gaps) expect(countAt(after)).toBe(recording.counts.get(after.seq));
          const resumed = records.indexOf(gaps.at(-1) ?? expect.fail());
          expectWhole(records.slice(resumed), await here.head('a'));
          for (const [at, { prev }] of records.entries()) {
            const before = records[at - 1];
            if (before !== undefined) expect(prev).toBe(chainAfter(before));
          }
          expect(await replay(records, counter)).toMatchObject({ lastSeq: recording.last, divergence: null });
        });

        test('does not keep close from returning, and what was given up is told', async () => {
          const writer = open().writer(headerOf('a'));
          const recording = new Recording();
          record(writer, recording, 20);
          await writer.durable(20);
          await fault.begin(place);
          record(writer, recording, 7);
          const began = performance.now();
          await journal?.close();
          expect(performance.now() - began).toBeLessThan(8000);
          expect(notices.find((notice) => notice.kind === 'unflushed')?.message).toContain('7 records');
          await fault.end(place);
          const again = open();
          const head = await again.head('a');
          expect(head.seq).toBeGreaterThanOrEqual(20);
          expectWhole(await recordsOf(again, 'a'), head);
        });
      });
    }
  });
}
