/**
 * What every journal promises, whatever it is made of. Run by memory, sqlite and jsonl; what only a disk can do is in
 * `journal-durable.contract.ts`.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '../../src/errors.ts';
import { chainAfter } from '../../src/journal/checkpoint.ts';
import {
  GENESIS,
  type Journal,
  type JournalRecord,
  type JournalWriter,
  type ReadOptions,
} from '../../src/journal/journal.ts';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { readJsonl } from '../../src/journal/jsonl-read.ts';
import { replay } from '../../src/journal/replay.ts';
import { counter, headerOf, Recording, WALL } from './journal-entries.ts';

export interface JournalPlace extends AsyncDisposable {
  /** Opens the journal at this place; the same one again after it was closed. */
  open(): Journal;
}

export async function recordsOf(
  journal: Pick<Journal, 'read'>,
  stream: string,
  options?: ReadOptions,
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const each of journal.read(stream, options)) records.push(each);
  return records;
}

export function record(writer: JournalWriter, recording: Recording, count: number): void {
  for (const entry of recording.take(count)) writer.record(entry);
}

/** Gapless, each naming the hash of the one before, the last one that of the head. */
export function expectWhole(records: readonly JournalRecord[], head: { seq: number; chain: string }): void {
  const first = records[0]?.seq ?? head.seq + 1;
  expect(records.map(({ seq }) => seq)).toEqual(
    Array.from({ length: head.seq + 1 - first }, (_, n) => first + n),
  );
  for (const [at, { prev }] of records.entries()) {
    const before = records[at - 1];
    if (before !== undefined) expect(prev).toBe(chainAfter(before));
  }
  const last = records.at(-1);
  if (last !== undefined) expect(chainAfter(last)).toBe(head.chain);
}

/** The state that a `trimmed` record carries. */
export function countAt(trimmed: JournalRecord | undefined): unknown {
  expect(trimmed?.kind).toBe('trimmed');
  const data = trimmed?.event.data as { snapshot: { context: { count: number } } } | undefined;
  return data?.snapshot.context.count;
}

export function refusalOf(writer: JournalWriter): Promise<Error> {
  return new Promise((resolve) => {
    writer.onFailure((failure) => {
      if (failure !== null) resolve(failure);
    });
  });
}

