/**
 * Once in each run, before any test: a place where the processes that tests start keep what they compiled. Compiling
 * anew each time is what most of a short process would go into.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function setup(): (() => void) | undefined {
  // Each group of tests asks; one place serves all.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return undefined;
  const place = mkdtempSync(join(tmpdir(), 'conclave-tests-compiled-'));
  process.env['NODE_COMPILE_CACHE'] = place;
  return () => {
    delete process.env['NODE_COMPILE_CACHE'];
    rmSync(place, { recursive: true, force: true });
  };
}
