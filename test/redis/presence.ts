/** Whether the programs are there that tests of Redis start; where it may, the run installs them once, at its start. */
import { execFileSync } from 'node:child_process';
import { describe } from 'vitest';

const runs = (program: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const redisIsThere = (): boolean => runs('redis-server', '--version') && runs('redis-cli', '--version');

/** What is missing and how to get it, or null. Set by the run's own setup, so that all test files agree. */
export const missingRedis = (): string | null => process.env['CONCLAVE_TESTS_WITHOUT_REDIS'] ?? null;

/**
 * `describe` for suites that start a Redis of their own: skipped where there is none, and the run says so.
 *
 * @example
 * describeRedis('leases on Redis', () => test('…', async () => { await using redis = await startRedis(); }));
 */
export const describeRedis: typeof describe.concurrent = describe.skipIf(missingRedis() !== null);

/** Finds Redis or, as root on a Debian-like system, installs it; else says what is missing. */
export function provideRedis(): string | null {
  if (redisIsThere()) return null;
  if (process.getuid?.() === 0 && runs('apt-get', '--version')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    try {
      execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
      execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], {
        stdio: 'ignore',
        env,
      });
    } catch {
      // What is missing is said below, whyever it could not be installed.
    }
  }
  return redisIsThere()
    ? null
    : 'redis-server and redis-cli are missing (Debian: apt-get install redis-server)';
}
