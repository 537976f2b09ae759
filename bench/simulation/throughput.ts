import { parseArgs } from 'node:util';
import { table } from '../../src/cli/output.ts';
import { chooseFaults, runSeed, storeKind, type FixedOptions } from '../../src/simulation/index.ts';

/**
 * How many hours of a cluster a second of one core simulates: three members with a lease of 15 s over Redis, with
 * faults drawn as in a campaign, with one every twenty minutes, and with none; and whole seeds as campaigns run them.
 * Times are CPU time, so that what else the machine does matters little.
 *
 * Goal: 5 hours a second, three members, with faults.
 */

// XState's development build is several times slower, and no production runs it.
process.env['NODE_ENV'] ??= 'production';

const { values } = parseArgs({
  options: { hours: { type: 'string', default: '3' }, seeds: { type: 'string', default: '60' } },
});

const store = storeKind('redis');
const all = chooseFaults(store, 'all');
const timings = { leaseDurationMs: 15_000, renewIntervalMs: 5000 };
const forMs = Number(values.hours) * 3_600_000;
const settings: Readonly<Record<string, { readonly fixed: FixedOptions; readonly seeds: number }>> = {
  'three members, a fault every other lease': { fixed: { nodes: 3, timings, forMs, faults: all }, seeds: 4 },
  'three members, a fault every 20 minutes': {
    fixed: { nodes: 3, timings, forMs, faults: all, faultEveryMs: 1_200_000, meanDelayMs: 1 },
    seeds: 4,
  },
  'three members, no faults': { fixed: { nodes: 3, timings, forMs, faults: [], meanDelayMs: 1 }, seeds: 4 },
  'seeds of a campaign': { fixed: { faults: all }, seeds: Number(values.seeds) },
};

async function measure({ fixed, seeds }: (typeof settings)[string]) {
  let [simulatedMs, steps, records] = [0, 0, 0];
  const before = process.cpuUsage();
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await runSeed({ seed, store, fixed });
    simulatedMs += run.simulatedMs;
    steps += run.steps;
    records += run.records;
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  return [
    (simulatedMs / 3_600_000 / seconds).toFixed(1),
    Math.round(steps / seconds),
    Math.round(records / seconds),
    ((seconds * 1000) / seeds).toFixed(0),
  ] as const;
}

// Once for the compiler.
await measure({ fixed: { faults: all }, seeds: 30 });
const rows: (readonly (string | number)[])[] = [];
for (const [title, setting] of Object.entries(settings)) rows.push([title, ...(await measure(setting))]);
for (const line of table([['', 'hours/s', 'steps/s', 'records/s', 'ms a seed'], ...rows])) console.log(line);
