/** Journals that were changed behind their writer's back: by a disk, by another writer, by hand. */
import { copyFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConclaveError } from '../../src/errors.ts';
import type { JournalNotice } from '../../src/journal/durable-notice.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { Backlog } from '../../src/journal/durable-backlog.ts';
import { newClaim } from '../../src/journal/durable-claim.ts';
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { headOf } from '../../src/journal/sqlite-read.ts';
import { openForWriting } from '../../src/journal/sqlite-schema.ts';
import { appendParcel, claimStream } from '../../src/journal/sqlite-write.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { headerOf, Recording } from '../contracts/journal-entries.ts';
import { sampleLive } from '../contracts/journal-samples.ts';
import { durablePlace, scratch, type DurableKind } from '../contracts/journal-places.ts';
import { expectWhole, record, recordsOf, refusalOf } from '../contracts/journal.contract.ts';

/** Every so many bytes are changed; coprime to the eight masks. */
const STRIDE = 5;

let directory: string;
let dispose: () => void;
beforeEach(() => {
  const made = scratch();
  directory = made.path;
  dispose = () => made[Symbol.dispose]();
});
afterEach(() => dispose());

/** Writes streams of the given lengths and closes. */
async function write(kind: DurableKind, counts: Record<string, number>): Promise<string> {
  const place = durablePlace(kind, directory);
  const journal = place.open();
  for (const [stream, count] of Object.entries(counts)) {
    const writer = journal.writer(headerOf(stream));
    record(writer, new Recording(), count);
    await writer.durable(count);
  }
  await journal.close();
  return place.path;
}

/** All records of all streams. */
async function everything(path: string): Promise<JournalRecord[]> {
  await using journal = openJournal(path);
  const records: JournalRecord[] = [];
  for (const { stream } of await journal.streams()) records.push(...(await recordsOf(journal, stream)));
  return records;
}

