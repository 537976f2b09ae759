import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { JournalError, SettingsError } from '../errors.ts';
import { readStart } from './durable-path.ts';
import type { JournalReader } from './durable-reader.ts';
import type { JournalRecord, ReadOptions, StreamHead, StreamSummary } from './journal.ts';
import { looksLikeJsonl } from './jsonl-format.ts';
import { readJsonlFile } from './jsonl-journal.ts';
import { journalErrorOf } from './sqlite-errors.ts';
import { headOf, pageOf, readPages, summariesOf } from './sqlite-read.ts';
import { looksLikeSqlite, openForReading } from './sqlite-schema.ts';

/**
 * Opens a journal of either kind for reading, also while it is being written. What it is, is told by what is in it,
 * not by its name.
 *
 * @throws JournalError `JOURNAL_NOT_FOUND`, `JOURNAL_TRUNCATED` (an empty file), `JOURNAL_FORMAT_NEWER`
 * @throws SettingsError `JOURNAL_UNRECOGNIZED`, `STORE_NOT_A_DATABASE`
 * @example
 * await using journal = openJournal('journal.db');
 * for (const { stream, seq } of await journal.streams()) console.log(stream, seq);
 */
export function openJournal(path: string): JournalReader {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) {
    throw new JournalError('JOURNAL_NOT_FOUND', `There is no file ${path}.`, { place: path });
  }
  if (!file.isFile()) {
    const what = file.isDirectory() ? 'a directory; name the journal in it' : 'not a regular file';
    throw new SettingsError('JOURNAL_UNRECOGNIZED', `${path} is ${what}.`);
  }
  const start = readStart(path);
  if (start.length === 0) {
    throw new JournalError(
      'JOURNAL_TRUNCATED',
      `${path} is empty: nothing was ever written to it, or a copy failed.`,
      { place: path },
    );
  }
  if (looksLikeSqlite(start)) return new SqliteReader(path);
  if (looksLikeJsonl(start)) return readJsonlFile(path);
  throw new SettingsError(
    'JOURNAL_UNRECOGNIZED',
    `${path} is neither a journal.db nor a JSONL journal. It begins with ${JSON.stringify(start.toString('latin1', 0, 16))}.`,
  );
}

/** Reads on the calling thread: for programs that do nothing else meanwhile. */
class SqliteReader implements JournalReader {
  readonly kind = 'sqlite';
  readonly #path: string;
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#path = path;
    this.#db = this.#told(() => openForReading(path));
  }

  async head(stream: string): Promise<StreamHead> {
    return this.#told(() => headOf(this.#db, stream));
  }

  async streams(): Promise<readonly StreamSummary[]> {
    return this.#told(() => summariesOf(this.#db, this.#path));
  }

  read(stream: string, options: ReadOptions = {}): AsyncIterable<JournalRecord> {
    return readPages(this.#path, stream, options, (from, to) =>
      this.#told(() => pageOf(this.#db, this.#path, stream, from, to)),
    );
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #told<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw journalErrorOf(error, this.#path);
    }
  }
}
