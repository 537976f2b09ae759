/**
 * One process that does nothing: `bare|peers|member|measured URL [LEASE_MS]`. Bare, it holds the same client
 * in the same way and nothing of Conclave, with peers it has loaded XState and RxJS, too; measured, it serves its
 * metrics. It runs what is published (`dist/`).
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** What it tells of itself over IPC when it is asked. */
export interface Told {
  readonly rssBytes: number;
  /** Resident without what is mapped from files, which processes share; NaN where Linux does not tell. */
  readonly privateBytes: number;
  readonly heapBytes: number;
  readonly cpuMs: number;
  readonly mono: number;
  readonly leads: boolean;
}

// From `--eval`, so that no file is named.
const [, kind = '', url = '', leaseMs = '15000'] = process.argv;
let leads = () => false;

/** One connection for commands and one for hints, as a member has. */
async function bare(): Promise<void> {
  const client = new Redis(url);
  const hints = new Redis(url);
  await hints.subscribe('nothing');
  await client.ping();
  if (kind === 'peers') await Promise.all([import('xstate'), import('rxjs')]);
}

async function member(): Promise<void> {
  const [{ createLeaderElection }, { redisLeases }] = await Promise.all([
    import('conclave'),
    import('conclave/redis'),
  ]);
  const leases = redisLeases(url);
  const options = { resource: 'bench', leaseDurationMs: Number(leaseMs) };
  if (kind === 'measured') {
    const { prometheusMetrics } = await import('conclave/prometheus');
    const prometheus = prometheusMetrics();
    const { metrics } = prometheus;
    const election = createLeaderElection({ ...options, leases: metrics.measureLeases(leases) });
    metrics.observeElection(election);
    metrics.observeEventLoop();
    leads = () => election.isLeader;
    await election.start();
    // As often as a Prometheus does by default in most places.
    setInterval(() => void prometheus.text(), 15_000);
    return;
  }
  const election = createLeaderElection({ ...options, leases });
  leads = () => election.isLeader;
  await election.start();
}

function privateBytes(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const kB = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kB) * 1024;
}

/**
 * What any process does that has something to do: it makes objects, keeps some for a while and forgets them. V8 gives
 * them a young generation as large in every process, whether or not loading modules had filled one before.
 */
async function work(): Promise<void> {
  const kept: unknown[] = [];
  for (let n = 0; n < 2_000_000; n += 1) {
    kept[n % 1000] = { n, text: `text ${n}`, list: [n] };
    if (n % 20_000 === 0) await sleep(1);
  }
  kept.length = 0;
  for (let n = 0; n < 3; n += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
}

/** What the process holds and has used so far; nothing is collected first unless it has worked. */
async function tell(afterWork: boolean): Promise<void> {
  if (afterWork) await work();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const [seconds, nanoseconds] = process.hrtime();
  const told: Told = {
    rssBytes: rss,
    privateBytes: privateBytes(),
    heapBytes: heapUsed,
    cpuMs: (user + system) / 1000,
    mono: seconds * 1000 + nanoseconds / 1e6,
    leads: leads(),
  };
  process.send?.(told);
}

if (process.send !== undefined) {
  process.on('message', (asked) => void tell(asked === 'worked'));
  process.on('disconnect', () => process.exit(0));
  await (kind === 'bare' || kind === 'peers' ? bare() : member());
  process.send('ready');
}
