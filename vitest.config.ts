/**
 * The test groups, by what they need. `vitest run --project machines` runs one.
 *
 * Groups with a higher order wait for the lower ones: what measures real time (integration) must not share its two
 * cores with a simulation. That one mostly waits, so it has a worker more.
 */
import { defineConfig } from 'vitest/config';

// XState has two builds that behave differently. Plain Node runs the production one, so that is what is tested;
// users' own tests under Vite see the other, which `npm run test:development` covers.
process.env['NODE_ENV'] = process.env['CONCLAVE_XSTATE_BUILD'] ?? 'production';

const seconds = 1000;

interface Group {
  readonly name: string;
  readonly order: 0 | 1;
  readonly timeoutMs: number;
  /** Whether some of its tests start a Redis of their own. */
  readonly redis?: true;
  /** Whether some of its tests look at a page. */
  readonly browser?: true;
}

const groups: readonly Group[] = [
  { name: 'machines', order: 0, timeoutMs: 30 * seconds },
  { name: 'properties', order: 0, timeoutMs: 60 * seconds, redis: true },
  { name: 'contracts', order: 0, timeoutMs: 60 * seconds, redis: true },
  { name: 'simulation', order: 0, timeoutMs: 120 * seconds },
  { name: 'project', order: 0, timeoutMs: 120 * seconds },
  { name: 'integration', order: 1, timeoutMs: 120 * seconds, redis: true },
  { name: 'browser', order: 1, timeoutMs: 120 * seconds, browser: true },
];

export default defineConfig({
  ssr: { resolve: { conditions: ['node', 'conclave-source'] } },
  test: {
    projects: groups.map(({ name, order, timeoutMs, redis, browser }) => ({
      extends: true,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        exclude: ['**/*.long.test.ts'],
        globalSetup: [
          'test/compile-cache.ts',
          ...(redis ? ['test/redis/global-setup.ts'] : []),
          ...(browser ? ['test/browser/global-setup.ts'] : []),
        ],
        testTimeout: timeoutMs,
        hookTimeout: timeoutMs,
        // Whatever the machine has: that is what the time limits were chosen for.
        maxWorkers: order === 0 ? 2 : 3,
        sequence: { groupOrder: order },
      },
    })),
  },
});
