/** What a journal's path may lead to, and what is said about each. Whatever it is, it is left as it was. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError, SettingsError } from '../../src/errors.ts';
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { encodeLine } from '../../src/journal/jsonl-format.ts';
import { headerOf, Recording } from '../contracts/journal-entries.ts';
import { sampleExport, sampleLive } from '../contracts/journal-samples.ts';
import { scratch } from '../contracts/journal-places.ts';
import { record, recordsOf, refusalOf } from '../contracts/journal.contract.ts';

let directory: string;
let dispose: () => void;
beforeEach(() => {
  const made = scratch();
  directory = made.path;
  dispose = () => made[Symbol.dispose]();
});
afterEach(() => dispose());

const at = (name: string): string => join(directory, name);
const isRoot = process.getuid?.() === 0;

const writers = {
  sqliteJournal: (path: string) => sqliteJournal({ path }),
  jsonlJournal: (path: string) => jsonlJournal({ path }),
};

/** The code of what `open` throws; closes what it should not have opened. */
async function refusal(open: () => { close(): Promise<void> }): Promise<string | null> {
  let opened: { close(): Promise<void> };
  try {
    opened = open();
  } catch (error) {
    expect(error instanceof SettingsError || error instanceof JournalError, String(error)).toBe(true);
    expect((error as Error).message).toContain(directory);
    return (error as SettingsError).code;
  }
  await opened.close();
  return null;
}

/** Another program's database, one of a later version, and so on. */
function database(name: string, ...statements: string[]): string {
  const db = new DatabaseSync(at(name));
  for (const statement of statements) db.exec(statement);
  db.close();
  return at(name);
}

