/** What the metrics of a configuration say, as scraped, on a virtual clock. */
import { NEVER } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConfigReload, createConfigReload } from '../../src/config.ts';
import type { HeadStore } from '../../src/config/head-store.ts';
import { memoryHead } from '../../src/config/memory-head.ts';
import { type LeaseStore, memoryLeases } from '../../src/index.ts';
import { type PrometheusMetrics, prometheusMetrics } from '../../src/prometheus.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { type Config, MemorySource, schema, shaOf, useReloads } from './config-handle-members.ts';
import { elapse } from './elapse.ts';
import { exposed, seriesOf } from './metrics-exposition.ts';

const SECRET = 'hunter2';

describe('metrics of a configuration', () => {
  const reloads = useReloads();
  let prometheus: PrometheusMetrics;
  beforeEach(() => {
    prometheus = prometheusMetrics({ clock: reloads.clock });
  });
  afterEach(() => prometheus[Symbol.asyncDispose]());
  const scraped = async (name: string, labels: Record<string, string> = {}, of = prometheus) =>
    (await exposed(of)).get(seriesOf(`conclave_config_${name}`, { resource: 'app', ...labels }));
  const observed = async (options: Parameters<typeof reloads.reload>[0] = {}) => {
    const reload = reloads.reload(options);
    prometheus.metrics.observeConfig(reload, { resource: 'app' });
    await Promise.all([reload.start(), elapse(reloads.clock, 10)]);
    return reload;
  };

  test('all counters are there with 0 before anything has happened, and no success is claimed', async () => {
    prometheus.metrics.observeConfig(reloads.reload(), { resource: 'app' });
    const series = await exposed(prometheus);
    const counters = [...series].filter(([name]) => name.includes('_total'));
    expect(counters.filter(([, value]) => value !== 0)).toEqual([]);
    // 6 triggers × 5 outcomes, watch errors, repairs
    expect(counters).toHaveLength(6 * 5 + 2);
    expect(await scraped('last_reload_successful')).toBe(0);
    expect(await scraped('last_reload_success_timestamp_seconds')).toBe(0);
  });

  test('an applied configuration is told with its generation, time and hash, and nothing of its content', async () => {
    reloads.source.write({ port: 1, password: SECRET });
    await observed();
    const sha = shaOf({ port: 1, password: SECRET }).slice(0, 12);
    expect(await scraped('last_reload_successful')).toBe(1);
    expect(await scraped('last_reload_success_timestamp_seconds')).toBeCloseTo(
      reloads.clock.wallMs() / 1000,
      0,
    );
    expect(await scraped('reloads_total', { trigger: 'command', outcome: 'applied' })).toBe(1);
    expect(await scraped('generation', { kind: 'applied' })).toBe(1);
    expect(await scraped('generation', { kind: 'desired' })).toBe(1);
    expect(await scraped('info', { sha, generation: '1' })).toBe(1);
    for (const stage of ['reading', 'parsing', 'checking', 'preparing', 'recording', 'committing'])
      expect(await scraped('reload_duration_seconds_count', { stage }), stage).toBe(1);
    expect(await prometheus.text()).not.toContain(SECRET);
  });

  test('one configuration alone is told to be in force, whatever was before', async () => {
    reloads.source.write({ port: 1 });
    await observed();
    for (const port of [2, 3]) {
      await exposed(prometheus);
      await reloads.edit({ port });
    }
    await exposed(prometheus);
    const infos = [...(await exposed(prometheus))].filter(([name]) => name.includes('config_info'));
    const inForce = seriesOf('conclave_config_info', {
      resource: 'app',
      generation: '3',
      sha: shaOf({ port: 3 }).slice(0, 12),
    });
    expect(infos).toEqual([[inForce, 1]]);
    expect(await scraped('reloads_total', { trigger: 'file', outcome: 'applied' })).toBe(2);
  });

  test('a rejected one is told at once and until it is corrected', async () => {
    reloads.source.write({ port: 1 });
    await observed();
    await reloads.edit('{ "port": "x" }');
    expect(await scraped('last_reload_successful')).toBe(0);
    expect(await scraped('generation', { kind: 'applied' })).toBe(1);
    expect(await scraped('reloads_total', { trigger: 'file', outcome: 'rejected' })).toBe(1);
    await reloads.edit({ port: 2 });
    expect(await scraped('last_reload_successful')).toBe(1);
  });

  test('one that does harm is told as no success after it was rolled back', async () => {
    reloads.source.write({ port: 1 });
    const reload = await observed({ health: ({ port }) => port !== 2, timings: { healthMs: 1000 } });
    await reloads.pass(2000);
    await reloads.edit({ port: 2 });
    expect(reload.current.port).toBe(1);
    expect(await scraped('last_reload_successful')).toBe(0);
  });

  test('without a shared store nothing is stale', async () => {
    reloads.source.write({ port: 1 });
    await observed();
    expect(await scraped('stale_seconds')).toBeUndefined();
    expect(await scraped('watch_degraded', { reason: 'events' })).toBe(0);
    expect(await scraped('watch_errors_total')).toBe(0);
  });
});

