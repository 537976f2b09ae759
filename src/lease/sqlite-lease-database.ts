import { realpathSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SettingsError, StoreUnavailableError } from '../errors.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { leaseErrorOf } from './sqlite-lease-errors.ts';
import { LEASE_TABLE, recordOf, rowOf, SELECT_LEASE, STORE_LEASE } from './sqlite-lease-row.ts';
import type { LeaseRecord } from './lease-record.ts';

/**
 * The file of leases: one connection to it.
 *
 * What it promises: a change that was committed is on disk, or the file is not the one at the path any more. The
 * journal is a rollback journal, not a write-ahead log, although that costs one or two more syncs: SQLite then
 * refuses to write to a file that was deleted or moved away (`SQLITE_READONLY_DBMOVED`), one file is the whole
 * truth, and who makes the file anew cannot be handed the shared memory of those that still hold the old one. With
 * a write-ahead log a deleted file is written to without an error, and a log that somebody "cleaned up" takes the
 * latest leases with it.
 */
export class LeaseDatabase {
  /** Identity of the data set: of the file, and of the moment it was made. A copy is another data set. */
  readonly incarnation: string;
  /** The file itself, where the path goes through links. */
  readonly realPath: string;
  readonly #path: string;
  readonly #file: FileIdentity;
  readonly #db: DatabaseSync;
  readonly #select: StatementSync;
  readonly #store: StatementSync;
  readonly #version: StatementSync;

  private constructor(path: string, file: FileIdentity, db: DatabaseSync) {
    this.#path = path;
    this.#file = file;
    this.#db = db;
    this.realPath = realpathSync(path);
    const made = db.prepare(`SELECT value FROM meta WHERE key = 'incarnation'`).get()?.['value'];
    this.incarnation = `${String(made)}.${file.inode}`;
    this.#select = db.prepare(SELECT_LEASE);
    this.#store = db.prepare(STORE_LEASE);
    this.#version = db.prepare('PRAGMA data_version');
  }

  /**
   * Opens the file, and makes it where there is none. A file that is not ours is left as it is.
   *
   * @throws SettingsError `STORE_NOT_A_DATABASE`; whatever SQLite throws
   */
  static open(path: string): LeaseDatabase {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      if (isEmpty(db)) create(db);
      checkOurs(db, path);
      const mode = db.prepare('PRAGMA journal_mode = PERSIST').get()?.['journal_mode'];
      if (mode !== 'persist') throw new Error(`the journal mode cannot be changed from ${String(mode)}`);
      db.exec('PRAGMA synchronous = FULL');
      const file = fileIdentity(path);
      if (file === null) throw movedAway(path, false);
      return new LeaseDatabase(path, file, db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Whether the path still leads to this file. */
  isInPlace(): boolean {
    const file = fileIdentity(this.#path);
    return file !== null && file.device === this.#file.device && file.inode === this.#file.inode;
  }

  /** Runs `change` as one transaction: nobody else reads or writes between what it reads and what it writes. */
  transact<T>(change: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    let result: T;
    try {
      result = change();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    try {
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      throw leaseErrorOf(error, this.#path, true);
    }
    // Deleted or replaced while it was written: what was written, nobody will ever see.
    if (!this.isInPlace()) throw movedAway(this.#path, true);
    return result;
  }

  /** The record in times of the reader's clock. */
  read(resource: string, clock: string, now: number): LeaseRecord | null {
    const row = this.#select.get(resource);
    return row === undefined ? null : recordOf(row, clock, now);
  }

  write(resource: string, record: LeaseRecord, clock: string): void {
    this.#store.run(rowOf(resource, record, clock));
  }

  /** A number that changes when another connection changes the file. */
  version(): number {
    return Number(this.#version.get()?.['data_version']);
  }

  close(): void {
    this.#db.close();
  }

  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }
}

/** How long a statement waits for another process's lock. Shorter than any caller's timeout, see `leadership.md`. */
export const BUSY_TIMEOUT_MS = 100;

/** `PRAGMA application_id` of our files: "CnLs". Whatever has another one belongs to another program. */
const APPLICATION_ID = 0x436e4c73;
/** `PRAGMA user_version`: the version of the tables. */
const SCHEMA_VERSION = 1;

interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

function fileIdentity(path: string): FileIdentity | null {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file === undefined ? null : { device: file.dev, inode: file.ino };
}

function movedAway(path: string, outcomeUnknown: boolean): StoreUnavailableError {
  return new StoreUnavailableError(
    'STORE_UNAVAILABLE',
    `${path} was deleted or replaced while it was in use.`,
    {
      outcomeUnknown,
    },
  );
}

function isEmpty(db: DatabaseSync): boolean {
  return (
    pragma(db, 'application_id') === 0 &&
    db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  );
}

function create(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  // Another process may have been faster.
  if (isEmpty(db)) {
    db.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; ${LEASE_TABLE}`,
    );
    db.exec('CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID');
    db.prepare(`INSERT INTO meta VALUES ('incarnation', ?)`).run(systemRandomness.id());
  }
  db.exec('COMMIT');
}

/**
 * Looks whether a file that is there can be one of leases. An empty one can.
 *
 * @throws SettingsError `STORE_NOT_A_DATABASE`
 */
export function checkLeaseFile(path: string): void {
  try {
    // By SQLite itself: only it can close a file without dropping the locks this process has on it.
    const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      if (!isEmpty(db)) checkOurs(db, path);
    } finally {
      db.close();
    }
  } catch (error) {
    const known = leaseErrorOf(error, path, false);
    // Whatever may pass, a lock for one, is left to the calls.
    if (known.code === 'STORE_NOT_A_DATABASE') throw known;
  }
}

/** Refuses a database of another program, or of a later version of this one. */
function checkOurs(db: DatabaseSync, path: string): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new SettingsError(
      'STORE_NOT_A_DATABASE',
      `${path} is a SQLite database, but not one of leases. It was left untouched; choose another path.`,
    );
  }
  const version = pragma(db, 'user_version');
  if (version > SCHEMA_VERSION) {
    throw new SettingsError(
      'STORE_NOT_A_DATABASE',
      `${path} was made by a later version (tables ${version}; this one knows ${SCHEMA_VERSION}). ` +
        'It was left untouched; use that version in all members, or choose another path.',
    );
  }
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
