/** What durable journals drop when they grow too large or too old, and what they never drop. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JournalNotice } from '../../src/journal/durable-notice.ts';
import type { Journal, JournalWriter } from '../../src/journal/journal.ts';
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts';
import { replay } from '../../src/journal/replay.ts';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { counter, headerOf, Recording } from '../contracts/journal-entries.ts';
import { scratch } from '../contracts/journal-places.ts';
import { countAt, expectWhole, record, recordsOf } from '../contracts/journal.contract.ts';

let directory: string;
let dispose: () => void;
let notices: JournalNotice[];
beforeEach(() => {
  const made = scratch();
  directory = made.path;
  dispose = () => made[Symbol.dispose]();
  notices = [];
});
afterEach(() => dispose());

const onNotice = (notice: JournalNotice): void => void notices.push(notice);
const dayMs = 24 * 3600 * 1000;

async function write(writer: JournalWriter, recording: Recording, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    record(writer, recording, Math.min(left, 200));
    await writer.durable(recording.last);
  }
}

/** The stream begins with its state, ends where it was written to, and lacks nothing between. */
async function expectReplayable(journal: Journal, recording: Recording, stream = 'a'): Promise<number> {
  const records = await recordsOf(journal, stream);
  const head = await journal.head(stream);
  expect(head.seq).toBe(recording.last);
  expectWhole(records, head);
  expect(await replay(records, counter)).toMatchObject({ lastSeq: head.seq, divergence: null });
  expect(countAt(records[0])).toBe(recording.counts.get(records[0]?.seq ?? 0));
  return records.length;
}

describe('a SQLite journal', () => {
  test('stays below its size, and each stream replayable with its highest sequence number', async () => {
    const bytesMax = 1024 * 1024;
    await using journal = sqliteJournal({
      path: join(directory, 'journal.db'),
      retention: { bytesMax },
      onNotice,
    });
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    await write(writer, recording, 6000);
    await vi.waitUntil(() => notices.some(({ kind }) => kind === 'trimmed'), { timeout: 20_000 });
    await write(writer, recording, 1000);
    const held = await expectReplayable(journal, recording);
    expect(held).toBeGreaterThan(500);
    expect(held).toBeLessThan(5000);
    await journal.close();
    const db = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true });
    const { used } = db.prepare('SELECT sum(length(body)) AS used FROM record').get() as { used: number };
    db.close();
    expect(used).toBeLessThan(bytesMax * 1.25);
  });

  test('trims streams that nobody writes any more to their last state', async () => {
    const retention = { bytesMax: 512 * 1024 };
    await using journal = sqliteJournal({ path: join(directory, 'journal.db'), retention, onNotice });
    const old = new Recording();
    const first = journal.writer(headerOf('old'));
    await write(first, old, 300);
    await first.close();
    const recording = new Recording();
    const second = journal.writer(headerOf('a'));
    await write(second, recording, 5000);
    await vi.waitUntil(() => notices.some(({ stream }) => stream === 'a'), { timeout: 20_000 });
    const left = await recordsOf(journal, 'old');
    expect(left.map(({ seq, kind }) => [seq, kind])).toEqual([[300, 'trimmed']]);
    expect(countAt(left[0])).toBe(old.counts.get(300));
    expect(notices.map(({ stream }) => stream)).toContain('old');
    const again = journal.writer(headerOf('old'), await journal.head('old'));
    record(again, new Recording(300), 4);
    await again.durable(304);
    expectWhole(await recordsOf(journal, 'old'), await journal.head('old'));
  });

  test('drops what is older than it should be', async () => {
    const path = join(directory, 'journal.db');
    const recording = new Recording();
    {
      await using journal = sqliteJournal({ path });
      await write(journal.writer(headerOf('a')), recording, 20);
    }
    const db = new DatabaseSync(path);
    db.prepare('UPDATE record SET wall = wall - ?').run(15 * dayMs);
    db.close();
    await using journal = sqliteJournal({ path, onNotice });
    const writer = journal.writer(headerOf('b'));
    await write(writer, new Recording(), 1);
    await vi.waitUntil(() => notices.length > 0, { timeout: 20_000 });
    expect((await recordsOf(journal, 'a')).map(({ seq, kind }) => [seq, kind])).toEqual([[20, 'trimmed']]);
    expect(await recordsOf(journal, 'b')).toHaveLength(1);
    await expectReplayable(journal, recording);
  });

  test('keeps everything when told to, and refuses nonsense', async () => {
    const path = join(directory, 'journal.db');
    for (const retention of [{ bytesMax: 0 }, { ageMsMax: -1 }, { bytesMax: Number.NaN }]) {
      expect(() => sqliteJournal({ path, retention })).toThrow(
        expect.objectContaining({ code: 'SETTINGS_INVALID' }),
      );
    }
    const retention = { bytesMax: Infinity, ageMsMax: Infinity };
    await using journal = sqliteJournal({ path, retention, onNotice });
    await write(journal.writer(headerOf('a')), new Recording(), 2000);
    expect(await recordsOf(journal, 'a')).toHaveLength(2000);
    expect(notices).toEqual([]);
  });
});

describe('a JSONL journal', () => {
  test('drops its older half when it has grown too large', async () => {
    const path = join(directory, 'journal.jsonl');
    const bytesMax = 512 * 1024;
    await using journal = jsonlJournal({ path, bytesMax, onNotice });
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    await write(writer, recording, 5000);
    await vi.waitUntil(() => notices.some(({ kind }) => kind === 'trimmed'), { timeout: 20_000 });
    await write(writer, recording, 300);
    expect(statSync(path).size).toBeLessThan(bytesMax * 1.5);
    expect(await expectReplayable(journal, recording)).toBeGreaterThan(300);
    await journal.close();
    await using again = jsonlJournal({ path, onNotice });
    const next = again.writer(headerOf('a'), await again.head('a'));
    record(next, new Recording(5300), 5);
    await next.durable(5305);
    expectWhole(await recordsOf(again, 'a'), await again.head('a'));
  });
});
