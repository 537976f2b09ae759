/**
 * Leader election on Redis, side by side with what else there is for Node: three processes of each contestant, every
 * library at its defaults, the same lease, one table. `--quick` takes a short lease and few trials.
 *
 *     npm run bench:leader-election
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/output.ts';
import { CONTESTANTS, type ContestantName } from './contestants.ts';
import { measureGoals } from './goals.ts';
import {
  blackHole,
  type Conditions,
  crashes,
  frozenLeader,
  handovers,
  idleTraffic,
  type Outage,
  redisDown,
  restartedEmpty,
} from './scenarios.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    goals: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

const conditions: Conditions = values.quick
  ? { leaseMs: 3000, handovers: 3, crashes: 2, trials: 1, outageMs: 12_000, idleMs: 12_000 }
  : { leaseMs: 10_000, handovers: 10, crashes: 5, trials: 2, outageMs: 45_000, idleMs: 60_000 };

/** Peers are no dependency of the project: they are installed here, by who wants to compare. */
if (!existsSync(join(import.meta.dirname, 'node_modules'))) {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', args, { cwd: import.meta.dirname, stdio: 'inherit' });
}

const names = (Object.keys(CONTESTANTS) as ContestantName[]).filter(
  (name) => values.only === undefined || values.only.includes(name),
);

/** One scenario for all, as many at a time as leave the others alone. */
async function forAll<T>(what: string, atOnce: number, measure: (name: ContestantName) => Promise<T>) {
  process.stderr.write(`${what}\n`);
  const results = new Map<ContestantName, T | null>();
  const left = [...names];
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      try {
        results.set(name, await measure(name));
      } catch (error) {
        process.stderr.write(`  ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
        results.set(name, null);
      }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (name: ContestantName) => results.get(name) ?? null;
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function spread(times: readonly number[] | null): string {
  if (times === null) return '—';
  const sorted = times.toSorted((a, b) => a - b);
  return `${seconds(median(sorted))}, ≤ ${seconds(sorted.at(-1) ?? Number.NaN)}`;
}

const stopped = (outages: readonly Outage[] | null): string => {
  if (outages === null) return '—';
  if (outages.some(({ stoppedMs }) => stoppedMs === null)) return `not in ${seconds(conditions.outageMs)}`;
  return `≤ ${seconds(Math.max(...outages.map(({ stoppedMs }) => stoppedMs ?? 0)))}`;
};

const overlap = (outages: readonly Outage[] | null): string => {
  if (outages === null) return '—';
  const longest = Math.max(...outages.map(({ overlapMs }) => overlapMs));
  return longest <= 0 ? 'never' : seconds(longest);
};

const { leaseMs } = conditions;
const onHandover = await forAll('handing over', 2, (name) => handovers(name, conditions));
const onCrash = await forAll('kill -9', names.length, (name) => crashes(name, conditions));
const onIdle = await forAll('idle', names.length, (name) => idleTraffic(name, conditions));
const onBlackHole = await forAll('black hole', names.length, (name) => blackHole(name, conditions));
const onDown = await forAll('Redis down', names.length, (name) => redisDown(name, conditions));
const onEmpty = await forAll('Redis restarted empty', names.length, (name) =>
  restartedEmpty(name, conditions),
);
const onFreeze = await forAll('leader frozen', names.length, (name) => frozenLeader(name, conditions));

const rows = names.map((name) => {
  const idle = onIdle(name);
  const thaws = onFreeze(name);
  return [
    name,
    spread(onHandover(name)),
    spread(onCrash(name)),
    idle === null ? '—' : `${idle.leader.sent} + ${idle.leader.inside}`,
    idle === null ? '—' : `${idle.follower.sent} + ${idle.follower.inside}`,
    stopped(onBlackHole(name)),
    overlap(onBlackHole(name)),
    stopped(onDown(name)),
    overlap(onEmpty(name)),
    thaws === null ? '—' : thaws.some(({ saysLeader }) => saysLeader) ? 'yes' : 'no',
  ];
});

const command = ['npm run bench:leader-election --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
console.log(`$ ${command}`);
console.log(
  `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, lease ${seconds(leaseMs)}, ` +
    `three processes each, loopback`,
);
console.log('');
const header = [
  'contestant',
  'hand-over p50, max',
  'kill -9 p50, max',
  'leader cmds/min + in scripts',
  'follower cmds/min + in scripts',
  'black hole: leader stops',
  'black hole: two leaders',
  'Redis down: leader stops',
  'empty restart: two leaders',
  'thawed: says it leads',
];
for (const line of table([header, ...rows])) console.log(line);
if (values.goals) {
  console.log('');
  for (const line of table(await measureGoals(values.quick))) console.log(line);
}
process.exit(0);
