/**
 * `npm run test:long`: the tests that take minutes (real leases, real outages, many seeds), in `*.long.test.ts` beside
 * the short ones.
 */
import { defineConfig } from 'vitest/config';

const fifteenMinutes = 15 * 60 * 1000;

export default defineConfig({
  ssr: { resolve: { conditions: ['node', 'conclave-source'] } },
  test: {
    include: ['test/**/*.long.test.ts'],
    passWithNoTests: true,
    globalSetup: ['test/compile-cache.ts', 'test/redis/global-setup.ts'],
    maxWorkers: 2,
    // Those that wait for real leases wait together.
    maxConcurrency: 40,
    testTimeout: fifteenMinutes,
    hookTimeout: fifteenMinutes,
  },
});
