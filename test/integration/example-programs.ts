/** What the examples print, whatever the machine is busy with. */
import { expect } from 'vitest';
import { root, run } from '../project/repository.ts';

export async function linesOf(example: string): Promise<string[]> {
  const { code, stdout, stderr } = await run(
    process.execPath,
    ['--conditions=conclave-source', `examples/${example}`],
    root,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim().split('\n');
}

/** Over any store. */
export const WORK: Readonly<Record<string, readonly string[]>> = {
  'cron.ts': [
    'booked late by the first: false',
    'members that ran it: first, second',
    'each due time once: true',
  ],
  'queue-consumer.ts': [
    'first settled: open account',
    'first settled: pay in 100',
    'first is in the middle of: pay out 40',
    'second settled: pay out 40',
    'second settled: close account',
  ],
  'cache-warmer.ts': [
    'before: cold',
    'warmed: rates, fetched by first',
    'after a failover: rates, fetched by second',
    'late value of the first taken: false',
  ],
};
