/** How a store's link to Redis lives through what its connection does: ends, switches, silence, and callers that give up. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../../src/errors.ts';
import type { RedisNode } from '../../src/redis/client.ts';
import { RedisLink } from '../../src/redis/link.ts';
import { reconnector } from '../../src/redis/topology-sentinel.ts';
import { redisLeases } from '../../src/redis.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { LIBRARIES } from '../integration/redis-topology-clients.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { Candidate } from './lease-store-fixture.ts';

const leaseMs = 30_000;
const trusting = { freshStore: 'trust' } as const;

/** A Sentinel that says where the primary is only when it is let. */
async function startSilentSentinel(primary: number) {
  const sockets = new Set<Socket>();
  const asked: Socket[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [, name] of String(data).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        if (name?.toLowerCase() === 'sentinel') asked.push(socket);
        else socket.write('+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    answer: () => {
      const digits = String(primary);
      for (const socket of asked) socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${digits.length}\r\n${digits}\r\n`);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describeRedis('a switch of the primary', () => {
  test.for(LIBRARIES)(
    'while the Sentinels are asked does not end the client (ioredis $version)',
    async ({ library }) => {
      await using redis = await startRedis();
      await using sentinel = await startSilentSentinel(redis.port);
      const client = new library.Redis({
        sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
        name: 'main',
        updateSentinels: false,
        protocol: 2,
        retryStrategy: () => 10,
        enableReadyCheck: false,
      });
      client.on('error', () => {});
      const reached: string[] = [];
      for (const event of ['close', 'end', 'ready']) client.on(event, () => reached.push(event));
      const reconnect = reconnector(client);
      await until('a Sentinel is asked', () => sentinel.asked.length === 1);
      reconnect();
      sentinel.answer();
      // What was found may be the former primary: it is left, and looked for anew.
      await until('a Sentinel is asked again', () => sentinel.asked.length === 2);
      sentinel.asked.shift();
      sentinel.answer();
      await until('it stands', () => client.status === 'ready');
      expect(reached).not.toContain('end');
      client.disconnect();
    },
  );
});

describeRedis('a connection of our own that ended unasked', () => {
  test('is replaced, whether or not anybody asks', async () => {
    await using redis = await startRedis();
    const clock = new VirtualClock();
    const clients: Redis[] = [];
    const open = () => {
      const client = new Redis(redis.url);
      clients.push(client);
      return client as RedisNode;
    };
    const link = new RedisLink({ open, owned: true, location: 'here', clock });
    const first = await link.client();
    first.disconnect();
    await until('another is opened', () => {
      clock.advance(100);
      return clients.length === 2;
    });
    expect(await link.client()).toBe(clients[1]);
    link.close();
    await until('it is closed', () => clients[1]?.status === 'end');
    clock.advance(10_000);
    expect(clients).toHaveLength(2);
  });
});

test('who waits for a connection that is being opened for ever is told at its time, and when it is closed', async () => {
  const clock = new VirtualClock();
  let opened = 0;
  const open = () => {
    opened += 1;
    return new Promise<RedisNode>(() => {});
  };
  const link = new RedisLink({ open, owned: true, location: 'here', clock });
  const script = { name: 'none', flagged: { text: '', sha: '' }, plain: { text: '', sha: '' } };
  const call = link.run({ script, keys: ['k'], args: [] }, { patienceMs: 100 });
  const waiting = link.client().catch((error: unknown) => error);
  clock.advance(100);
  const outcome = await call;
  expect('error' in outcome && outcome.error.message).toMatch(/no connection in time/);
  link.close();
  expect(await waiting).toMatchObject({ code: 'STORE_CLOSED' });
  expect(opened).toBe(1);
});

describeRedis('a call that was given up while there was no connection yet', () => {
  test('is told as not made, and is not made', async () => {
    await using redis = await startRedis();
    await using here = redisLeases(redis.url, trusting);
    const member = new Candidate('a', here, leaseMs);
    const token = await member.win();
    await redis.freeze();
    const client = new Redis(redis.url);
    await using late = redisLeases(client, trusting);
    const giveUp = new AbortController();
    const renewal = late.renew(
      { resource: 'billing', id: 'a', leaseMs, graceMs: 0, token, beat: 50, term: 1 },
      { signal: giveUp.signal },
    );
    // By now it waits for the connection, which stands only when the server is asked whether it is ready.
    await setImmediate();
    giveUp.abort(new Error('enough'));
    await expect(renewal).rejects.toMatchObject({ code: 'STORE_TIMEOUT', outcomeUnknown: false });
    await redis.thaw();
    // Over the same connection, behind it.
    expect((await late.read('billing', member.options))?.beat).toBe(1);
    client.disconnect();
  });
});

describeRedis('a release by nobody', () => {
  test('releases nothing', async () => {
    await using redis = await startRedis();
    await using leases = redisLeases(redis.url, trusting);
    const member = new Candidate('a', leases, leaseMs);
    const token = await member.win();
    const nobody = { resource: 'billing', id: '', token };
    expect(await leases.release(nobody, member.options)).toEqual({ released: false });
    expect(await member.read()).toMatchObject({ holder: 'a' });
  });
});

describeRedis('a given client with a wrong password', () => {
  test('has it in nothing that is told', async () => {
    await using redis = await startRedis({ password: 'right' });
    const client = new Redis({ port: redis.port, password: 'wr0ng-s3cret', lazyConnect: true });
    client.on('error', () => {});
    await using leases = redisLeases(client, trusting);
    const error: unknown = await new Candidate('a', leases, leaseMs)
      .acquire()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    const { cause } = error as { readonly cause: Error };
    expect(cause.message).toMatch(/WRONGPASS/);
    expect(Object.keys(cause)).not.toContain('command');
    client.disconnect();
  });
});
