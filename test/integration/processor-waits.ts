import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How long the threads of a process have been ready to run while no processor was free for them, in milliseconds: what
 * a busy machine takes from a program, counted by the kernel. A program that does too much, or waits for too long,
 * does not add to it. Threads and processes that are gone count for nothing.
 */
export function waitedForProcessorMs(pid: number): number {
  const threads = orIfGone([], () => readdirSync(`/proc/${pid}/task`));
  return threads.reduce((sum, thread) => sum + waitedByThread(`/proc/${pid}/task/${thread}`), 0);
}

function waitedByThread(place: string): number {
  const [, waitedNs] = orIfGone('0 0', () => readFileSync(join(place, 'schedstat'), 'utf8')).split(' ');
  return Number(waitedNs) / 1e6;
}

function orIfGone<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}