describe('a database with a changed byte', () => {
  test('never reads as something that was not written', async () => {
    const path = await write('sqlite', { a: 12, b: 3 });
    const whole = readFileSync(path);
    const records = await everything(path);
    const changed = join(directory, 'changed.db');
    let found = 0;
    let harmless = 0;
    // Most of a database is empty pages.
    for (let at = 0; at < whole.length; at += whole[at] === 0 ? 101 : STRIDE) {
      const copy = Buffer.from(whole);
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(changed, copy);
      try {
        expect(await everything(changed), `byte ${at}`).toEqual(records);
        harmless += 1;
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
        found += 1;
      }
    }
    expect(found).toBeGreaterThan(1000);
    expect(harmless).toBeGreaterThan(0);
  });

  test('is refused with stream and sequence', async () => {
    const path = await write('sqlite', { a: 5 });
    const cases: [string, object][] = [
      [
        `UPDATE record SET body = replace(body, '"by":4', '"by":5') WHERE seq = 4`,
        { place: `${path}, a #4` },
      ],
      ['DELETE FROM record WHERE seq = 3', {}],
      ['DELETE FROM record WHERE seq = 1', {}],
      // The end of a stream leaves no gap.
      ['DELETE FROM record WHERE seq = 5', {}],
      ['UPDATE stream SET seq = 4', {}],
      ['DELETE FROM record', {}],
    ];
    for (const [statement, details] of cases) {
      const db = new DatabaseSync(path);
      db.exec('CREATE TEMP TABLE kept AS SELECT * FROM record');
      db.exec(statement);
      await using journal = openJournal(path);
      await expect(recordsOf(journal, 'a'), statement).rejects.toMatchObject({
        code: 'JOURNAL_CORRUPT',
        ...details,
      });
      db.exec('DELETE FROM record; INSERT INTO record SELECT * FROM kept; UPDATE stream SET seq = 5');
      db.close();
    }
    expect(await everything(path)).toHaveLength(5);
  });

  test('that is cut off is refused', async () => {
    const path = await write('sqlite', { a: 300 });
    truncateSync(path, statSync(path).size / 2);
    await expect(everything(path)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });
});

test('a parcel whose answer was lost is written once', async () => {
  const db = openForWriting(join(directory, 'journal.db'), 'test');
  const header = headerOf('a');
  const claim = newClaim(header.writer);
  claimStream(db, 'a', claim, () => expect.fail());
  const backlog = new Backlog(header, 1);
  for (const entry of new Recording().take(3)) backlog.push(entry);
  const parcel = backlog.next() ?? expect.fail();
  appendParcel(db, 'a', claim.id, parcel);
  const head = headOf(db, 'a');
  appendParcel(db, 'a', claim.id, parcel);
  expect(headOf(db, 'a')).toEqual(head);
  db.close();
  expect(await everything(join(directory, 'journal.db'))).toHaveLength(3);
});

describe('a second writer that got past the claim', () => {
  test('ends the first one in SQLite at its next commit, with nothing interleaved', async () => {
    const path = join(directory, 'journal.db');
    await using journal = sqliteJournal({ path });
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    record(writer, recording, 3);
    await writer.durable(3);
    const db = new DatabaseSync(path, { timeout: 5000 });
    db.exec("UPDATE stream SET claim_id = 'somebody else'");
    const refused = refusalOf(writer);
    record(writer, recording, 3);
    expect(await refused).toMatchObject({ code: 'JOURNAL_CONFLICT' });
    expect((await journal.head('a')).seq).toBe(3);
    db.close();
  });

  test('meets the primary key where it is not even asked', async () => {
    const path = join(directory, 'journal.db');
    await using journal = sqliteJournal({ path });
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    record(writer, recording, 3);
    await writer.durable(3);
    const db = new DatabaseSync(path, { timeout: 5000 });
    db.exec('INSERT INTO record SELECT stream, 5, wall, crc, body FROM record WHERE seq = 3');
    const refused = refusalOf(writer);
    record(writer, recording, 3);
    expect(await refused).toMatchObject({ code: 'JOURNAL_CONFLICT' });
    // Nothing of the refused parcel stays, not even what would have fitted.
    expect(db.prepare('SELECT seq FROM record ORDER BY seq').all()).toMatchObject(
      [1, 2, 3, 5].map((seq) => ({ seq })),
    );
    expect((await journal.head('a')).seq).toBe(3);
    db.close();
  });

  test('ends the first one in JSONL, too', async () => {
    const path = join(directory, 'journal.jsonl');
    await using journal = jsonlJournal({ path });
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    record(writer, recording, 3);
    await writer.durable(3);
    const before = readFileSync(path);
    const claim = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object;
    writeFileSync(`${path}.lock`, JSON.stringify({ ...claim, id: 'somebody else' }));
    const refused = refusalOf(writer);
    record(writer, recording, 3);
    expect(await refused).toMatchObject({ code: 'JOURNAL_CONFLICT' });
    expect(readFileSync(path)).toEqual(before);
  });
});

describe('a JSONL journal whose end was torn', () => {
  test('goes on behind its last whole record, wherever it was cut', async () => {
    const bytes = await sampleLive(3);
    const path = join(directory, 'journal.jsonl');
    const lines = bytes.toString('latin1').split(/(?<=\n)/);
    const header = lines[0]?.length ?? 0;
    const end = lines.slice(0, 4).join('').length;
    const ends = lines.slice(0, 4).map((_, at) => lines.slice(0, at + 1).join('').length);
    const lengths = ends.flatMap((each) => [each - 2, each - 1, each]).filter((length) => length >= header);
    for (let length = header; length <= end; length += 13) lengths.push(length);
    for (const length of lengths) {
      writeFileSync(path, bytes.subarray(0, length));
      const notices: JournalNotice[] = [];
      await using journal = jsonlJournal({ path, onNotice: (notice) => notices.push(notice) });
      const head = await journal.head('a');
      const writer = journal.writer(headerOf('a'), head);
      record(writer, new Recording(head.seq), 2);
      await writer.durable(head.seq + 2);
      const records = await recordsOf(journal, 'a');
      expectWhole(records, await journal.head('a'));
      expect(records).toHaveLength(head.seq + 2);
      expect(readFileSync(path).at(-1)).toBe(10);
      const whole = bytes[length - 1] === 10 || bytes[length] === 10;
      expect(notices.map(({ kind }) => kind)).toEqual(whole ? [] : ['repaired']);
    }
  });

  test('ends with its last whole record once a writer has opened it', async () => {
    const bytes = await sampleLive(3);
    const path = join(directory, 'journal.jsonl');
    const end = bytes.indexOf('\n', bytes.indexOf('"seq":2')) + 1;
    writeFileSync(path, bytes.subarray(0, end + 90));
    await using journal = jsonlJournal({ path });
    const writer = journal.writer(headerOf('a'), await journal.head('a'));
    await writer.close(30_000);
    expect(readFileSync(path)).toEqual(bytes.subarray(0, end));
  });

  test('is not touched where it is damaged in the middle', async () => {
    const bytes = await sampleLive(6);
    const path = join(directory, 'journal.jsonl');
    bytes[bytes.indexOf('"seq":3') + 6] = 0x34;
    writeFileSync(path, bytes);
    await using journal = jsonlJournal({ path });
    const refusal = await refusalOf(journal.writer(headerOf('a'), { seq: 6, chain: 'f'.repeat(32) }));
    expect(refusal).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(refusal.message).toMatch(/byte \d+, line 4, behind a #2/);
    expect(readFileSync(path)).toEqual(bytes);
  });
});

describe.for(['sqlite', 'jsonl'] as const)('a %s journal that is moved away while it is written', (kind) => {
  test('is told, and made good when it comes back', async () => {
    const place = durablePlace(kind, directory);
    await using journal = place.open();
    const writer = journal.writer(headerOf('a'));
    const recording = new Recording();
    record(writer, recording, 3);
    await writer.durable(3);
    const refused = refusalOf(writer);
    renameSync(place.path, `${place.path}.1`);
    record(writer, recording, 3);
    expect(await refused).toMatchObject({ code: 'JOURNAL_FAILED' });
    const recovered = new Promise<void>((resolve) => {
      writer.onFailure((failure) => failure === null && resolve());
    });
    renameSync(`${place.path}.1`, place.path);
    await recovered;
    await writer.durable(6);
    expectWhole(await recordsOf(journal, 'a'), await journal.head('a'));
    expect((await journal.head('a')).seq).toBe(6);
  });
});

test('a copy of a database that is being written can be read', async () => {
  const path = join(directory, 'journal.db');
  await using journal = sqliteJournal({ path });
  const writer = journal.writer(headerOf('a'));
  record(writer, new Recording(), 50);
  await writer.durable(50);
  const copy = join(directory, 'copy.db');
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  expect(await everything(copy)).toHaveLength(50);
});
