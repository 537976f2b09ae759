import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * A process group, as POSIX has it: a command and everything it started that did not leave for a session of its own.
 * Its id is the pid of the command.
 */

/** Sends a signal to every process of the group; false if there is none left that this user may signal. */
export function signalGroup(id: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-id, signal);
  } catch (error) {
    if (isOneOf(error, ['ESRCH', 'EPERM'])) return false;
    throw error;
  }
}

/** Whether no process of the group runs any more. */
export function groupIsGone(id: number): boolean {
  try {
    process.kill(-id, 0);
  } catch (error) {
    if (isOneOf(error, ['ESRCH'])) return true;
    if (!isOneOf(error, ['EPERM'])) throw error;
  }
  // Dead ones count until somebody reaps them, and the first process of a container may never do that.
  return onlyTheDeadAreLeft(id);
}

/** The fields of `/proc/PID/stat` behind the name in parentheses, which may itself hold anything. */
const STAT = /^\d+ \(.*\) (\S) -?\d+ (-?\d+) /s;

function onlyTheDeadAreLeft(group: number): boolean {
  let processes: string[];
  try {
    processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return false; // Not Linux: what the kernel said stands.
  }
  return processes.every((pid) => {
    const [, state, of] = STAT.exec(statOf(pid)) ?? [];
    return of !== String(group) || state === 'Z' || state === 'X';
  });
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return ''; // Gone in between.
  }
}

const isOneOf = (error: unknown, codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The exit code a shell would give: the process's own, or 128 and the number of the signal that killed it. */
export const exitCodeOf = ({ code, signal }: Ending): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
