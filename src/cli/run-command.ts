import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Why a command cannot run, with the exit code that shells give for it. */
export interface Unrunnable {
  readonly exitCode: 126 | 127;
  readonly message: string;
}

/** Says at once, before anybody waits for leadership, whether `program` can be run; null if it can. */
export function whyUnrunnable(program: string, env: NodeJS.ProcessEnv): Unrunnable | null {
  const places = program.includes('/')
    ? [program]
    : (env['PATH'] ?? '').split(delimiter).map((directory) => join(directory || '.', program));
  const found = new Set(places.map(look));
  if (found.has('runnable')) return null;
  if (found.has('not executable'))
    return { exitCode: 126, message: `${program} is there, but is no program that this user may execute.` };
  const where = program.includes('/') ? 'there is no such file' : 'it is in no directory of $PATH';
  return { exitCode: 127, message: `The command ${program} was not found: ${where}.` };
}

/** The same for what the system said when it was tried. */
export function whyNotStarted(program: string, code: string, message: string): Unrunnable {
  if (code === 'ENOENT')
    return { exitCode: 127, message: `${program} could not be started: it, or its interpreter, is missing.` };
  return { exitCode: 126, message: `${program} could not be started: ${message}.` };
}

function look(path: string): 'runnable' | 'not executable' | 'missing' {
  try {
    if (!statSync(path).isFile()) return 'not executable';
    accessSync(path, constants.X_OK);
    return 'runnable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'not executable' : 'missing';
  }
}
