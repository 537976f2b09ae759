/**
 * Failover among real processes on the embedded store: what is done to a leader, and what must hold. Times are
 * monotonic and common to all processes of this boot; beliefs are told from the members' own journals.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { Cluster, type ClusterEvent } from '../../src/cli/demo/cluster.ts';
import { exportEvidence, examineEvidence } from '../../src/cli/demo/evidence.ts';
import { type FaultKind, inflict } from '../../src/cli/demo/faults.ts';
import { LATE_MAX_MS } from '../../src/cli/demo/verdict.ts';
import { beliefsOf, overlapsOf, type Succession, successionsOf } from '../../src/election/beliefs.ts';
import { placesIn } from '../../src/cli/member-places.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { until } from '../redis/until.ts';
import { PATIENCE_MS } from './conclave-program.ts';
import { waitedForProcessorMs } from './processor-waits.ts';

const LEASE_MS = 1500;
/** For tests about something else than the end of a lease: no term ends because something keeps the machine busy. */
const LONG_LEASE_MS = 20_000;

const clusterIn = (directory: string, leaseMs = LEASE_MS) =>
  new Cluster({ directory, resource: 'failover', members: 3, leaseMs });

/** Ends the cluster, then holds what must always hold against all journals; returns how leaders followed. */
async function holds(cluster: Cluster) {
  await cluster.stop();
  const exports = join(cluster.options.directory, 'exports');
  await exportEvidence(cluster.options.directory, exports);
  const { records, findings } = await examineEvidence(exports);
  expect(findings).toEqual([]);
  const beliefs = beliefsOf(records);
  expect(overlapsOf(beliefs)).toEqual([]);
  const tokens = beliefs.map(({ token }) => BigInt(token));
  expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
  expect(cluster.everyone.every(({ exit }) => exit !== null)).toBe(true);
  return successionsOf(beliefs);
}

/** How a term began: a machine that stands still may add one of its own to those that a test brings about. */
const successionTo = (token: bigint, all: readonly Succession[]) =>
  all.find(({ after }) => after.token === String(token));

/**
 * Does one thing to the leader. `lateMs` is without the time for which the leader, its successor, or this process, which
 * looks at the lease, had no processor to run on: that is not the program's.
 */
async function costOf(kind: FaultKind, cluster: Cluster) {
  const leading = await cluster.start(PATIENCE_MS);
  const before = new Map([...cluster.members, process].map(({ pid }) => [pid, waitedForProcessorMs(pid)]));
  const waitedSince = ({ pid }: { readonly pid: number }) =>
    Math.max(0, waitedForProcessorMs(pid) - (before.get(pid) ?? Number.NaN));
  const waited = cluster
    .successorOf(leading, PATIENCE_MS)
    .then(({ member }) => waitedSince(member) + waitedSince(leading.member) + waitedSince(process));
  const failover = await inflict(cluster, kind);
  return { ...failover, lateMs: failover.lateMs - (await waited) };
}

