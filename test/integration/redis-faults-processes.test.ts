/** Leaders that die and leaders that stand still, as processes of their own, on a real Redis. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { openJournal } from 'conclave/sqlite';
import { expect, test } from 'vitest';
import { beliefsOf, overlapsOf } from '../../src/election/beliefs.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { guardedDirectory, guardProcess } from '../redis/guard.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { LINES } from './redis-faults-keys.ts';
import type { Told } from './redis-faults-member.ts';

const LEASE_MS = 2000;
const PATIENCE = { withinMs: 60_000, everyMs: 5 };

class Process {
  readonly journal: string;
  readonly child: ChildProcess;
  readonly told: Told[] = [];
  readonly ended: Promise<void>;

  constructor(redis: RedisServer, directory: string, name: string) {
    this.journal = join(directory, `${name}.db`);
    const file = join(import.meta.dirname, 'redis-faults-member.ts');
    const args = [redis.url, this.journal, name, String(LEASE_MS)];
    const execArgv = ['--conditions=conclave-source'];
    this.child = guardProcess(fork(file, args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
    this.child.on('message', (told) => this.told.push(told as Told));
    this.ended = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  find<T extends Told['type']>(type: T): (Told & { type: T }) | undefined {
    return this.told.findLast((told): told is Told & { type: T } => told.type === type);
  }

  /** The token of the term it is in by its own word. */
  get leads(): bigint | null {
    const last = this.told.findLast(({ type }) => type === 'leads' || type === 'lost');
    return last?.type === 'leads' ? BigInt(last.token) : null;
  }
}

class Processes implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly all: readonly Process[];
  readonly #directory: Disposable;

  private constructor(redis: RedisServer) {
    const directory = guardedDirectory('faults');
    this.redis = redis;
    this.#directory = directory;
    this.all = ['one', 'two', 'three'].map((name) => new Process(redis, directory.path, name));
  }

  static async start(): Promise<Processes> {
    const processes = new Processes(await startRedis());
    await until('all run', () => processes.all.every((each) => each.find('ready')), PATIENCE);
    await processes.later(0n);
    return processes;
  }

  /** Whoever leads with a larger token than this. */
  later(token: bigint): Promise<Process> {
    const fact = () => this.all.find(({ leads }) => leads !== null && leads > token);
    return until(`somebody leads with a token above ${token}`, fact, PATIENCE);
  }

  /** Ends all in order, and returns what their journals tell. */
  async beliefs() {
    const running = this.all.filter(({ child }) => child.exitCode === null && child.signalCode === null);
    for (const { child } of running) child.send('stop');
    await Promise.all(running.map(({ ended }) => ended));
    const records: JournalRecord[] = [];
    for (const { journal: path } of this.all) {
      await using journal = openJournal(path);
      for (const { stream } of await journal.streams())
        for await (const record of journal.read(stream)) records.push(record);
    }
    return beliefsOf(records);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.all) child.kill('SIGKILL');
    await Promise.all(this.all.map(({ ended }) => ended));
    await this.redis[Symbol.asyncDispose]();
    this.#directory[Symbol.dispose]();
  }
}

async function tellsOf({ journal: path }: Process, token: bigint): Promise<boolean> {
  await using journal = openJournal(path);
  for (const { stream } of await journal.streams())
    for await (const record of journal.read(stream)) if (record.token === String(token)) return true;
  return false;
}

describeRedis.concurrent('of three processes', () => {
  test('another leads when the lease of a leader that was killed has ended, not before', async () => {
    await using processes = await Processes.start();
    const leader = await processes.later(0n);
    const token = leader.leads ?? 0n;
    // A disk that is held up does not keep anybody from leading; here its journal is to tell.
    await until('its journal tells of its term', () => tellsOf(leader, token), PATIENCE);
    const at = performance.now();
    leader.child.kill('SIGKILL');
    await leader.ended;
    const left = await processes.redis.cli('hmget', '{conclave:leader:faults}:lease', 'token', 'expAt');
    const [heldBy, expAt = NaN] = left.split('\n').map(Number);
    // Redis reads its clock after this; how long it takes to tell says nothing.
    const askedAt = performance.now();
    const [seconds, micros] = (await processes.redis.cli('time')).split('\n').map(Number) as [number, number];
    const leftMs = expAt - (seconds * 1000 + micros / 1000) + (askedAt - at);
    const next = await processes.later(token);
    // On a machine that stood still its lease may have been over, and another's, before it was killed.
    if (BigInt(heldBy ?? 0) === token) {
      expect(next).not.toBe(leader);
      expect(performance.now() - at).toBeGreaterThan(leftMs - 50);
    }
    expect(overlapsOf(await processes.beliefs())).toEqual([]);
  });

  test('one that stood still for two leases says in its first tick that it does not lead, and its write is refused', async () => {
    await using processes = await Processes.start();
    const leader = await processes.later(0n);
    const token = leader.leads ?? 0n;
    await until('it has written', () => leader.find('wrote'), PATIENCE);
    leader.child.kill('SIGSTOP');
    const stoppedAt = performance.now();
    const next = await processes.later(token);
    await until('the successor has written', () => next.find('wrote'), PATIENCE);
    // How long it stands still is the fault itself, not a guess at how long something takes.
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, 2 * LEASE_MS - (performance.now() - stoppedAt))),
    );
    leader.child.kill('SIGCONT');
    const woke = await until('it wakes', () => leader.find('woke'), PATIENCE);
    expect(woke).toMatchObject({ isLeader: false });
    const late = () => leader.told.find((told) => told.type === 'wrote' && told.outcome === 'refused');
    expect(await until('its late write is refused', late, PATIENCE)).toMatchObject({ token: String(token) });
    expect(next.leads).toBeGreaterThan(token);
    const lines = (await processes.redis.cli('lrange', LINES, '0', '-1')).split('\n').map(BigInt);
    expect(lines).toEqual(lines.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(lines.filter((line) => line === token)).toHaveLength(1);
    const beliefs = await processes.beliefs();
    expect(overlapsOf(beliefs)).toEqual([]);
    expect(beliefs.find((belief) => belief.token === String(token))).toMatchObject({ end: 'lapsed' });
  });
});
