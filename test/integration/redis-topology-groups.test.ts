import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isCluster } from '../../src/redis/client.ts';
import type { RedisLibrary } from '../../src/redis/topology-library.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisCluster, startCluster } from '../redis/redis-cluster.ts';
import { startSentinel } from '../redis/redis-sentinel.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { LIBRARIES, type OpenedClient, opened } from './redis-topology-clients.ts';

/** The port of the server that the client talks to, if it is a primary. */
async function primaryOf(opening: OpenedClient): Promise<number | null> {
  const node = await opening.node();
  const info = String(await node.call('INFO'));
  return /^role:master\r?$/m.test(info) ? Number(/^tcp_port:(\d+)/m.exec(info)?.[1]) : null;
}

/** A library whose clusters look up names at once at first, and afterwards when they are told to. */
function heldNames({ Redis, Cluster }: RedisLibrary) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const told = {
    asked: 0,
    answer: resolve,
    library: {
      Redis,
      Cluster: class extends Cluster {
        constructor(...[seeds, options]: ConstructorParameters<RedisLibrary['Cluster']>) {
          const dnsLookup = (_: string, done: (error: null, address: string) => void) => {
            told.asked += 1;
            const answer = () => done(null, '127.0.0.1');
            if (told.asked === 1) answer();
            else void promise.then(answer);
          };
          super(seeds, { ...options, dnsLookup });
        }
      },
    },
  };
  return told;
}

describeRedis('a client by Sentinel', () => {
  test('follows the primary, with passwords of servers and of Sentinels, in both versions', async () => {
    const passwords = { password: 'of-servers', sentinelPassword: 'of-sentinels' };
    await using group = await startSentinel({ ...passwords, replicas: 1 });
    const hosts = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const url = `redis+sentinel://:of-servers@${hosts}/${group.name}?sentinel_password=of-sentinels`;
    await using five = await opened(url, { library: LIBRARIES[0].library });
    await using six = await opened(url, { library: LIBRARIES[1].library });
    const before = await group.primary();
    expect(await Promise.all([five, six].map(primaryOf))).toEqual([before.port, before.port]);
    await until('both listen to a Sentinel', async () => {
      const clients = await Promise.all(
        group.sentinels.map(({ port }) => group.cli('-p', String(port), 'client', 'list')),
      );
      return [...clients.join('\n').matchAll(/ name=conclave-commands .* sub=1 /g)].length === 2;
    });
    const after = await group.failover();
    for (const opening of [five, six])
      await until('it talks to the new primary', async () => (await primaryOf(opening)) === after.port);
    expect(after.port).not.toBe(before.port);
  });

  test('says that the Sentinels want a password of their own, or know no such primary', async () => {
    await using group = await startSentinel({ sentinelPassword: 'of-sentinels', replicas: 1, sentinels: 1 });
    const [sentinel] = group.sentinels;
    const base = `redis+sentinel://127.0.0.1:${sentinel?.port}`;
    await using without = await opened(`${base}/${group.name}`);
    expect((await without.error(2)).message).toMatch(/Sentinels refuse us.*sentinel_password/);
    await using unknown = await opened(`${base}/nobody?sentinel_password=of-sentinels`);
    expect((await unknown.error(2)).message).toMatch(/know no primary of this name/);
  });
});

