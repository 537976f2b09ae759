/** The text that Prometheus reads, judged by promtool; and the same metrics in an application's own OpenTelemetry. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createConfigReload } from '../../src/config.ts';
import { memoryHead } from '../../src/config/memory-head.ts';
import { createLeaderElection, type LeaseStore, memoryLeases } from '../../src/index.ts';
import { type Journal, memoryJournal } from '../../src/journal/index.ts';
import {
  ALL_METRICS,
  createMetrics,
  exposedName,
  type Metrics,
  type MetricsText,
} from '../../src/observability/index.ts';
import { prometheusMetrics } from '../../src/prometheus.ts';
import { provide } from '../debian-package.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { parseText } from '../machines/metrics-exposition.ts';
import { until } from '../redis/until.ts';

class Reader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

interface Act {
  /** Writes another configuration. */
  readonly write: (port: number) => void;
}

/** A member with everything that is measured, by all of these. */
async function live(
  measuring: readonly Metrics[],
  shares: boolean,
  act: (acting: Act) => Promise<void>,
): Promise<void> {
  using place = temporaryDirectory();
  const path = join(place.path, 'app.json');
  const write = (port: number) => writeFileSync(path, JSON.stringify({ port }));
  write(1);
  const journal = measuring.reduce((inner: Journal, each) => each.measureJournal(inner), memoryJournal());
  const leases = measuring.reduce((inner: LeaseStore, each) => each.measureLeases(inner), memoryLeases());
  const often = { leaseDurationMs: 15_000, renewIntervalMs: 100 };
  await using election = createLeaderElection({ resource: 'app', leases, journal, ...often });
  const shared = shares ? { store: memoryHead(), leases } : {};
  const schema = z.object({ port: z.number() });
  await using reload = createConfigReload({ source: path, schema, journal, ...shared });
  using observing = new DisposableStack();
  for (const metrics of measuring) {
    observing.use(metrics.observeElection(election));
    observing.use(metrics.observeConfig(reload, { resource: 'app' }));
    observing.use(metrics.observeEventLoop());
  }
  await election.start();
  await reload.start();
  await election.whenLeader();
  await act({ write });
}

function promtool(text: string): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    child.on('close', (code) => resolve({ code, said }));
    child.stdin.end(text);
  });
}

describe('the text for Prometheus', () => {
  beforeAll(() => {
    expect(provide(['promtool'], 'prometheus')).toBeNull();
  });

  test('passes promtool and tells of the whole catalogue, under any prefix', async () => {
    await using one = prometheusMetrics();
    await using other = prometheusMetrics({ prefix: 'honua' });
    const rare = /failover|notification_latency/;
    const typesOf = (prefix: string) =>
      ALL_METRICS.map((metric) => `# TYPE ${exposedName(metric, prefix)} ${metric.kind}\n`);
    const complete = (source: MetricsText, prefix: string) =>
      until('all is there', async () => {
        const text = await source.text();
        const missing = typesOf(prefix).filter((line) => !text.includes(line) && !rare.test(line));
        if (missing.length > 0) throw new Error(missing.join(''));
        return text;
      });
    await live([one.metrics, other.metrics], true, async () => {
      for (const [source, prefix] of [
        [one, 'conclave'],
        [other, 'honua'],
      ] as const) {
        const text = await complete(source, prefix);
        expect(await promtool(text)).toEqual({ code: 0, said: '' });
        expect(text).not.toMatch(/otel_|target_info/);
        expect(text.endsWith('\n')).toBe(true);
        const told = [...text.matchAll(/^# TYPE .*\n/gm)].map(([line]) => line);
        expect(told.filter((line) => !typesOf(prefix).includes(line))).toEqual([]);
        expect(parseText(text).get(`${prefix}_leader_election_is_leader{resource="app"}`)).toBe(1);
      }
    });
  });

  test('is served to many at once, each with all of it, and goes on when what is observed has ended', async () => {
    await using prometheus = prometheusMetrics();
    const leads = 'conclave_leader_election_is_leader{resource="app"}';
    await live([prometheus.metrics], false, async () => {
      const texts = await Promise.all(Array.from({ length: 20 }, () => prometheus.text()));
      expect(texts.map((text) => parseText(text).get(leads))).toEqual(Array.from({ length: 20 }, () => 1));
    });
    expect(parseText(await prometheus.text()).get(leads)).toBe(0);
  });
});

describe("an application's own meter provider", () => {
  test('gets the same metrics, and is told as 0 what is not in force any more', async () => {
    const reader = new Reader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    const points = async (name: string) => {
      const { resourceMetrics, errors } = await reader.collect();
      expect(errors).toEqual([]);
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      const { dataPoints = [] } = metrics.find(({ descriptor }) => descriptor.name === name) ?? {};
      return dataPoints.map(({ attributes, value }) => ({ ...attributes, value }));
    };
    const metrics = createMetrics({ meterProvider, prefix: 'acme', attributes: { region: 'eu' } });
    await live([metrics], false, async ({ write }) => {
      const leads = { region: 'eu', resource: 'app', value: 1 };
      expect(await points('acme_leader_election_is_leader')).toEqual([leads]);
      const [first] = await until('the first is in force', async () => {
        const infos = await points('acme_config_info');
        return infos.length === 1 && infos;
      });
      write(2);
      const infos = await until('the second is in force', async () => {
        const present = await points('acme_config_info');
        return present.length > 1 && present.some(({ value }) => value === 1) && present;
      });
      expect(infos).toContainEqual({ ...first, value: 0 });
      expect(infos.filter(({ value }) => value === 1)).toHaveLength(1);
      metrics[Symbol.dispose]();
      for (const { value } of await points('acme_leader_election_is_leader')) expect(value).toBe(0);
      for (const { value } of await points('acme_config_info')) expect(value).toBe(0);
    });
    // A cumulative reader goes on with what it heard last: nobody leads.
    for (const { value } of await points('acme_leader_election_is_leader')) expect(value).toBe(0);
    await meterProvider.shutdown();
  });
});
