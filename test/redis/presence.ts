/** Whether the programs are there that tests of Redis start; where it may, the run installs them once, at its start. */
import { describe } from 'vitest';
import { provide } from '../debian-package.ts';

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
export const provideRedis = (): string | null => provide(['redis-server', 'redis-cli'], 'redis-server');
