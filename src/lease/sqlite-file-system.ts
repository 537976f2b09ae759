import { accessSync, constants, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SettingsError } from '../errors.ts';

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

/** Magic numbers (linux/magic.h) of file systems shared with other hosts: locks or memory do not reach them all. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0xaad7aaea, 'panfs'],
  [0x01161970, 'gfs2'],
  [0x7461636f, 'ocfs2'],
  [0x786f4256, 'vboxsf'],
]);

/** One number for all that goes through FUSE, virtiofs included; only the mount table tells them apart. */
const FUSE_TYPE = 0x65735546;
/** What of it is on a disk of this host and numbers its files as that disk does. */
const LOCAL_FUSE = /^(fuseblk|fuse\.fuse-overlayfs)$/;

/** The name of the network file system `directory` is on, or null if it is on a disk of this host. */
export function networkFileSystem(directory: string, { type, mountinfo }: FileSystem): string | null {
  const magic = type >>> 0;
  if (magic !== FUSE_TYPE) return NETWORK_TYPES.get(magic) ?? null;
  const name = mountTypeOf(directory, mountinfo) ?? 'fuse';
  return LOCAL_FUSE.test(name) ? null : name;
}

/** The type of the mount that holds a directory, as /proc/self/mountinfo has it (proc(5)). */
export function mountTypeOf(directory: string, mountinfo: string): string | null {
  let best: { readonly point: string; readonly type: string } | null = null;
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ');
    // Optional fields end with a dash; the type follows it.
    const type = fields[fields.indexOf('-', 6) + 1];
    const point = fields[4]?.replace(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    if (point === undefined || type === undefined) continue;
    const holds = point === '/' || directory === point || directory.startsWith(`${point}/`);
    // Of two mounts on one point the later one is seen.
    if (holds && point.length >= (best?.point.length ?? 0)) best = { point, type };
  }
  return best?.type ?? null;
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
