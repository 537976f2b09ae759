/** Members that share a configuration over a real Redis which loses what it was told: a failover, and a restart without data. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type ConfigReload, createConfigReload } from '../../src/config.ts';
import { memoryLeases } from '../../src/index.ts';
import { redisHead } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy, type TcpProxy } from '../redis/proxy.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';

const MEMBERS = 5;
const schema = z.object({ port: z.number() });
const soon = { timeout: 60_000, interval: 50 };

/** Five members with one file, behind a door that leads to whichever server there is. */
class Group implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();
  readonly #directory: string;
  readonly primary: RedisServer;
  readonly door: TcpProxy;
  readonly members: ConfigReload<z.infer<typeof schema>>[];

  private constructor(directory: string, primary: RedisServer, door: TcpProxy) {
    this.#directory = directory;
    this.primary = this.#owned.use(primary);
    this.door = this.#owned.use(door);
    this.#owned.defer(() => rm(directory, { recursive: true }));
    // Of one process, and not lost: what is lost here is the configuration.
    const leases = memoryLeases();
    this.members = Array.from({ length: MEMBERS }, (_, index) => {
      const store = this.#owned.use(redisHead(`redis://127.0.0.1:${door.port}`));
      const source = join(directory, 'app.json');
      const timings = { quietMs: 50 };
      return this.#owned.use(
        createConfigReload({ source, schema, store, leases, memberId: `m${index}`, timings }),
      );
    });
  }

  static async start(): Promise<Group> {
    const primary = await startRedis();
    const directory = await mkdtemp(join(tmpdir(), 'conclave-config-'));
    const group = new Group(directory, primary, await startProxy({ port: primary.port }));
    await group.edit(1);
    await Promise.all(group.members.map((each) => each.start()));
    return group;
  }

  async edit(port: number): Promise<void> {
    await writeFile(join(this.#directory, 'new'), JSON.stringify({ port }));
    await rename(join(this.#directory, 'new'), join(this.#directory, 'app.json'));
  }

  readonly standing = () => this.members.map((each) => `${each.status().generation} ${each.status().sha}`);

  allRun(port: number): Promise<void> {
    const ports = () => this.members.map(({ current }) => current.port);
    return vi.waitFor(() => expect(ports()).toEqual(Array(MEMBERS).fill(port)), soon);
  }

  allAgree(): Promise<void> {
    return vi.waitFor(() => expect(new Set(this.standing()).size).toBe(1), soon);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

const HEAD = ['get', 'conclave:{default}:config:head'];

describeRedis.concurrent('members whose Redis loses data', () => {
  test('in a failover that lost the last move all end on one (generation, sha), that of the head that survived', async () => {
    await using group = await Group.start();
    const { primary, door, members } = group;
    await using replica = await startRedis({ replicaOf: primary });
    await vi.waitFor(async () => expect(await replica.info('master_link_status')).toBe('up'), soon);
    await group.edit(2);
    await group.allRun(2);
    const head = await primary.cli(...HEAD);
    await vi.waitFor(async () => expect(await replica.cli(...HEAD)).toBe(head), soon);
    // From now on the primary is alone with what it is told.
    await replica.cli('replicaof', 'no', 'one');
    await group.edit(3);
    await group.allRun(3);
    await primary.kill();
    const lostAt = Math.max(...members.map((each) => each.status().generation ?? 0));
    const regressed = new Set<string>();
    for (const each of members) each.on('historyRegressed', () => regressed.add(each.memberId));
    door.leadTo({ port: replica.port });
    await vi.waitFor(() => expect(regressed.size).toBe(MEMBERS), soon);
    const survived = JSON.parse(await replica.cli(...HEAD)) as { generation: number; sha: string };
    expect(survived.generation).toBeLessThanOrEqual(lostAt);
    const all = Array(MEMBERS).fill(`${survived.generation} ${survived.sha}`);
    await vi.waitFor(() => expect(group.standing()).toEqual(all), soon);
    // It is one that goes on.
    await group.edit(4);
    await group.allRun(4);
    await group.allAgree();
  });

  test('after a restart without data all go on with what they run, under a larger generation', async () => {
    await using group = await Group.start();
    await group.edit(2);
    await group.allRun(2);
    const before = Math.max(...group.members.map((each) => each.status().generation ?? 0));
    await group.primary.kill();
    await group.primary.restart({ empty: true });
    const isLarger = () => group.members.every((each) => (each.status().generation ?? 0) > before);
    await vi.waitFor(() => expect(isLarger()).toBe(true), soon);
    await group.allAgree();
    await group.allRun(2);
    await group.edit(3);
    await group.allRun(3);
  });
});
