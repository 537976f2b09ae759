/** Once in each run, before any test: sees to it that there is a browser, or that everybody learns that there is none. */
import { provide } from '../debian-package.ts';

export function setup(): (() => void) | undefined {
  const missing = provide(['chromium'], 'chromium');
  if (missing === null) return undefined;
  process.env['CONCLAVE_TESTS_WITHOUT_BROWSER'] = missing;
  const say = () => process.stderr.write(`NOT RUN: ${missing}; skipped: test/browser\n`);
  say();
  // Said again at the end, where it is read.
  return say;
}
