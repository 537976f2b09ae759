import { DatabaseSync } from 'node:sqlite';
import { SettingsError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { AUDIT_MAX, type HeadSwap } from './head-store.ts';

/**
 * The file of a shared configuration, as the worker has it open. Each operation is one transaction, on disk before it
 * is answered. A rollback journal rather than a write-ahead log, for the reasons that the file of leases has for it.
 */

/** `PRAGMA application_id` of our files: "CnCf". */
const APPLICATION_ID = 0x436e4366;
/** How long a statement waits for another process's lock, in milliseconds. */
const BUSY_TIMEOUT_MS = 500;

const TABLES = `
  CREATE TABLE text (namespace TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (namespace, name)) STRICT;
  CREATE TABLE content (namespace TEXT, sha TEXT, value TEXT NOT NULL, PRIMARY KEY (namespace, sha)) STRICT;
  CREATE TABLE report (
    namespace TEXT, member TEXT, value TEXT NOT NULL, until_ms REAL NOT NULL, PRIMARY KEY (namespace, member)
  ) STRICT;
  CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, value TEXT NOT NULL) STRICT;
`;

/** Of this namespace: others may move more often. */
const FORGET_AUDIT = `
  DELETE FROM audit WHERE namespace = ? AND id <=
    (SELECT id FROM audit WHERE namespace = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`;

export class HeadFile {
  readonly #db: DatabaseSync;
  readonly #namespace: string;

  /** @throws SettingsError `STORE_NOT_A_DATABASE`; what SQLite throws */
  constructor(path: string, namespace: string) {
    this.#namespace = namespace;
    this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      this.#open(path);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  text(name: 'head' | 'history'): string | null {
    return this.#value('SELECT value FROM text WHERE namespace = ? AND name = ?', name);
  }

  content(sha: string): string | null {
    return this.#value('SELECT value FROM content WHERE namespace = ? AND sha = ?', sha);
  }

  swap({ before, head, history, audit, content, drop }: HeadSwap): boolean {
    return this.#transact(() => {
      if (this.text('head') !== before) return false;
      const put = 'INSERT OR REPLACE INTO text VALUES (?, ?, ?)';
      this.#run(put, 'head', head);
      this.#run(put, 'history', history);
      for (const sha of drop) this.#run('DELETE FROM content WHERE namespace = ? AND sha = ?', sha);
      if (content) this.#run('INSERT OR REPLACE INTO content VALUES (?, ?, ?)', content.sha, content.text);
      this.#run('INSERT INTO audit (namespace, value) VALUES (?, ?)', audit);
      this.#run(FORGET_AUDIT, this.#namespace, AUDIT_MAX);
      return true;
    });
  }

  keep(sha: string, text: string): void {
    this.#run('INSERT OR IGNORE INTO content VALUES (?, ?, ?)', sha, text);
  }

  report(member: string, text: string, forMs: number): void {
    this.#transact(() => {
      const now = systemClock.wallMs();
      this.#run('DELETE FROM report WHERE namespace = ? AND until_ms <= ?', now);
      this.#run('INSERT OR REPLACE INTO report VALUES (?, ?, ?, ?)', member, text, now + forMs);
    });
  }

  reports(): readonly string[] {
    return this.#values(
      'SELECT value FROM report WHERE namespace = ? AND until_ms > ?',
      systemClock.wallMs(),
    );
  }

  audit(): readonly string[] {
    return this.#values('SELECT value FROM audit WHERE namespace = ? ORDER BY id DESC');
  }

  close(): void {
    this.#db.close();
  }

  #open(path: string): void {
    const db = this.#db;
    db.exec('BEGIN IMMEDIATE');
    const id = Number(db.prepare('PRAGMA application_id').get()?.['application_id']);
    const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
    if (id === 0 && isEmpty) db.exec(`PRAGMA application_id = ${APPLICATION_ID}; ${TABLES}`);
    else if (id !== APPLICATION_ID)
      throw new SettingsError(
        'STORE_NOT_A_DATABASE',
        `${path} is a SQLite database, but not one of a shared configuration. It was left untouched; choose another path.`,
      );
    db.exec('COMMIT');
    db.exec('PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL');
  }

  #transact<T>(act: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #run(sql: string, ...values: readonly (string | number)[]): void {
    this.#db.prepare(sql).run(this.#namespace, ...values);
  }

  #value(sql: string, key: string): string | null {
    const value = this.#db.prepare(sql).get(this.#namespace, key)?.['value'];
    return typeof value === 'string' ? value : null;
  }

  #values(sql: string, ...values: readonly number[]): readonly string[] {
    return this.#db
      .prepare(sql)
      .all(this.#namespace, ...values)
      .map((row) => String(row['value']));
  }
}