describeRedis('a client of a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster(3, { password: 'secret' });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test.for(LIBRARIES)(
    'connects to all nodes with credentials that are asked for, and queues nothing (ioredis $version)',
    async ({ library }) => {
      let asked = 0;
      const credentials = async () => {
        asked += 1;
        return { username: null, password: 'secret' };
      };
      const url = `redis+cluster://${cluster.first.host}:${cluster.first.port}`;
      await using opening = await opened({ url, credentials }, { library });
      const client = await opening.cluster();
      expect(asked).toBeGreaterThanOrEqual(3);
      expect(client.nodes().map(({ options }) => options.enableOfflineQueue)).toEqual([false, false, false]);
      const owner = await cluster.owner('key');
      const node = client.nodes().find(({ options }) => options.port === owner.port);
      expect(await node?.call('SET', 'key', 'v')).toBe('OK');
      expect(opening.errors).toEqual([]);
    },
  );

  test('is what several endpoints turn out to be, if they are one', async () => {
    const endpoints = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    await using opening = await opened(`${endpoints},password=secret`);
    expect(isCluster(opening.client)).toBe(true);
    await opening.cluster();
    expect(opening.notices).toEqual([expect.stringMatching(/is part of a cluster/)]);
  });

  test('says that a password is missing, and connects once none is needed', async () => {
    await using opening = await opened(`redis+cluster://127.0.0.1:${cluster.first.port}`);
    expect((await opening.error(3)).message).toMatch(/asks for a password and none was given/);
    // The one that tells of the others comes last: those that refuse are not tried again until they are needed.
    for (const node of cluster.nodes.toReversed()) await node.cli('acl', 'setuser', 'default', 'nopass');
    await opening.cluster();
  });

  test.for(LIBRARIES)(
    'connects also if a node that hung lets go while names are looked up (ioredis $version)',
    async ({ library }) => {
      const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
      await using node = await startRedis({ args });
      await node.cli('cluster', 'addslotsrange', '0', '16383');
      await node.cli('acl', 'setuser', 'default', '-cluster|slots');
      await using silent = createServer({ allowHalfOpen: true }, (socket) => {
        hung.defer(() => void socket.destroy());
        socket.on('error', () => {});
      });
      using hung = new DisposableStack();
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      const { port } = silent.address() as AddressInfo;
      const names = heldNames(library);
      const seeds = `localhost:${node.port},localhost:${port}`;
      await using opening = await opened(`redis+cluster://${seeds}?connect_timeout_ms=300`, names);
      const { client } = opening;
      let ended = 0;
      client.on('-node', () => (ended += 1));
      await until('names are looked up again, and the connection that hung has ended', () => {
        return names.asked === 2 && ended === 2;
      });
      names.answer();
      await node.cli('acl', 'setuser', 'default', '+cluster|slots');
      await until('it is connected', () => client.status === 'ready');
    },
  );
});

describeRedis.concurrent.each(LIBRARIES)(
  'a client of several servers, made with ioredis $version',
  ({ library }) => {
    test('finds the one primary among them, and the next one after that', async () => {
      await using primary = await startRedis();
      await using replica = await startRedis({ replicaOf: primary });
      const url = `redis://127.0.0.1:1,127.0.0.1:${replica.port},127.0.0.1:${primary.port}`;
      await using opening = await opened(url, { library });
      expect(await primaryOf(opening)).toBe(primary.port);
      const told = `127.0.0.1:1 cannot be asked, 127.0.0.1:${replica.port} is a replica of 127.0.0.1:${primary.port}, 127.0.0.1:${primary.port} is a primary`;
      expect(opening.notices[0]).toContain(told);
      await primary.kill();
      expect((await opening.error(2)).message).toMatch(
        /None of the Redis endpoints is a primary|ECONNREFUSED/,
      );
      await replica.cli('replicaof', 'no', 'one');
      await until('it talks to the new primary', async () => (await primaryOf(opening)) === replica.port);
    });

    test('leaves a primary that has become a replica when it refuses a write', async () => {
      await using first = await startRedis();
      await using second = await startRedis({ replicaOf: first });
      await using opening = await opened(`127.0.0.1:${first.port},127.0.0.1:${second.port}`, { library });
      const node = await opening.node();
      await until('the replica follows', async () => (await second.info('master_link_status')) === 'up');
      await second.cli('replicaof', 'no', 'one');
      await first.cli('replicaof', '127.0.0.1', String(second.port));
      await expect(node.call('SET', 'key', 'v')).rejects.toThrow(/^READONLY/);
      await until('it talks to the new primary', async () => (await primaryOf(opening)) === second.port);
    });

    test('refuses to choose between two primaries', async () => {
      await using one = await startRedis();
      await using other = await startRedis();
      const errors: string[] = [];
      const opening = opened(`127.0.0.1:${one.port},127.0.0.1:${other.port}`, { library }).then((each) => {
        errors.push(...each.errors.map(({ message }) => message));
        return each;
      });
      await until('both were asked', async () => Number(await one.info('total_connections_received')) > 2);
      await other.cli('replicaof', '127.0.0.1', String(one.port));
      await using found = await opening;
      expect(await primaryOf(found)).toBe(one.port);
      expect(errors[0]).toMatch(/More than one .* is a primary.*Name one of them/);
    });
  },
);
