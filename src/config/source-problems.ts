import type { Diagnostic } from '../../machines/index.ts';
import { CONFIG_FILE_BYTES_MAX, CONFIG_FILES_MAX, LINKS_MAX, READ_TRIES_MAX } from './source.ts';

/** What can be wrong with the files of a configuration before anybody looks into them, each with its way out. */

/** A problem, and what it says about trying again. */
export interface ReadProblem {
  readonly diagnostic: Diagnostic;
  readonly missing: boolean;
  readonly transient: boolean;
}

interface Said {
  readonly missing?: boolean;
  readonly transient?: boolean;
}

function problem(code: string, file: string, message: string, said: Said = {}): ReadProblem {
  return {
    diagnostic: { stage: 'reading', code, message, file, line: null, column: null, path: null },
    missing: said.missing ?? false,
    transient: said.transient ?? false,
  };
}

/** `file (link)` where the two differ, as they do behind links. */
function where(file: string, at: string): string {
  return file === at ? file : `${file} (${at})`;
}

export function notThere(file: string, at: string): ReadProblem {
  const message = `There is no file ${where(file, at)}. Create it, or name another path; what is in force stays.`;
  return problem('CONFIG_MISSING', file, message, { missing: true });
}

export function nothingIn(directory: string, wanted: string): ReadProblem {
  const message = `The directory ${directory} holds no configuration file (${wanted}). Put one there, or name another path.`;
  return problem('CONFIG_MISSING', directory, message, { missing: true });
}

export function notAFile(file: string, kind: string): ReadProblem {
  const found = kind === 'directory' ? 'a directory' : 'neither a file nor a directory';
  return problem('CONFIG_NOT_A_FILE', file, `${file} is ${found}. Name a regular file.`);
}

export function notADirectory(path: string): ReadProblem {
  return problem('CONFIG_NOT_A_FILE', path, `${path} is not a directory. Name it as a file instead.`);
}

export function tooLarge(file: string, sizeBytes: number): ReadProblem {
  const message = `${file} has ${sizeBytes} bytes, but a configuration file may have ${CONFIG_FILE_BYTES_MAX} at most. Split it, or move data out of it.`;
  return problem('CONFIG_TOO_LARGE', file, message);
}

export function tooMany(directory: string, count: number): ReadProblem {
  const message = `${directory} holds ${count} files, but a configuration may have ${CONFIG_FILES_MAX} at most. Name the files, or give them a directory of their own.`;
  return problem('CONFIG_TOO_MANY_FILES', directory, message);
}

export function linkLoop(file: string): ReadProblem {
  const message = `${file} leads through more than ${LINKS_MAX} symbolic links. Look for one that leads back to itself.`;
  return problem('CONFIG_LINK_LOOP', file, message);
}

export function unreadable(file: string, at: string, code: string): ReadProblem {
  const denied = code === 'EACCES' || code === 'EPERM';
  const cure = denied ? 'Give this user the right to read it.' : 'It is tried again.';
  const message = `${where(file, at)} cannot be read: ${code}. ${cure}`;
  return problem('CONFIG_UNREADABLE', file, message, { transient: !denied });
}

export function unsettled(location: string): ReadProblem {
  const message = `${location} changed during each of ${READ_TRIES_MAX} tries to read it. It is tried again; replace files by renaming a finished one over them.`;
  return problem('CONFIG_UNSETTLED', location, message, { transient: true });
}

export function held(location: string, doubt: string): ReadProblem {
  const message = `${location} may be half written: ${doubt} It is believed if a later sweep still finds it so.`;
  return problem('CONFIG_HELD', location, message, { transient: true });
}
