import { existsSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { JournalError, SettingsError } from '../errors.ts';
import { checkWritablePlace, readStart, SQLITE_MAGIC } from './durable-path.ts';
import { JOURNAL_FORMAT } from './journal.ts';

/** The file `journal.db`: what is in it, and what is refused before anything is touched. */

/** `PRAGMA application_id` of our files: "Cncl". Whatever has another one belongs to another program. */
export const APPLICATION_ID = 0x436e636c;

/** How long a statement waits for another process's lock. It also bounds how long a closing process can be held up. */
export const BUSY_TIMEOUT_MS = 1000;

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,       -- the highest ever written; trimming does not lower it
    chain TEXT NOT NULL,        -- what the next record must name as its prev
    last_wall REAL NOT NULL,
    claim_id TEXT,              -- the one writer; NULL when nobody writes
    claim TEXT
  ) STRICT;
  CREATE TABLE record (
    stream INTEGER NOT NULL REFERENCES stream (id),
    seq INTEGER NOT NULL,
    wall REAL NOT NULL,
    crc INTEGER NOT NULL,       -- CRC-32C of the body
    body TEXT NOT NULL,         -- the record as JSON
    PRIMARY KEY (stream, seq)
  ) STRICT;
  CREATE TABLE checkpoint (
    stream INTEGER NOT NULL REFERENCES stream (id),
    seq INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
  ) STRICT;
`;

/** Where the 100 bytes of a SQLite header say what we ask of them (https://sqlite.org/fileformat2.html). */
const HEADER_BYTES = 100;
const USER_VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/** Whether the first bytes of a file are those of a SQLite database. */
export function looksLikeSqlite(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, SQLITE_MAGIC.length)).toString('latin1') === SQLITE_MAGIC;
}

/**
 * Refuses what cannot be a journal to write, by looking only: the file, if there is one, stays as it is.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `JOURNAL_UNRECOGNIZED`, `STORE_NOT_A_DATABASE`; JournalError `JOURNAL_FORMAT_NEWER`
 */
export function checkSqliteWritable(path: string): void {
  checkWritablePlace(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) checkHeader(path, readStart(path));
}

/** Checks the header of a file that exists. Throws as `checkSqliteWritable` does. */
export function checkHeader(path: string, start: Buffer): void {
  if (!looksLikeSqlite(start) || start.length < HEADER_BYTES) {
    throw new SettingsError(
      'STORE_NOT_A_DATABASE',
      `${path} is not a SQLite database. It was left untouched.`,
    );
  }
  checkIds(path, start.readUInt32BE(APPLICATION_ID_OFFSET), start.readUInt32BE(USER_VERSION_OFFSET));
}

/** Opens a journal for writing, and makes it where there is none. */
export function openForWriting(path: string, runtime: string): DatabaseSync {
  checkSqliteWritable(path);
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // In the mode that a new file has, so that from its first byte on the file says what it is; WAL comes after.
    if (isEmpty(db)) create(db, runtime);
    checkIds(path, pragma(db, 'application_id'), pragma(db, 'user_version'));
    db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};`,
    );
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** After a checkpoint the write-ahead log is cut to this size. */
const WAL_BYTES_KEPT = 16 * 1024 * 1024;

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** A statement of this connection, prepared once. */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  let own = statements.get(db);
  if (own === undefined) statements.set(db, (own = new Map<string, StatementSync>()));
  let statement = own.get(sql);
  if (statement === undefined) own.set(sql, (statement = db.prepare(sql)));
  return statement;
}

/** Opens a journal for reading, also while another process writes it and also on a read-only disk. */
export function openForReading(path: string): DatabaseSync {
  checkHeader(path, readStart(path));
  let db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    pragma(db, 'user_version');
  } catch (error) {
    db.close();
    // A directory that cannot be written has no room for the index of the write-ahead log. Without a log, none is
    // needed: nobody writes.
    if (existsSync(`${path}-wal`)) throw error;
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    db = new DatabaseSync(url, { readOnly: true });
  }
  return db;
}

function isEmpty(db: DatabaseSync): boolean {
  return (
    db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined &&
    pragma(db, 'application_id') === 0
  );
}

function create(db: DatabaseSync, runtime: string): void {
  db.exec('BEGIN IMMEDIATE');
  // Another process may have been faster.
  if (isEmpty(db)) {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${JOURNAL_FORMAT}; ${SCHEMA}`);
    const insert = db.prepare('INSERT INTO meta VALUES (?, ?)');
    insert.run('format', String(JOURNAL_FORMAT));
    insert.run('runtime', runtime);
  }
  db.exec('COMMIT');
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function checkIds(path: string, applicationId: number, format: number): void {
  if (applicationId !== APPLICATION_ID) {
    throw new SettingsError(
      'STORE_NOT_A_DATABASE',
      `${path} is a SQLite database of another program, not a journal. It was left untouched; choose another path.`,
    );
  }
  if (format > JOURNAL_FORMAT) {
    throw new JournalError(
      'JOURNAL_FORMAT_NEWER',
      `${path} has format ${format}; this version reads up to ${JOURNAL_FORMAT}. Use the version that wrote it, or a later one.`,
      { place: path },
    );
  }
}
