/**
 * `many.ts URL ELECTIONS SECONDS`: so many elections in one process on one store, all leading. Prints what each costs
 * as JSON. Wants `--expose-gc`.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { createLeaderElection, type LeaderElection } from '../../src/index.ts';
import { redisLeases } from '../../src/redis.ts';

const LEASE_MS = 10_000;

const [url = '', elections = '1000', secondsToWatch = '30'] = process.argv.slice(2);
const count = Number(elections);

async function heapBytes(): Promise<number> {
  for (let times = 0; times < 3; times += 1) {
    gc?.();
    await wait(50);
  }
  return process.memoryUsage().heapUsed;
}

const leases = redisLeases(url);
const before = await heapBytes();
const all: LeaderElection[] = [];
let leading = 0;
let lost = 0;
const led = new EventTarget();
for (let n = 0; n < count; n += 1) {
  const election = createLeaderElection({ resource: `many-${n}`, leases, leaseDurationMs: LEASE_MS });
  election.on('becameLeader', () => {
    leading += 1;
    if (leading === count) led.dispatchEvent(new Event('all'));
  });
  election.on('lostLeadership', () => {
    lost += 1;
  });
  all.push(election);
}
const allLead = once(led as never, 'all');
await Promise.all(all.map((election) => election.start()));
await allLead;
await wait(LEASE_MS);
const bytes = ((await heapBytes()) - before) / count;
let renewals = 0;
for (const election of all) election.on('renewed', () => (renewals += 1));
const cpuBefore = process.cpuUsage();
process.stdout.write(`${JSON.stringify({ phase: 'watching' })}\n`);
await wait(Number(secondsToWatch) * 1000);
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(
  `${JSON.stringify({ phase: 'done', bytes, cpuMs: (user + system) / 1000, renewals, lost, rss: process.memoryUsage().rss })}\n`,
);
await new Promise((resolve) => process.stdin.once('data', resolve));
process.exit(0);