export function journalContract(name: string, makePlace: () => Promise<JournalPlace>): void {
  describe(`${name} journal`, () => {
    let place: JournalPlace;
    let journal: Journal;
    beforeEach(async () => {
      place = await makePlace();
      journal = place.open();
    });
    afterEach(async () => {
      await journal.close();
      await place[Symbol.asyncDispose]();
    });

    /** A stream with that many records, all durable. */
    async function written(
      stream: string,
      count: number,
    ): Promise<{ writer: JournalWriter; recording: Recording }> {
      const writer = journal.writer(headerOf(stream));
      const recording = new Recording();
      record(writer, recording, count);
      await writer.durable(count);
      return { writer, recording };
    }

    test('numbers records from 1 without a gap and chains each to the one before', async () => {
      await written('a', 40);
      const records = await recordsOf(journal, 'a');
      expect(await replay(records, counter)).toMatchObject({ matched: 40, divergence: null });
      expect(records[0]).toMatchObject({ seq: 1, kind: 'init', prev: GENESIS, stream: 'a', from: null });
      expect(records[3]).toMatchObject({ seq: 4, kind: 'event', event: { type: 'add', data: { by: 4 } } });
      expect(records).toHaveLength(40);
      expectWhole(records, await journal.head('a'));
    });

    test('is empty where nothing was written', async () => {
      expect(await journal.head('nobody')).toEqual({ seq: 0, chain: GENESIS });
      expect(await journal.streams()).toEqual([]);
      expect(await recordsOf(journal, 'nobody')).toEqual([]);
    });

    test('tells where its streams stand', async () => {
      await written('a', 3);
      await written('b', 5);
      const streams = (await journal.streams()).toSorted((x, y) => x.stream.localeCompare(y.stream));
      const [a, b] = [await journal.head('a'), await journal.head('b')];
      expect(streams).toMatchObject([
        { stream: 'a', first: 1, ...a, machine: { id: 'counter' } },
        { stream: 'b', first: 1, ...b, lastWall: WALL + 50 },
      ]);
    });

    test('reads a part of a stream', async () => {
      await written('a', 20);
      expect((await recordsOf(journal, 'a', { from: 5, to: 8 })).map(({ seq }) => seq)).toEqual([5, 6, 7, 8]);
      expect((await recordsOf(journal, 'a', { from: 19 })).map(({ seq }) => seq)).toEqual([19, 20]);
      expect(await recordsOf(journal, 'a', { from: 21 })).toEqual([]);
    });

    test('stays gapless when it is given an entry out of sequence', async () => {
      const { writer, recording } = await written('a', 5);
      const skipped = recording.next();
      const early = recording.next();
      expect([skipped.seq, early.seq]).toEqual([6, 7]);
      expect(() => writer.record(early)).not.toThrow();
      await writer.durable(6).catch(() => {});
      const records = await recordsOf(journal, 'a');
      expectWhole(records, await journal.head('a'));
      expect(records.some(({ seq }) => seq === 7)).toBe(false);
    });

    test('refuses a second writer while the first one writes', async () => {
      const { writer } = await written('a', 2);
      expect(() => journal.writer(headerOf('a'))).toThrow(
        expect.objectContaining({ code: 'JOURNAL_IN_USE' }),
      );
      await writer.close();
      const head = await journal.head('a');
      const next = journal.writer(headerOf('a'), head);
      expect(next.nextSeq).toBe(3);
      await next.close();
    });

    test('goes on from its head', async () => {
      const { writer } = await written('a', 10);
      await writer.close();
      const head = await journal.head('a');
      const next = journal.writer(headerOf('a'), head);
      record(next, new Recording(10), 10);
      await next.durable(20);
      const records = await recordsOf(journal, 'a');
      expect(records).toHaveLength(20);
      expect(records[10]?.prev).toBe(head.chain);
      expectWhole(records, await journal.head('a'));
    });

    test('refuses a writer that was told another head', async () => {
      const { writer } = await written('a', 10);
      await writer.close();
      const { chain } = await journal.head('a');
      let refusal: Promise<Error>;
      try {
        refusal = refusalOf(journal.writer(headerOf('a'), { seq: 9, chain }));
      } catch (error) {
        refusal = Promise.resolve(error as Error);
      }
      expect(await refusal).toMatchObject({ code: 'JOURNAL_CONFLICT' });
      expect((await journal.head('a')).seq).toBe(10);
    });

    test('trims to a state it can be replayed from, and keeps the highest sequence number', async () => {
      const { writer, recording } = await written('a', 20);
      await journal.trim('a', 21);
      const head = await journal.head('a');
      expect(head.seq).toBe(20);
      const [trimmed, ...none] = await recordsOf(journal, 'a');
      expect(none).toEqual([]);
      expect(trimmed).toMatchObject({ seq: 20, kind: 'trimmed', from: null });
      expect(countAt(trimmed)).toBe(recording.counts.get(20));
      record(writer, recording, 5);
      await writer.durable(25);
      const records = await recordsOf(journal, 'a');
      expect(records.map(({ seq }) => seq)).toEqual([20, 21, 22, 23, 24, 25]);
      expect(await replay(records, counter)).toMatchObject({ lastSeq: 25, divergence: null });
      expectWhole(records, await journal.head('a'));
    });

    test('drops nothing at or above the place it is told to trim below', async () => {
      await written('a', 20);
      await journal.trim('a', 8);
      const records = await recordsOf(journal, 'a', { from: 8 });
      expect(records.map(({ seq }) => seq)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
      expect(records.every(({ kind }) => kind === 'event')).toBe(true);
      const all = await recordsOf(journal, 'a');
      expect(all[0]?.seq === 1 || all[0]?.kind === 'trimmed').toBe(true);
      expectWhole(all, await journal.head('a'));
      await journal.trim('nobody', 8);
    });

    test('shows a reader a gapless beginning of what is being written', async () => {
      const writer = journal.writer(headerOf('a'));
      const recording = new Recording();
      const lengths: number[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        record(writer, recording, 100);
        const records = await recordsOf(journal, 'a');
        expect(records.map(({ seq }) => seq)).toEqual(records.map((_, at) => at + 1));
        lengths.push(records.length);
      }
      expect(lengths).toEqual(lengths.toSorted((x, y) => x - y));
      await writer.durable(2000);
      expectWhole(await recordsOf(journal, 'a'), await journal.head('a'));
    });

    test('writes what waits before it closes', async () => {
      const writer = journal.writer(headerOf('a'));
      record(writer, new Recording(), 300);
      await writer.close(30_000);
      expect((await journal.head('a')).seq).toBe(300);
    });

    test('says so when it is used after it was closed', async () => {
      const { writer, recording } = await written('a', 3);
      await writer.close();
      writer.record(recording.next());
      await expect(writer.durable(4)).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
      expect((await journal.head('a')).seq).toBe(3);
      await journal.close();
      await journal.close();
      expect(() => journal.writer(headerOf('b'))).toThrow(JournalError);
    });

    test('travels: an export read back holds the same records', async () => {
      await written('a', 30);
      const { writer } = await written('b', 30);
      await journal.trim('b', 31);
      await writer.close();
      const chunks: Uint8Array[] = [];
      const { records } = await exportJournal(journal, (chunk) => void chunks.push(chunk));
      const reading = await readJsonl(Buffer.concat(chunks));
      const travelled: JournalRecord[] = [];
      for await (const each of reading.records) travelled.push(each);
      const here = [...(await recordsOf(journal, 'a')), ...(await recordsOf(journal, 'b'))];
      const byPlace = (x: JournalRecord, y: JournalRecord): number =>
        x.stream.localeCompare(y.stream) || x.seq - y.seq;
      expect(travelled.toSorted(byPlace)).toEqual(here);
      expect(records).toBe(here.length);
      expect(reading.header.streams).toContainEqual({ stream: 'b', first: 30, last: 30 });
      await expect(exportJournal(journal, () => {}, ['nobody'])).rejects.toMatchObject({
        code: 'JOURNAL_NOT_FOUND',
      });
    });
  });
}
