import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { JournalError, SettingsError } from '../errors.ts';

/** Bytes by which a file is recognised. */
const START_BYTES = 256;

/**
 * Refuses a path where no file can be written: a directory, a device, a place without permission. Only looks.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `JOURNAL_UNRECOGNIZED`
 */
export function checkWritablePlace(path: string): void {
  const directory = dirname(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new SettingsError(
      'DIRECTORY_UNWRITABLE',
      `There is no directory ${directory} to put a journal into.`,
    );
  }
  const file = statSync(path, { throwIfNoEntry: false });
  if (file?.isDirectory() === true) {
    throw new SettingsError('JOURNAL_UNRECOGNIZED', `${path} is a directory; name a file in it.`);
  }
  if (file !== undefined && !file.isFile()) {
    throw new SettingsError('JOURNAL_UNRECOGNIZED', `${path} is not a regular file.`);
  }
  checkAccess(directory, constants.W_OK | constants.X_OK);
  if (file !== undefined) checkAccess(path, constants.R_OK | constants.W_OK);
}

function checkAccess(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (cause) {
    throw new SettingsError(
      'DIRECTORY_UNWRITABLE',
      `${path} cannot be written: ${(cause as Error).message}. Give the process write permission or another path.`,
      { cause },
    );
  }
}

/** What the file of a SQLite database begins with. */
export const SQLITE_MAGIC = 'SQLite format 3\0';

/**
 * Descriptors of SQLite files that were looked at, by device and inode; never closed. Closing one would drop every
 * lock that this process's own connections have on the file (https://sqlite.org/howtocorrupt.html, 2.2).
 */
const looking = new Map<string, number>();

/** The first bytes of a file. */
export function readStart(path: string, bytes = START_BYTES): Buffer {
  const { dev, ino } = statSync(path);
  const identity = `${dev}:${ino}`;
  const file = looking.get(identity) ?? openSync(path, 'r');
  let isSqlite = looking.has(identity);
  try {
    const buffer = Buffer.alloc(bytes);
    const start = buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
    isSqlite ||= start.toString('latin1', 0, SQLITE_MAGIC.length) === SQLITE_MAGIC;
    return start;
  } finally {
    if (isSqlite) looking.set(identity, file);
    else closeSync(file);
  }
}

/** What is said of a file that is no longer where it was opened. */
export function movedAway(path: string): JournalError {
  return new JournalError(
    'JOURNAL_FAILED',
    `${path} was moved or removed while it was open. Records wait in memory until it is back; restart to begin a new one.`,
    { place: path },
  );
}

/** One name for one file, so that a second writer is found whichever way it was named. */
export function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}
