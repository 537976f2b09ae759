/** What the metrics of an election say, as scraped, on a virtual clock. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../src/errors.ts';
import type { LeaseStore } from '../../src/index.ts';
import { type PrometheusMetrics, prometheusMetrics } from '../../src/prometheus.ts';
import { LEASE, useMembers } from './election-members.ts';
import { elapse } from './elapse.ts';
import { exposed, seriesOf } from './metrics-exposition.ts';

/** The same store for one member, whose requests reach nobody once its wire is cut. */
function severable(leases: LeaseStore, wire: { cut: boolean }): LeaseStore {
  const gone = () =>
    Promise.reject(new StoreUnavailableError('STORE_UNAVAILABLE', 'gone', { outcomeUnknown: false }));
  return {
    acquire: (...call) => (wire.cut ? gone() : leases.acquire(...call)),
    renew: (...call) => (wire.cut ? gone() : leases.renew(...call)),
    release: (...call) => (wire.cut ? gone() : leases.release(...call)),
    read: (...call) => leases.read(...call),
    watch: (resource) => leases.watch(resource),
    describe: () => leases.describe(),
    close: () => leases.close(),
    [Symbol.asyncDispose]: () => leases.close(),
  };
}

describe('metrics of an election', () => {
  const members = useMembers();
  const opened: PrometheusMetrics[] = [];
  let prometheus: PrometheusMetrics;
  const open = (options: Parameters<typeof prometheusMetrics>[0] = {}) => {
    const made = prometheusMetrics({ clock: members.clock, ...options });
    opened.push(made);
    return made;
  };
  beforeEach(() => {
    prometheus = open();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
  });
  const scraped = async (name: string, labels: Record<string, string> = {}, of = prometheus) =>
    (await exposed(of)).get(seriesOf(`conclave_leader_election_${name}`, { resource: 'r', ...labels }));
  const observed = async (
    id: string,
    options: Parameters<typeof members.member>[1] = {},
    of = prometheus,
  ) => {
    const election = members.member(id, options);
    of.metrics.observeElection(election);
    await election.start();
    await elapse(members.clock, 100);
    return election;
  };

  test('all counters are there with 0 before anything has happened', async () => {
    prometheus.metrics.observeElection(members.member('a'));
    const series = await exposed(prometheus);
    const counters = [...series].filter(([name]) => name.includes('_total'));
    expect(counters.filter(([, value]) => value !== 0)).toEqual([]);
    // acquired, renewal failures, time as leader, 5 causes, 9 transitions
    expect(counters).toHaveLength(1 + 1 + 1 + 5 + 9);
    expect(series.get('conclave_leader_election_is_leader{resource="r"}')).toBe(0);
  });

  test('is_leader is what the clocks say at the scrape, before any timer has fired', async () => {
    const clock = members.clock.node();
    const own = open({ clock });
    const a = await observed('a', { clock }, own);
    expect(await scraped('is_leader', {}, own)).toBe(1);
    const ledBefore = (await scraped('time_as_leader_seconds_total', {}, own)) ?? 0;
    clock.pause();
    await elapse(members.clock, 4 * LEASE);
    expect(a.isLeader).toBe(false);
    expect(await scraped('is_leader', {}, own)).toBe(0);
    // Nor does the time as leader count what no lease covered.
    expect(await scraped('time_as_leader_seconds_total', {}, own)).toBeLessThan(ledBefore + LEASE / 1000);
    clock.resume();
    await elapse(members.clock, 1);
    expect(await scraped('lost_total', { cause: 'expired' }, own)).toBe(1);
  });

  test('time as leader advances while it leads, and stands still while it does not', async () => {
    const a = await observed('a');
    const first = (await scraped('time_as_leader_seconds_total')) ?? 0;
    await elapse(members.clock, 10_000);
    expect(await scraped('time_as_leader_seconds_total')).toBeCloseTo(first + 10, 3);
    await Promise.all([a.resign(), elapse(members.clock, 100)]);
    const atEnd = (await scraped('time_as_leader_seconds_total')) ?? 0;
    await elapse(members.clock, 5000);
    expect(await scraped('time_as_leader_seconds_total')).toBe(atEnd);
    expect(atEnd).toBeCloseTo(first + 10, 1);
    expect(await scraped('lost_total', { cause: 'released' })).toBe(1);
  });

  test('terms, states and tokens are counted as the events tell them', async () => {
    const a = await observed('a');
    expect(await scraped('acquired_total')).toBe(1);
    expect(await scraped('fencing_token')).toBe(Number(a.term?.token));
    expect(await scraped('transitions_total', { from: 'candidate', to: 'leader' })).toBe(1);
    await Promise.all([a.stop(), elapse(members.clock, LEASE)]);
    expect(await scraped('lost_total', { cause: 'stopped' })).toBe(1);
    expect(await scraped('transitions_total', { from: 'leader', to: 'releasing' })).toBe(1);
    expect(await scraped('transitions_total', { from: 'releasing', to: 'stopped' })).toBe(1);
    expect(await scraped('is_leader')).toBe(0);
  });

  test('each renewal tells how much was left of the lease', async () => {
    await observed('a');
    await elapse(members.clock, 2 * LEASE);
    const series = await exposed(prometheus);
    const of = (what: string, labels = {}) =>
      series.get(
        seriesOf(`conclave_leader_election_lease_slack_seconds_${what}`, { resource: 'r', ...labels }),
      );
    const count = of('count') ?? 0;
    expect(count).toBeGreaterThanOrEqual(5);
    // Renewed every 5 s, give or take a tenth: two thirds of the lease are left each time.
    expect(of('bucket', { le: '7.5' })).toBe(0);
    expect(of('bucket', { le: '15' })).toBe(count);
  });

  test('a hand-over and an expiry are timed by the leader that follows', async () => {
    const other = open();
    const wire = { cut: false };
    const a = await observed('a');
    await observed('b', { leases: severable(members.leases, wire) }, other);
    await Promise.all([a.resign(), elapse(members.clock, 100)]);
    expect(await scraped('failover_seconds_count', { kind: 'handover' }, other)).toBe(1);
    expect(await scraped('failover_seconds_sum', { kind: 'handover' }, other)).toBeLessThan(0.1);
    // b is gone without a word: its lease has to run out.
    wire.cut = true;
    await elapse(members.clock, 3 * LEASE);
    expect(a.isLeader).toBe(true);
    expect(await scraped('failover_seconds_count', { kind: 'expiry' })).toBe(1);
    const took = (await scraped('failover_seconds_sum', { kind: 'expiry' })) ?? 0;
    expect(took).toBeGreaterThan(LEASE / 1000 - 1);
    expect(took).toBeLessThan(LEASE / 1000 + 2);
    expect(await scraped('renewal_failures_total', {}, other)).toBeGreaterThan(0);
    expect(await scraped('lost_total', { cause: 'expired' }, other)).toBe(1);
  });

  test('a member in disabled mode says so, and does not count among the elected', async () => {
    await observed('a', { enabled: false });
    expect(await scraped('is_leader')).toBeUndefined();
    expect(await scraped('is_leader', { mode: 'disabled' })).toBe(1);
  });

  test('calls of the store are timed by operation and outcome, those of tasks without their names', async () => {
    const wire = { cut: false };
    const leases = prometheus.metrics.measureLeases(severable(members.leases, wire));
    const a = await observed('a', { leases });
    await observed('b', { leases }, open());
    await Promise.all([a.tryRun('order-4711', () => 'done'), elapse(members.clock, 1000)]);
    const calls = async (labels: Record<string, string>) => scraped('store_duration_seconds_count', labels);
    expect(await calls({ operation: 'acquire', outcome: 'won' })).toBe(1);
    expect(await calls({ operation: 'acquire', outcome: 'held' })).toBe(1);
    expect(await calls({ resource: 'others', operation: 'acquire', outcome: 'won' })).toBe(1);
    expect(await prometheus.text()).not.toContain('order-4711');
    expect(leases.describe()).toEqual(members.leases.describe());
    wire.cut = true;
    await elapse(members.clock, 6000);
    expect(await calls({ operation: 'renew', outcome: 'failed' })).toBeGreaterThan(0);
  });

  test('an election that is not observed any more is told to lead no more, once, and then not at all', async () => {
    const a = members.member('a');
    const observing = prometheus.metrics.observeElection(a);
    await a.start();
    await elapse(members.clock, 100);
    expect(await scraped('is_leader')).toBe(1);
    observing[Symbol.dispose]();
    expect(await scraped('is_leader')).toBe(0);
    await elapse(members.clock, 1);
    expect(await scraped('is_leader')).toBeUndefined();
  });

  test('a name that would break the text does not', async () => {
    await observed('a', { resource: 'a"b\\c\nd{} 1' });
    const text = await prometheus.text();
    expect(text).toContain('\nconclave_leader_election_is_leader{resource="a\\"b\\\\c\\nd{} 1"} 1\n');
  });

  test('the prefix begins every name, and one that cannot is refused with the way out', async () => {
    const honua = open({ prefix: 'honua' });
    await observed('a', {}, honua);
    const names = [...(await exposed(honua)).keys()];
    expect(names).toContain('honua_leader_election_is_leader{resource="r"}');
    expect(names.filter((name) => !name.startsWith('honua_'))).toEqual([]);
    for (const prefix of ['', '1x', 'a-b', 'a__b', 'a_', 'a b', 'a\n'])
      expect(() => open({ prefix }), prefix).toThrow(/must begin with a letter/);
  });
});
