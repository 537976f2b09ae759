/**
 * Once in each run, before any test: a place where the processes that tests start keep what they compiled. Compiling
 * anew each time is what most of a short process would go into.
 */
import { guardedDirectory } from './redis/guard.ts';

export function setup(): (() => void) | undefined {
  // Each group of tests asks; one place serves all.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return undefined;
  const place = guardedDirectory('tests-compiled');
  process.env['NODE_COMPILE_CACHE'] = place.path;
  return () => {
    delete process.env['NODE_COMPILE_CACHE'];
    place[Symbol.dispose]();
  };
}
