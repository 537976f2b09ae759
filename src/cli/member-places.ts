import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { SettingsError } from '../errors.ts';

export { defaultResource } from '../settings/resource-name.ts';

/** Where a member without settings keeps its things: one directory, made when it is first needed. */

export const STATE_DIRECTORY = '.conclave';

export interface Places {
  readonly directory: string;
  /** The embedded lease store. */
  readonly leases: string;
  /** One journal for each process. */
  readonly journals: string;
  /** One control socket for each member. */
  readonly members: string;
}

export function placesIn(directory: string): Places {
  const path = resolve(directory);
  return {
    directory: path,
    leases: join(path, 'leases.db'),
    journals: join(path, 'journal'),
    members: join(path, 'members'),
  };
}

/**
 * Makes a directory unless it is there, readable by its owner only.
 *
 * @param flag What the user changes to have it elsewhere, for the message.
 * @throws SettingsError `DIRECTORY_UNWRITABLE`
 */
export function prepareDirectory(path: string, flag: string): void {
  try {
    makeDirectory(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, flag, cause);
  }
}

/** What to say of a directory that a system call could not write to. */
export function unwritable(path: string, flag: string, cause: unknown): SettingsError {
  const code = codeOf(cause);
  const cure = FULL.has(code) ? 'make room' : 'give this user write permission';
  return new SettingsError(
    'DIRECTORY_UNWRITABLE',
    `The directory ${forPeople(path)} cannot be written (${REASONS[code] ?? code}): ${cure}, or choose another by ${flag}.`,
    { cause },
  );
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'read-only file system',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
};

/** Parents first. Node's own `recursive` goes round in circles where the system refuses a name, as in /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another member made it at the same moment.
    if (codeOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/** A path as short as it can be said here. */
export function forPeople(path: string): string {
  const here = relative(process.cwd(), path);
  return here === '' || here.startsWith('..') ? path : here;
}

/** `EACCES`, `EROFS`, … of a failed system call. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
