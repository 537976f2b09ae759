/** What Conclave holds itself to on Redis: its own figures, with the goals beside them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { redisLeases } from '../../src/redis.ts';
import { guardProcess } from '../../test/redis/guard.ts';
import { type RedisServer, startRedis } from '../../test/redis/redis-server.ts';
import { Group } from './group.ts';
import { monotonicMs } from './member.ts';

type Row = readonly (string | number)[];

const LEASE_MS = 10_000;

const quantile = (times: readonly number[], q: number): number => {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
};
const rounded = (value: number): number => Number(value.toFixed(1));
const spread = (what: string, times: readonly number[], goal: string): Row => [
  what,
  times.length,
  rounded(quantile(times, 0.5)),
  rounded(quantile(times, 0.99)),
  rounded(Math.max(...times)),
  goal,
];

/** Everything, as rows of a table. */
export async function measureGoals(quick: boolean): Promise<Row[]> {
  const calls = await callTimes(quick ? 200 : 2000);
  const leaseMs = quick ? 3000 : LEASE_MS;
  const [without, among] = await Promise.all([
    crashesBeyondLease(quick ? 2 : 6, leaseMs, 0),
    crashesBeyondLease(quick ? 2 : 6, leaseMs, 100_000),
  ]);
  return [
    ['Conclave on Redis, in ms', 'n', 'p50', 'p99', 'max', 'goal'],
    spread('resign until another leads', await handoverTimes(quick ? 20 : 200, leaseMs), 'p99 ≤ 20'),
    spread('kill -9 until another leads, beyond the lease', without, '≤ 50'),
    spread('the same among 100 000 other volatile keys', among, '≤ 50'),
    spread('acquire', calls.acquire, 'p50 < 10'),
    spread('renew', calls.renew, 'p50 < 5'),
    ...(await manyElections(quick ? 200 : 1000, quick ? 10 : 30)),
  ];
}

async function handoverTimes(times: number, leaseMs: number): Promise<number[]> {
  await using group = await Group.start('conclave', leaseMs);
  const took: number[] = [];
  while (took.length < times) {
    const { member } = await group.settled();
    // Whoever has just learnt who leads is as ready to take over as it will ever be.
    await wait(50);
    const mono = monotonicMs();
    const next = group.next(member, mono);
    member.child.send('resign');
    took.push((await next).from - mono);
  }
  return took;
}

async function crashesBeyondLease(times: number, leaseMs: number, otherKeys: number): Promise<number[]> {
  await using group = await Group.start('conclave', leaseMs);
  await fill(group.redis, otherKeys);
  await using leases = redisLeases(group.redis.url);
  const { signal } = new AbortController();
  const beyond: number[] = [];
  while (beyond.length < times) {
    const { member } = await group.settled();
    await wait(Math.random() * (leaseMs / 3));
    const mono = monotonicMs();
    const next = group.next(member, mono);
    await group.end(member, 'SIGKILL');
    // Asked after the end, when nothing of that member changes it any more, and counted back.
    const left = (await leases.read('bench', { signal }))?.remainingMs ?? Number.NaN;
    const leftAtEnd = left + (monotonicMs() - mono);
    beyond.push((await next).from - mono - leftAtEnd);
  }
  return beyond;
}

/** Keys with a time to live of an hour: what makes the server slow to expire others. */
async function fill(redis: RedisServer, count: number): Promise<void> {
  if (count === 0) return;
  const script = "for n = 1, ARGV[1] do redis.call('SET', 'other:' .. n, n, 'PX', 3600000) end";
  await redis.cli('eval', script, '0', String(count));
}

async function callTimes(times: number): Promise<{ acquire: number[]; renew: number[] }> {
  await using redis = await startRedis();
  await using leases = redisLeases(redis.url, { freshStore: 'trust' });
  const { signal } = new AbortController();
  const acquire: number[] = [];
  const renew: number[] = [];
  let held = { token: 0n, term: 0 };
  const common = { id: 'bench-0123456789abcdef', leaseMs: LEASE_MS, graceMs: 0 };
  const asked = { longestMs: LEASE_MS, seen: 0n, observed: null, loss: null };
  for (let n = 0; n < times; n += 1) {
    const sentAt = monotonicMs();
    const request = { ...common, ...asked, resource: `resource-${n}`, attempt: 1, nonce: String(n) };
    const reply = await leases.acquire(request, { signal });
    acquire.push(monotonicMs() - sentAt);
    if (reply.kind !== 'won') throw new Error(`The store said ${reply.kind} to the first who asked.`);
    const { token, term } = reply;
    // The one lease again and again: those of a crowd wait for each other, which is measured elsewhere.
    if (n === 0) held = { token, term };
  }
  for (let beat = 2; beat < times + 2; beat += 1) {
    const sentAt = monotonicMs();
    await leases.renew({ ...common, ...held, resource: 'resource-0', beat }, { signal });
    renew.push(monotonicMs() - sentAt);
  }
  return { acquire, renew };
}

interface Watched {
  readonly phase: 'watching' | 'done';
  readonly bytes: number;
  readonly cpuMs: number;
  readonly renewals: number;
  readonly lost: number;
  readonly rss: number;
}

async function manyElections(count: number, seconds: number): Promise<Row[]> {
  await using redis = await startRedis();
  const args = [
    '--expose-gc',
    join(import.meta.dirname, 'many.ts'),
    redis.url,
    String(count),
    String(seconds),
  ];
  const child = guardProcess(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  const scripts = async () =>
    [...(await redis.cli('info', 'commandstats')).matchAll(/cmdstat_evalsha:calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  let before = 0;
  for await (const line of createInterface(child.stdout)) {
    const told = JSON.parse(line) as Watched;
    if (told.phase === 'watching') {
      before = await scripts();
      continue;
    }
    const calls = (await scripts()) - before;
    child.stdin.end('enough\n');
    const what = `${count} elections in one process:`;
    return [
      [`${what} kB each`, 1, rounded(told.bytes / 1024), '', '', ''],
      [`${what} resident MB in all`, 1, Math.round(told.rss / 1024 / 1024), '', '', ''],
      [`${what} CPU ms a minute`, 1, Math.round((told.cpuMs * 60) / seconds), '', '', ''],
      [
        `${what} script calls a renewal interval`,
        told.renewals,
        rounded((calls * count) / told.renewals),
        '',
        '',
        '≤ 10',
      ],
      [`${what} terms lost`, 1, told.lost, '', '', '0'],
    ];
  }
  throw new Error('The process with many elections ended early.');
}