describe.for(Object.entries(writers))('%s', ([name, open]) => {
  test('refuses a directory, and a path whose directory is not there', async () => {
    expect(await refusal(() => open(directory))).toBe('JOURNAL_UNRECOGNIZED');
    expect(await refusal(() => open(at('no/such/journal')))).toBe('DIRECTORY_UNWRITABLE');
    expect(existsSync(at('no'))).toBe(false);
  });

  test('refuses what is not a regular file', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(await refusal(() => open(at('pipe')))).toBe('JOURNAL_UNRECOGNIZED');
  });

  test('refuses a file of another program and leaves it as it was', async () => {
    const text = 'Dear diary, '.repeat(100);
    writeFileSync(at('diary.txt'), text);
    expect(await refusal(() => open(at('diary.txt')))).not.toBeNull();
    const foreign = database('other.db', 'CREATE TABLE notes (text)', "INSERT INTO notes VALUES ('mine')");
    const before = readFileSync(foreign);
    expect(await refusal(() => open(foreign))).not.toBeNull();
    expect(readFileSync(at('diary.txt'), 'utf8')).toBe(text);
    expect(readFileSync(foreign)).toEqual(before);
    expect(readdirSync(directory).toSorted()).toEqual(['diary.txt', 'other.db']);
  });

  test('writes to an empty file and through a link', async () => {
    writeFileSync(at('empty'), '');
    symlinkSync(at('empty'), at('link'));
    await using journal = open(at('link'));
    const writer = journal.writer(headerOf('a'));
    record(writer, new Recording(), 2);
    await writer.durable(2);
    await using other = open(at('empty'));
    expect(() => other.writer(headerOf('a'))).toThrow(expect.objectContaining({ code: 'JOURNAL_IN_USE' }));
    await using reader = openJournal(at('empty'));
    expect(await recordsOf(reader, 'a')).toHaveLength(2);
  });

  test.skipIf(isRoot)(
    'refuses a directory and a file without permission to write (root may write anywhere)',
    async () => {
      mkdirSync(at('locked'));
      chmodSync(at('locked'), 0o500);
      expect(await refusal(() => open(at('locked/journal')))).toBe('DIRECTORY_UNWRITABLE');
      const journal = open(at('journal'));
      await journal.head('a');
      await journal.close();
      if (name === 'jsonlJournal') writeFileSync(at('journal'), await sampleLive(2));
      chmodSync(at('journal'), 0o400);
      expect(await refusal(() => open(at('journal')))).toBe('DIRECTORY_UNWRITABLE');
    },
  );

  test.runIf(isRoot)('refuses a read-only disk (mounting one needs root)', async () => {
    mkdirSync(at('disc'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', at('disc')]);
    try {
      expect(await refusal(() => open(at('disc/journal')))).toBe('DIRECTORY_UNWRITABLE');
    } finally {
      execFileSync('umount', ['-l', at('disc')]);
    }
  });
});

describe('a journal of a later version', () => {
  test('is refused as that, for writing and for reading', async () => {
    await sqliteJournal({ path: at('journal.db') }).close();
    await using made = sqliteJournal({ path: at('journal.db') });
    await made.head('a');
    await made.close();
    database('journal.db', 'PRAGMA user_version = 7');
    expect(await refusal(() => sqliteJournal({ path: at('journal.db') }))).toBe('JOURNAL_FORMAT_NEWER');
    expect(await refusal(() => openJournal(at('journal.db')))).toBe('JOURNAL_FORMAT_NEWER');
    const header = {
      conclave: 'journal',
      format: 7,
      form: 'live',
      runtime: 'x',
      machines: [],
      streams: [],
    } as const;
    writeFileSync(at('journal.jsonl'), encodeLine(header));
    await using reader = openJournal(at('journal.jsonl'));
    await expect(reader.streams()).rejects.toMatchObject({ code: 'JOURNAL_FORMAT_NEWER' });
    await using journal = jsonlJournal({ path: at('journal.jsonl') });
    const writer = journal.writer(headerOf('a'));
    expect(await refusalOf(writer)).toMatchObject({ code: 'JOURNAL_FORMAT_NEWER' });
    expect(readFileSync(at('journal.jsonl'))).toEqual(encodeLine(header));
  });
});

describe('openJournal', () => {
  test('knows a journal by what is in it, not by its name', async () => {
    const written = sqliteJournal({ path: at('run.jsonl') });
    const writer = written.writer(headerOf('a'));
    record(writer, new Recording(), 3);
    await writer.close(30_000);
    await written.close();
    writeFileSync(at('run.db'), await sampleExport(3));
    await using sqlite = openJournal(at('run.jsonl'));
    await using jsonl = openJournal(at('run.db'));
    expect([sqlite.kind, jsonl.kind]).toEqual(['sqlite', 'jsonl']);
    expect(await recordsOf(sqlite, 'a')).toHaveLength(3);
    expect(await recordsOf(jsonl, 'b')).toHaveLength(3);
    expect((await jsonl.streams()).map(({ stream, seq }) => `${stream}@${seq}`)).toEqual(['a@3', 'b@3']);
  });

  test('refuses what is none, and says what it is', async () => {
    writeFileSync(at('empty.jsonl'), '');
    writeFileSync(at('diary.txt'), 'Dear diary');
    expect(await refusal(() => openJournal(at('nothing')))).toBe('JOURNAL_NOT_FOUND');
    expect(await refusal(() => openJournal(at('empty.jsonl')))).toBe('JOURNAL_TRUNCATED');
    expect(await refusal(() => openJournal(at('diary.txt')))).toBe('JOURNAL_UNRECOGNIZED');
    expect(await refusal(() => openJournal(directory))).toBe('JOURNAL_UNRECOGNIZED');
    const foreign = database('other.db', 'CREATE TABLE notes (text)');
    expect(await refusal(() => openJournal(foreign))).toBe('STORE_NOT_A_DATABASE');
  });

  test('leaves a finished export finished', async () => {
    writeFileSync(at('run.jsonl'), await sampleExport(3));
    const before = readFileSync(at('run.jsonl'));
    await using journal = jsonlJournal({ path: at('run.jsonl') });
    expect(await refusalOf(journal.writer(headerOf('a')))).toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(readFileSync(at('run.jsonl'))).toEqual(before);
  });

  test.runIf(isRoot)('reads a database on a read-only disk (mounting one needs root)', async () => {
    mkdirSync(at('disc'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', at('disc')]);
    try {
      const written = sqliteJournal({ path: at('disc/journal.db') });
      const writer = written.writer(headerOf('a'));
      record(writer, new Recording(), 3);
      await writer.close(30_000);
      await written.close();
      execFileSync('mount', ['-o', 'remount,ro', at('disc')]);
      await using reader = openJournal(at('disc/journal.db'));
      expect(await recordsOf(reader, 'a')).toHaveLength(3);
    } finally {
      execFileSync('umount', ['-l', at('disc')]);
    }
  });
});
