/** A Redis Cluster: three primaries and, from six nodes on, a replica for each. */
import { freePort } from './ports.ts';
import { redisCli } from './redis-process.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { until } from './until.ts';

export interface ClusterOptions {
  /** More arguments of each node. */
  readonly args?: readonly string[];
  readonly password?: string;
  /** After how long a node that does not answer is taken for failed. */
  readonly nodeTimeoutMs?: number;
}

export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  readonly #owned: AsyncDisposableStack;

  constructor(nodes: readonly RedisServer[], owned: AsyncDisposableStack) {
    this.nodes = nodes;
    this.#owned = owned;
  }

  get first(): RedisServer {
    return this.nodes[0] as RedisServer;
  }

  /** What a client connects to. */
  get url(): string {
    const { password = '' } = this.first.options;
    const credentials = password === '' ? '' : `:${password}@`;
    return `redis+cluster://${credentials}${this.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  }

  async slot(key: string): Promise<number> {
    return Number(await Promise.any(this.nodes.map((node) => node.cli('cluster', 'keyslot', key))));
  }

  /** The primary that owns the slot of a key. */
  async owner(key: string): Promise<RedisServer> {
    const slot = await this.slot(key);
    for (const line of (await this.#anyNodes()).split('\n')) {
      const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ');
      if (!flags.includes('master') || flags.includes('fail') || !ranges.some((range) => holds(range, slot)))
        continue;
      const found = this.nodes.find((node) => address.startsWith(`127.0.0.1:${node.port}@`));
      if (found !== undefined) return found;
    }
    throw new Error(`No living node owns slot ${slot}, of ${key}.`);
  }

  /** The replicas of a primary, as it tells. */
  async replicasOf(primary: RedisServer): Promise<readonly RedisServer[]> {
    const id = await primary.cli('cluster', 'myid');
    const lines = (await primary.cli('cluster', 'replicas', id)).split('\n');
    return this.nodes.filter((node) => lines.some((line) => line.includes(`127.0.0.1:${node.port}@`)));
  }

  /** Has a replica take over from its primary by plan; resolves when it takes writes. */
  async failover(key: string): Promise<RedisServer> {
    const before = await this.owner(key);
    const [replica] = await this.replicasOf(before);
    if (replica === undefined) throw new Error(`The owner of ${key} has no replica.`);
    await replica.cli('cluster', 'failover');
    await until('the replica has taken over', async () => (await replica.info('role')) === 'master');
    return replica;
  }

  /** Moves the slot of a key, with all its keys, to another primary; resolves with that one. */
  async moveSlot(key: string): Promise<RedisServer> {
    const slot = String(await this.slot(key));
    const from = await this.owner(key);
    const primaries = await this.#primaries();
    const to = primaries.find((node) => node !== from) as RedisServer;
    const [fromId, toId] = [await from.cli('cluster', 'myid'), await to.cli('cluster', 'myid')];
    await to.cli('cluster', 'setslot', slot, 'importing', fromId);
    await from.cli('cluster', 'setslot', slot, 'migrating', toId);
    const { password } = from.options;
    const auth = password === undefined ? [] : ['auth', password];
    for (;;) {
      const keys = (await from.cli('cluster', 'getkeysinslot', slot, '100')).split('\n').filter(Boolean);
      if (keys.length === 0) break;
      await from.cli('migrate', to.host, String(to.port), '', '0', '5000', ...auth, 'keys', ...keys);
    }
    for (const node of [to, from, ...primaries]) await node.cli('cluster', 'setslot', slot, 'node', toId);
    return to;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  async #primaries(): Promise<readonly RedisServer[]> {
    const roles = await Promise.all(this.nodes.map((node) => node.info('role')));
    return this.nodes.filter((_, index) => roles[index] === 'master');
  }

  /** CLUSTER NODES of the first node that answers. */
  #anyNodes(): Promise<string> {
    return Promise.any(this.nodes.map((node) => node.cli('cluster', 'nodes')));
  }
}

const holds = (range: string, slot: number): boolean => {
  const [from, to = from] = range.split('-').map(Number);
  return from !== undefined && to !== undefined && from <= slot && slot <= to;
};

/**
 * Starts a cluster and waits until every node says that it is well.
 *
 * @example
 * await using cluster = await startCluster(6);
 * await cluster.failover('{billing}');
 */
export async function startCluster(size = 6, options: ClusterOptions = {}): Promise<RedisCluster> {
  await using starting = new AsyncDisposableStack();
  const { args = [], password, nodeTimeoutMs = 2000 } = options;
  const own = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)];
  const nodes = await Promise.all(
    Array.from({ length: size }, async () => {
      const bus = ['--cluster-port', String(await freePort()), '--cluster-replica-validity-factor', '0'];
      const started = await startRedis({
        args: [...own, ...bus, ...args],
        ...(password !== undefined && { password }),
      });
      return starting.use(started);
    }),
  );
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
  const replicas = String(size >= 6 ? Math.floor(size / 3) - 1 : 0);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', replicas, '--cluster-yes'];
  await redisCli(password === undefined ? [] : ['--pass', password], create);
  await until('every node of the cluster is well', async () => {
    const told = await Promise.all(nodes.map((node) => node.cli('cluster', 'info')));
    const known = await Promise.all(nodes.map((node) => node.cli('cluster', 'nodes')));
    const roles = known.map((text) => text.split('\n').filter((line) => line.includes('slave')).length);
    return (
      told.every((text) => text.includes('cluster_state:ok')) &&
      roles.every((count) => count === (size >= 6 ? size - 3 : 0))
    );
  });
  await until('every replica is connected', async () => {
    const links = await Promise.all(nodes.map((node) => node.info('master_link_status')));
    return links.every((link) => link === null || link === 'up');
  });
  return new RedisCluster(nodes, starting.move());
}