describe('of three members', () => {
  test('one leads and the others know', async () => {
    using directory = temporaryDirectory();
    await using cluster = clusterIn(directory.path);
    const { id } = await cluster.start(PATIENCE_MS);
    expect(cluster.members.filter(({ status }) => status?.role === 'leader')).toHaveLength(1);
    expect(cluster.members.map(({ status }) => status?.currentLeader)).toEqual([id, id, id]);
    await holds(cluster);
  });

  test('another leads within 250 ms of what was left of the lease after kill -9', async () => {
    using directory = temporaryDirectory();
    await using cluster = clusterIn(directory.path);
    const { tookMs, leaseLeftMs, lateMs, from, to, token } = await costOf('kill', cluster);
    expect(to).not.toBe(from);
    expect(tookMs).toBeGreaterThanOrEqual(leaseLeftMs);
    expect(lateMs).toBeLessThanOrEqual(LATE_MAX_MS);
    const succession = successionTo(token, await holds(cluster));
    expect(succession).toMatchObject({ before: { member: from }, after: { member: to } });
  });

  test('another leads at once after SIGTERM, and the old leader ends with 0', async () => {
    using directory = temporaryDirectory();
    await using cluster = clusterIn(directory.path, LONG_LEASE_MS);
    const { tookMs, leaseLeftMs, lateMs, from, to, exitCode } = await costOf('handover', cluster);
    expect({ exitCode, same: to === from }).toEqual({ exitCode: 0, same: false });
    expect(lateMs).toBeLessThan(LATE_MAX_MS);
    expect(tookMs).toBeLessThan(leaseLeftMs);
    expect(await holds(cluster)).toMatchObject([{ before: { member: from, end: 'closed' } }]);
  });

  test('a leader frozen for two leases says in its first tick that it does not lead', async () => {
    using directory = temporaryDirectory();
    await using cluster = clusterIn(directory.path);
    await cluster.start(PATIENCE_MS);
    const { from, firstTick, token } = await inflict(cluster, 'freeze');
    expect(firstTick?.isLeader).toBe(false);
    expect(firstTick?.gapMs).toBeGreaterThan(1.9 * LEASE_MS);
    const succession = successionTo(token, await holds(cluster));
    expect(succession).toMatchObject({ before: { member: from, end: 'lapsed' } });
  });

  test('terms follow each other without overlap through one fault after another', async () => {
    using directory = temporaryDirectory();
    await using cluster = clusterIn(directory.path);
    await cluster.start(PATIENCE_MS);
    const failovers = [];
    for (const kind of ['kill', 'handover', 'freeze', 'handover', 'kill'] as const)
      failovers.push(await inflict(cluster, kind));
    const successions = await holds(cluster);
    for (const { from, to, token } of failovers)
      expect(successionTo(token, successions)).toMatchObject({
        before: { member: from },
        after: { member: to },
      });
    for (const { gapMs } of successions) expect(gapMs).toBeGreaterThan(0);
  });
});

/** Events of one kind that a member reported, as they come. */
function reported(cluster: Cluster, name: string, type: string) {
  return cluster.until(`${name} reports ${type}`, PATIENCE_MS, (event: ClusterEvent | null) => {
    if (event === null || event.member.name !== name || !('report' in event)) return null;
    const { report } = event;
    return report.type === 'event' && report.event.type === type ? report : null;
  });
}

/** Waits for it: what a process has done may be seen elsewhere before it has written a line about it. */
const saidInLog = (directory: string, name: string, pattern: RegExp) =>
  until(
    `${name} says ${pattern}`,
    () => pattern.test(readFileSync(join(directory, 'logs', `${name}.log`), 'utf8')),
    {
      withinMs: PATIENCE_MS,
    },
  );

/** Takes a journal from under its writer, the way a backup or a hanging disk does. */
function lock(path: string): Disposable {
  const database = new DatabaseSync(path, { timeout: PATIENCE_MS });
  database.exec('BEGIN EXCLUSIVE');
  return { [Symbol.dispose]: () => database.close() };
}

const pairIn = (directory: string) =>
  new Cluster({ directory, resource: 'failover', members: 2, leaseMs: LONG_LEASE_MS, renewMs: 300 });

/** Starts a member that leads, and another that follows it. */
async function startPair(cluster: Cluster, flags: readonly string[]) {
  const leader = cluster.run('leader', flags);
  const leading = await cluster.settled(PATIENCE_MS);
  cluster.run('other');
  expect((await cluster.settled(PATIENCE_MS)).token).toBe(leading.token);
  return { leader, leading };
}

