/** Once in each run, before any test: sees to it that Redis is there, or that everybody learns that it is not. */
import { globSync, readFileSync } from 'node:fs';
import { provideRedis } from './presence.ts';

export function setup(): (() => void) | undefined {
  const missing = provideRedis();
  if (missing === null) return undefined;
  process.env['CONCLAVE_TESTS_WITHOUT_REDIS'] = missing;
  const files = globSync('test/**/*.test.ts').filter((file) =>
    readFileSync(file, 'utf8').includes('describeRedis'),
  );
  const say = () => process.stderr.write(`NOT RUN: ${missing}; skipped: ${files.toSorted().join(', ')}\n`);
  say();
  // Said again at the end, where it is read.
  return say;
}