describe('metrics of a shared configuration', () => {
  let clock: VirtualClock;
  const opened: (PrometheusMetrics | ConfigReload<Config>)[] = [];
  beforeEach(() => {
    clock = new VirtualClock();
  });
  afterEach(async () => {
    const closing = Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
    await elapse(clock, 200_000);
    await closing;
    expect(clock.pending).toBe(0);
  });
  const member = async (memberId: string, store: HeadStore, leases: LeaseStore) => {
    const prometheus = prometheusMetrics({ clock });
    const source = new MemorySource().write({ port: 1 });
    const reload = createConfigReload({ source, schema, clock, store, leases, memberId });
    prometheus.metrics.observeConfig(reload, { resource: 'app' });
    opened.push(reload, prometheus);
    await Promise.all([reload.start(), elapse(clock, 16_000)]);
    const scraped = async (name: string, labels = {}) =>
      (await exposed(prometheus)).get(seriesOf(`conclave_config_${name}`, { resource: 'app', ...labels }));
    return { reload, source, scraped };
  };

  test('tell what only the poll found, how late a move was heard of, and how old the word of the store is', async () => {
    const store = memoryHead({ clock });
    const leases = memoryLeases({ clock });
    let isDown = false;
    const deaf: HeadStore = {
      ...store,
      watch: () => NEVER,
      head: (options) => (isDown ? Promise.reject(new Error('down')) : store.head(options)),
    };
    const leader = await member('a', store, leases);
    const follower = await member('b', deaf, leases);
    const hinted = await member('c', store, leases);
    leader.source.write({ port: 2 });
    await elapse(clock, 12_000);
    expect(follower.reload.current.port).toBe(2);
    expect(await follower.scraped('antientropy_repairs_total')).toBe(1);
    expect(await hinted.scraped('antientropy_repairs_total')).toBe(0);
    expect(await follower.scraped('generation', { kind: 'desired' })).toBe(2);
    // A poll takes up to 6 s, a hint no time at all; whoever moves it has nothing to wait for.
    const latency = (of: typeof leader, what: string) => of.scraped(`notification_latency_seconds_${what}`);
    expect(await latency(follower, 'count')).toBe(1);
    expect(await latency(follower, 'sum')).toBeLessThanOrEqual(6.1);
    expect(await latency(hinted, 'count')).toBe(1);
    expect(await latency(hinted, 'sum')).toBeLessThan(0.1);
    expect(await latency(leader, 'count')).toBeUndefined();
    isDown = true;
    await elapse(clock, 60_000);
    expect(await follower.scraped('stale_seconds')).toBeGreaterThanOrEqual(55);
    expect(await hinted.scraped('stale_seconds')).toBeLessThanOrEqual(6.1);
  });
});