describe.concurrent('a leader whose journal cannot be written', () => {
  test('goes on under the policy continue, and says so', async () => {
    using directory = temporaryDirectory();
    using locks = new DisposableStack();
    const journal = join(directory.path, 'held.db');
    await using cluster = pairIn(directory.path);
    const { leader, leading } = await startPair(cluster, ['--journal', journal]);
    const failure = reported(cluster, 'leader', 'journalFailed');
    locks.use(lock(journal));
    const { mono } = await failure;
    await cluster.until('it renewed twice since', PATIENCE_MS, renewals(leader.name, 2, mono));
    expect(leader.status).toMatchObject({ role: 'leader', token: String(leading.token) });
    await saidInLog(directory.path, 'leader', /ERROR +Journal failed \(leadership goes on\)/);
  });

  test('hands over under the policy stop, says so, and stays away for a lease', async () => {
    using directory = temporaryDirectory();
    using locks = new DisposableStack();
    const journal = join(directory.path, 'held.db');
    await using cluster = pairIn(directory.path);
    const { leading } = await startPair(cluster, ['--journal', journal, '--on-journal-failure', 'stop']);
    const failure = reported(cluster, 'leader', 'journalFailed');
    const lost = reported(cluster, 'leader', 'lostLeadership');
    locks.use(lock(journal));
    await failure;
    expect((await lost).event).toMatchObject({ cause: 'released' });
    const next = await cluster.successorOf(leading, PATIENCE_MS);
    expect(next.member.name).toBe('other');
    await saidInLog(directory.path, 'leader', /ERROR +Journal failed \(giving leadership up\)/);
    await saidInLog(directory.path, 'leader', /Staying away for 20\.0 s/);
  });

  test('hands over and ends all the same when it is told to', async () => {
    using directory = temporaryDirectory();
    using locks = new DisposableStack();
    const journal = join(directory.path, 'held.db');
    await using cluster = pairIn(directory.path);
    const { leader, leading } = await startPair(cluster, ['--journal', journal]);
    const failure = reported(cluster, 'leader', 'journalFailed');
    locks.use(lock(journal));
    await failure;
    leader.terminate();
    const next = await cluster.successorOf(leading, PATIENCE_MS);
    expect(next.member.name).toBe('other');
    expect(await leader.exited).toMatchObject({ code: 0, signal: null });
    await saidInLog(directory.path, 'leader', /WARN +Journal: /);
  });

  test('on a full disk goes on or hands over in time, as its policy says', async ({ skip }) => {
    using directory = temporaryDirectory();
    const disk = join(directory.path, 'disk');
    using full = smallDisk(disk);
    if (full === null) return skip('needs to mount a small tmpfs, which only root may');
    const flags = ['--journal', join(disk, 'journal.db'), '--on-journal-failure', 'stop'];
    await using cluster = pairIn(directory.path);
    const { leading } = await startPair(cluster, flags);
    const lost = reported(cluster, 'leader', 'lostLeadership');
    full.fill();
    expect((await lost).event).toMatchObject({ cause: 'released' });
    const next = await cluster.successorOf(leading, PATIENCE_MS);
    expect(next.member.name).toBe('other');
    await saidInLog(directory.path, 'leader', /Journal failed \(giving leadership up\).*full/);
  });
});

describe.concurrent('a leader that cannot reach the store', () => {
  test('steps down by itself before its lease ends, and somebody leads again once it can be reached', async () => {
    using directory = temporaryDirectory();
    using locks = new DisposableStack();
    await using cluster = clusterIn(directory.path);
    const { token } = await cluster.start(PATIENCE_MS);
    // Whoever leads by then: from here on it is told of every term that ends.
    const lost = cluster.until('a leader steps down', PATIENCE_MS, (event) => {
      if (event === null || !('report' in event) || event.report.type !== 'event') return null;
      return event.report.event.type === 'lostLeadership' ? event.report.event : null;
    });
    locks.use(lock(placesIn(directory.path).leases));
    expect(await lost).toMatchObject({ cause: 'expired' });
    await cluster.until('nobody leads', PATIENCE_MS, () => cluster.leading === null || null);
    locks.dispose();
    await cluster.successorOf({ token }, PATIENCE_MS);
    await holds(cluster);
  });
});

function renewals(name: string, count: number, since: number) {
  let seen = 0;
  return (event: ClusterEvent | null) => {
    if (event === null || event.member.name !== name || !('report' in event)) return null;
    const { report } = event;
    if (report.type === 'event' && report.event.type === 'renewed' && report.mono > since) seen += 1;
    return seen >= count ? seen : null;
  };
}

/** So large that a journal alone does not fill it before its time, however long a machine takes over a test. */
const DISK_BYTES = 64 * 1024 * 1024;

function smallDisk(path: string): (Disposable & { fill(): void }) | null {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch {
    return null;
  }
  return {
    fill() {
      const ballast = () => writeFileSync(join(path, 'ballast'), Buffer.alloc(DISK_BYTES));
      expect(ballast).toThrow(/ENOSPC/);
    },
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', path], { stdio: 'pipe' }),
  };
}
