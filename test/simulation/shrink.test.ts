import { describe, expect, test } from 'vitest';
import {
  chooseFaults,
  mutants,
  runSeed,
  shrink,
  storeKind,
  type MemberMutation,
  type RunRequest,
} from '../../src/simulation/index.ts';

const kind = storeKind('redis');
const faults = chooseFaults(kind, 'all');

const neverRenewed: MemberMutation['event'] = (event) => {
  if (event.type === 'lease.renewed') throw new Error('planted');
  return event;
};

/** The first seed that finds a planted bug with many faults in its plan. */
async function failing(name: string, leastFaults: number): Promise<RunRequest> {
  const mutant = mutants.find((each) => each.name === name);
  for (let seed = 1; seed < 300; seed++) {
    const request = { seed, store: kind, fixed: { faults }, mutant };
    const run = await runSeed(request);
    const before = run.faults.filter(({ atMs }) => atMs <= (run.violation?.atMs ?? 0));
    if (before.length >= leastFaults) return request;
  }
  throw new Error(`No seed finds ${name} after ${leastFaults} faults.`);
}

describe('a failing seed', () => {
  test('shrinks to the few faults that matter, which break the same promise whenever they are run', async () => {
    const request = await failing('deadline-from-reply', 8);
    const run = await runSeed(request);
    const { faults: left, result, runs } = await shrink(request, run);
    expect(left.length).toBeLessThanOrEqual(6);
    expect(runs).toBeLessThan(150);
    const only = new Set(left.map(({ id }) => id));
    const again = await runSeed({ ...request, only });
    expect(again.violation?.invariant).toBe(run.violation?.invariant);
    expect(again.digest).toBe(result.digest);
  });

  test('shrinks to no fault at all where none is needed', async () => {
    const always = { name: 'always', planted: '', seeds: 1, member: { event: neverRenewed } };
    const request = { seed: 3, store: kind, fixed: { faults, nodes: 3 }, mutant: always };
    const { faults: left } = await shrink(request, await runSeed(request));
    expect(left).toEqual([]);
  });
});
