/** Programs that tests start: found, or installed once at the start of a run where that may be done. */
import { execFileSync } from 'node:child_process';

export const runs = (program: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/**
 * Sees to it that programs are there: as root on a Debian-like system it installs the package that has them.
 *
 * @returns what is missing and how to get it, or null
 */
export function provide(programs: readonly string[], name: string): string | null {
  const areThere = () => programs.every((program) => runs(program, '--version'));
  if (areThere()) return null;
  if (process.getuid?.() === 0 && runs('apt-get', '--version')) {
    const options = {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    } as const;
    try {
      execFileSync('apt-get', ['update', '-qq'], options);
      execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options);
    } catch {
      // What is missing is said below, whyever it could not be installed.
    }
  }
  const verb = programs.length === 1 ? 'is' : 'are';
  return areThere() ? null : `${programs.join(' and ')} ${verb} missing (Debian: apt-get install ${name})`;
}
