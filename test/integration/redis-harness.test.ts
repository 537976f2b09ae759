/** What the tests of Redis stand on: servers that start, fail as told, and are gone afterwards. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { root } from '../project/repository.ts';
import { makeCertificates } from '../redis/certificates.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy } from '../redis/proxy.ts';
import { startCluster } from '../redis/redis-cluster.ts';
import { startSentinel } from '../redis/redis-sentinel.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describeRedis.concurrent('a Redis of a test', () => {
  test('starts on a port of its own, and leaves neither process nor directory', async () => {
    const redis = await startRedis();
    const { pid, directory } = redis;
    expect(await redis.cli('ping')).toBe('PONG');
    await redis[Symbol.asyncDispose]();
    expect({ alive: alive(pid), directory: existsSync(directory) }).toEqual({
      alive: false,
      directory: false,
    });
  });

  test('comes back on its port with what was durable, or with nothing', async () => {
    await using redis = await startRedis({ durable: true });
    await redis.cli('set', 'kept', 'yes');
    await redis.kill('SIGKILL');
    await expect(redis.cli('ping')).rejects.toThrow('Could not connect');
    await redis.restart();
    expect(await redis.cli('get', 'kept')).toBe('yes');
    await redis.restart({ empty: true });
    expect(await redis.cli('dbsize')).toBe('0');
  });

  test('answers nothing while it is frozen, and is gone all the same when disposed of', async () => {
    const redis = await startRedis();
    await redis.freeze();
    const { pid } = redis;
    await redis[Symbol.asyncDispose]();
    expect(alive(pid)).toBe(false);
  });

  test('asks for credentials under an ACL, and for certificates under TLS', async () => {
    using certificates = await makeCertificates();
    await using redis = await startRedis({
      tls: { certificates, clientCertificates: true },
      acl: ['user reader on >secret ~* &* -@all +get +ping +auth'],
    });
    expect(await redis.cli('acl', 'whoami')).toBe('operator');
    await using bare = await startRedis({ tls: { certificates } });
    const connection = new Redis(bare.url, {
      tls: { ca: 'none of these' },
      retryStrategy: null,
      lazyConnect: true,
    });
    connection.on('error', () => {});
    await expect(connection.connect()).rejects.toThrow('Connection is closed');
  });

  test('ends with the process that started it, even if that is killed', async () => {
    const program = `
      import { startRedis } from './test/redis/redis-server.ts';
      const redis = await startRedis();
      await redis.freeze();
      console.log(JSON.stringify({ pid: redis.pid, directory: redis.directory }));
      setInterval(() => {}, 1000);`;
    const args = ['--input-type=module-typescript', '--eval', program];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const told = await new Promise<string>((resolve) =>
      child.stdout.setEncoding('utf8').once('data', resolve),
    );
    const { pid, directory } = JSON.parse(told) as { pid: number; directory: string };
    expect(alive(pid)).toBe(true);
    child.kill('SIGKILL');
    await until('the server is gone', () => !alive(pid) && !existsSync(directory));
  });
});

describeRedis.concurrent('a proxy', () => {
  const open = async (url: string, commandTimeout = 20_000) => {
    const client = new Redis(url, { retryStrategy: null, commandTimeout });
    client.on('error', () => {});
    await until('the client is connected', () => client.status === 'ready');
    return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
  };

  test('loses what is sent without telling either end, and resets what was torn when healed', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    using client = await open(proxy.url, 1000);
    proxy.drop();
    await expect(client.set('a', '1')).rejects.toThrow('Command timed out');
    expect({ status: client.status, stored: await redis.cli('exists', 'a') }).toEqual({
      status: 'ready',
      stored: '0',
    });
    proxy.heal();
    await until('the connection is reset', () => client.status === 'end');
  });

  test('lets a request through whose reply is lost', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    using client = await open(proxy.url, 1000);
    proxy.drop('toClient');
    await expect(client.incr('counter')).rejects.toThrow('Command timed out');
    expect(await redis.cli('get', 'counter')).toBe('1');
  });

  test('cuts after a request was executed', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    using client = await open(proxy.url);
    const cut = proxy.cutAfter(/incr/i);
    expect(await client.ping()).toBe('PONG');
    await expect(client.incr('counter')).rejects.toThrow();
    await cut;
    expect(await redis.cli('get', 'counter')).toBe('1');
  });

  test('refuses, delays and counts', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    {
      using client = await open(proxy.url);
      proxy.delay(100);
      const sentAt = performance.now();
      await client.ping();
      expect(performance.now() - sentAt).toBeGreaterThanOrEqual(199);
      expect(proxy.bytes.toServer).toBeGreaterThan(0);
    }
    proxy.refuse();
    const refused = new Redis(proxy.url, { retryStrategy: null, lazyConnect: true });
    refused.on('error', () => {});
    await expect(refused.connect()).rejects.toThrow('Connection is closed');
  });
});

describeRedis.concurrent('several servers', () => {
  test('fail over under sentinels with passwords', async () => {
    await using group = await startSentinel({ password: 'data', sentinelPassword: 'watch' });
    const before = await group.primary();
    const after = await group.failover();
    expect(after).not.toBe(before);
    expect(await after.cli('set', 'a', '1')).toBe('OK');
  });

  test('are a cluster, in which slots move and replicas take over', async () => {
    await using cluster = await startCluster(6);
    const owner = await cluster.owner('{a}');
    await owner.cli('set', '{a}', '1');
    const next = await cluster.moveSlot('{a}');
    expect({ moved: next !== owner, value: await next.cli('get', '{a}') }).toEqual({
      moved: true,
      value: '1',
    });
    const replica = await cluster.failover('{a}');
    expect(await replica.cli('get', '{a}')).toBe('1');
  });
});
