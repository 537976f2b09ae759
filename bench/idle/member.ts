/**
 * One process that does nothing: `member.ts bare|peers|member|measured URL [LEASE_MS]`. Bare, it holds the same client
 * in the same way and nothing of Conclave, with peers it has loaded XState and RxJS, too; measured, it serves its
 * metrics. It runs what is published (`dist/`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** What it tells of itself over IPC when it is asked. */
export interface Told {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuMs: number;
  readonly mono: number;
  readonly leads: boolean;
}

const [, , kind = '', url = '', leaseMs = '15000'] = process.argv;
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

/** CPU first, and without collecting garbage where only that is asked for: it would be most of it. */
async function tell(collects: boolean): Promise<void> {
  const rounds = collects ? 3 : 0;
  for (let n = 0; n < rounds; n += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const [seconds, nanoseconds] = process.hrtime();
  const told: Told = {
    rssBytes: rss,
    heapBytes: heapUsed,
    cpuMs: (user + system) / 1000,
    mono: seconds * 1000 + nanoseconds / 1e6,
    leads: leads(),
  };
  process.send?.(told);
}

if (process.send !== undefined) {
  process.on('message', (asked) => void tell(asked === 'memory'));
  process.on('disconnect', () => process.exit(0));
  await (kind === 'bare' || kind === 'peers' ? bare() : member());
  process.send('ready');
}
