import { accessSync, constants, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SettingsError } from '../errors.ts';
import { FUSE_MAGIC, isLocalFuse, mountTypeOf, networkTypeOf } from '../mount-table.ts';

/**
 * What can be told of a path before SQLite is let at it. Nothing here ever opens the file: closing any
 * descriptor of a file drops the locks that SQLite holds on it anywhere in the process.
 */

/** What the system says of the file system a directory is on. */
export interface FileSystem {
  /** The magic number of statfs(2). */
  readonly type: number;
  /** Content of /proc/self/mountinfo; empty where there is none. */
  readonly mountinfo: string;
}

export type FileSystemOf = (directory: string) => FileSystem;

export const realFileSystem: FileSystemOf = (directory) => ({
  type: statfsSync(directory).type,
  mountinfo: readIfAny('/proc/self/mountinfo'),
});

/** The name of the network file system `directory` is on, or null if it is on a disk of this host. */
export function networkFileSystem(directory: string, { type, mountinfo }: FileSystem): string | null {
  const magic = type >>> 0;
  if (magic !== FUSE_MAGIC) return networkTypeOf(magic);
  const name = mountTypeOf(directory, mountinfo) ?? 'fuse';
  // A table that knows of no FUSE here does not know this directory.
  return isLocalFuse(name) ? null : name;
}

/** Makes the directory of a file if only that one is missing; a longer way that is missing is rather a mistake. */
export function makeDirectory(path: string): void {
  const directory = dirname(path);
  const missing = statSync(directory, { throwIfNoEntry: false }) === undefined;
  if (!missing || statSync(dirname(directory), { throwIfNoEntry: false })?.isDirectory() !== true) return;
  try {
    mkdirSync(directory);
  } catch (cause) {
    // Another process may have been faster.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(dirname(directory), cause);
  }
}

/**
 * Refuses a path that cannot hold leases. Says whether there is a file.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `STORE_NOT_A_DATABASE`, `STORE_ON_NETWORK_FS`
 */
export function checkLeasePath(path: string, fileSystemOf: FileSystemOf): 'there' | 'missing' {
  const directory = dirname(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new SettingsError(
      'DIRECTORY_UNWRITABLE',
      `There is no directory ${directory} to keep leases in. Make it first.`,
    );
  }
  const network = networkFileSystem(directory, fileSystemOf(directory));
  if (network !== null) {
    throw new SettingsError(
      'STORE_ON_NETWORK_FS',
      `${path} is on a network file system (${network}), where the locks of one host do not hold for another. ` +
        'Put the file on a local disk, or use Redis for members on several hosts.',
    );
  }
  checkAccess(directory, constants.W_OK | constants.X_OK);
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return 'missing';
  if (!file.isFile()) {
    const what = file.isDirectory()
      ? 'a directory; name a file in it, such as leases.db'
      : 'not a regular file';
    throw new SettingsError('STORE_NOT_A_DATABASE', `${path} is ${what}.`);
  }
  checkAccess(path, constants.R_OK | constants.W_OK);
  return 'there';
}

function checkAccess(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): SettingsError {
  return new SettingsError(
    'DIRECTORY_UNWRITABLE',
    `${path} cannot be written: ${(cause as Error).message}. Give the process write permission or another path.`,
    { cause },
  );
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
