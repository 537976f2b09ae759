import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { SettingsError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { forPeople, prepareDirectory } from './member-places.ts';

/**
 * Where members listen for `conclave status` and `conclave resign`: a unix domain socket each, in a directory that
 * only its owner may enter. The system cuts the path of a socket off at about a hundred bytes; a directory deeper
 * than that gets a pointer file instead, and the socket goes to the system's directory for temporary files.
 */

/** What macOS allows, the shortest of them: 104 with the final zero. */
const SOCKET_PATH_BYTES_MAX = 103;

/** A dead socket younger than this may be one that is just being opened. */
const STALE_AFTER_MS = 5000;

export interface MemberSocket {
  /** Holder id of the member. */
  readonly member: string;
  readonly socket: string;
  /** What to remove once the member is gone. */
  readonly files: readonly string[];
}

/**
 * Chooses the path of a member's socket and prepares its directory.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`
 */
export function claimSocket(directory: string, member: string): MemberSocket {
  prepareDirectory(directory, '--dir');
  const socket = join(directory, `${member}.sock`);
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX) return { member, socket, files: [socket] };
  const short = join(privateTemporaryDirectory(), `${digest(socket)}.sock`);
  const pointer = join(directory, `${member}.pointer`);
  writeFileSync(pointer, short, { mode: 0o600 });
  return { member, socket: short, files: [pointer, short] };
}

/** Sockets of all members that were ever started here and not tidied away, live or not. */
export function socketsIn(directory: string): MemberSocket[] {
  return namesIn(directory).flatMap((name) => {
    const file = join(directory, name);
    if (name.endsWith('.sock')) return [{ member: basename(name, '.sock'), socket: file, files: [file] }];
    if (!name.endsWith('.pointer')) return [];
    const socket = readPointer(file);
    if (socket === null) return [];
    return [{ member: basename(name, '.pointer'), socket, files: [file, socket] }];
  });
}

/** Removes what a killed member left behind; call it only after nobody answered. */
export function removeIfStale({ files }: MemberSocket): void {
  const [first] = files;
  try {
    if (first === undefined || systemClock.wallMs() - statSync(first).mtimeMs < STALE_AFTER_MS) return;
    for (const file of files) rmSync(file, { force: true });
  } catch {
    // Another process tidies as well, or it is not ours to tidy.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

function readPointer(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** Anybody may create files in the shared directory, hence one of our own there, and only if it is our own. */
function privateTemporaryDirectory(): string {
  const { uid, username } = userInfo();
  const path = join(tmpdir(), `conclave-${uid >= 0 ? uid : username}`);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // It is there already, or cannot be made: looked at below.
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() && (uid < 0 || (found.uid === uid && (found.mode & 0o077) === 0))) return path;
  throw new SettingsError(
    'DIRECTORY_UNWRITABLE',
    `The path of the member's socket is too long for the system, and ${forPeople(path)} is not a directory of this user alone: choose a shorter --dir.`,
  );
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
