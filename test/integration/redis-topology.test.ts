import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { SettingsError, StoreUnavailableError } from '../../src/index.ts';
import { Backoff, BACKOFF_FIRST_MS, BACKOFF_STABLE_MS } from '../../src/redis/topology-backoff.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { freePort } from '../redis/ports.ts';
import { until } from '../redis/until.ts';
import { LIBRARIES, opened } from './redis-topology-clients.ts';

describeRedis.concurrent.each(LIBRARIES)('a client made with ioredis $version', ({ library }) => {
  test('reaches one server, with user, password and database, under its own name', async () => {
    await using redis = await startRedis({ acl: ['user app on >to/p:s@cret ~* &* +@all'] });
    const url = `redis://app:to%2Fp:s%40cret@127.0.0.1:${redis.port}/3`;
    await using opening = await opened(url, { library });
    const node = await opening.node();
    const info = String(await node.call('CLIENT', 'INFO'));
    expect(info).toMatch(/ name=conclave-commands /);
    expect(info).toMatch(/ db=3 /);
    expect(info).toMatch(/ user=app /);
    expect(opening.errors).toEqual([]);
  });

  test('reaches a server by its Unix socket', async () => {
    await using redis = await startRedis();
    const socket = join(redis.directory, 'redis.sock');
    await using other = await startRedis({ args: ['--unixsocket', socket] });
    await using opening = await opened(`unix:${socket}?db=1`, { library });
    const node = await opening.node();
    expect(String(await node.call('CLIENT', 'INFO'))).toMatch(/ db=1 /);
    expect(await other.info('connected_clients')).toBe('2');
  });

  test('asks for credentials anew at each connect', async () => {
    await using redis = await startRedis({ acl: ['user app on >first ~* &* +@all'] });
    let password = 'first';
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      return { username: 'app', password };
    };
    await using opening = await opened({ url: redis.url, credentials }, { library });
    await opening.node();
    expect(asked).toBe(1);
    await redis.cli('acl', 'setuser', 'app', 'resetpass', '>second');
    password = 'second';
    await redis.cli('client', 'kill', 'user', 'app');
    await until('it has connected anew', async () => asked > 1 && opening.client.status === 'ready');
    expect(opening.errors).toEqual([]);
  });

  test('tells why credentials could not be had, and asks again', async () => {
    await using redis = await startRedis({ password: 'secret' });
    let fails = true;
    const credentials = async () => {
      if (fails) throw new Error('the vault is sealed');
      return { username: null, password: 'secret' };
    };
    await using opening = await opened({ url: `redis://127.0.0.1:${redis.port}`, credentials }, { library });
    expect((await opening.error(2)).message).toMatch(
      /credentials .* could not be had: the vault is sealed\./,
    );
    fails = false;
    await opening.node();
  });

  test('keeps nothing for later: what cannot be sent is refused, what was not answered is not sent again', async () => {
    await using redis = await startRedis({ durable: true });
    await using opening = await opened(`${redis.url}?command_timeout_ms=300`, { library });
    const node = await opening.node();
    await redis.freeze();
    await expect(node.call('INCR', 'unanswered')).rejects.toThrow(/timed out/);
    await redis.kill();
    await until('the loss is noticed', () => node.status !== 'ready');
    await expect(node.call('INCR', 'unsent')).rejects.toThrow(/writeable|closed/);
    await redis.restart();
    await opening.node();
    expect(await node.call('PING')).toBe('PONG');
    expect(await redis.cli('get', 'unanswered')).toBe('');
    expect(await redis.cli('get', 'unsent')).toBe('');
  });

  test('goes on trying with growing pauses while nothing listens, and connects once something does', async () => {
    const port = await freePort();
    const since = performance.now();
    await using opening = await opened(`redis://127.0.0.1:${port}`, { library });
    const error = await opening.error(5);
    // Half of each pause is jitter: 50, 100, 200 and 400 ms are at least this.
    expect(performance.now() - since).toBeGreaterThan((BACKOFF_FIRST_MS * 15) / 2 - 5);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error.message).toMatch(/nothing listens there \(ECONNREFUSED\); check host and port/);
    await using redis = await startRedis({ port });
    await opening.node();
    expect(redis.port).toBe(port);
  });

  test('goes on trying with a wrong password, and connects once it is right', async () => {
    await using redis = await startRedis({ password: 'right' });
    await using opening = await opened(`redis://:not-right@127.0.0.1:${redis.port}`, { library });
    const error = await opening.error(4);
    expect(error.message).toMatch(/user or password are wrong \(WRONGPASS\)/);
    expect(JSON.stringify(error) + error.message + String(error.stack)).not.toContain('not-right');
    await redis.cli('config', 'set', 'requirepass', 'not-right');
    await opening.node();
  });

  test('is not used in database 0 where another was asked for', async () => {
    await using redis = await startRedis();
    await using opening = await opened(`${redis.url}/99`, { library });
    expect((await opening.error(2)).message).toMatch(/the server has no such database/);
    expect(opening.client.status).not.toBe('ready');
  });

  test('says what is wrong and what helps', async () => {
    await using locked = await startRedis({ password: 'secret' });
    await using http = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const { port } = http.address() as { port: number };
    for (const [url, message] of [
      [`redis://127.0.0.1:${locked.port}`, /asks for a password and none was given \(NOAUTH\); write redis:/],
      [`redis://nowhere.invalid`, /host name cannot be resolved/],
      [`redis://127.0.0.1:${port}`, /not Redis, or speaks TLS; check the port/],
      [`redis+cluster://:secret@127.0.0.1:${locked.port}`, /this server is no cluster; write redis:\/\//],
      [`redis+sentinel://127.0.0.1:${locked.port}/main`, /what answers there is no Sentinel/],
      ['unix:/nowhere/redis.sock', /there is no such socket file/],
    ] as const) {
      await using opening = await opened(url, { library });
      expect((await opening.error()).message).toMatch(message);
    }
  });
});

describeRedis('opening a client', () => {
  test('names a certificate that cannot be read, before anything is connected', async () => {
    await expect(opened('rediss://127.0.0.1?tls_ca=/nowhere/ca.pem')).rejects.toThrow(SettingsError);
    await expect(opened('rediss://127.0.0.1?tls_ca=/nowhere/ca.pem')).rejects.toThrow(/\/nowhere\/ca\.pem/);
  });

  test('tells a missing right by its command, and works once it is given', async () => {
    await using redis = await startRedis({ acl: ['user app on >secret ~* &* +@all -select'] });
    await using opening = await opened(`redis://app:secret@127.0.0.1:${redis.port}/2`);
    expect((await opening.error()).message).toMatch(/the user may not do this \(NOPERM\).*'select'/);
    await redis.cli('acl', 'setuser', 'app', '+select');
    expect(String(await (await opening.node()).call('CLIENT', 'INFO'))).toMatch(/ db=2 /);
  });
});

describe('the pause before the next attempt', () => {
  const steady: Randomness = { unit: () => 0, id: () => 'none' };

  test('doubles to a limit, and again from the start only after a connection stood for a while', () => {
    const clock = new VirtualClock();
    const backoff = new Backoff(clock, steady);
    const pauses = (count: number) => Array.from({ length: count }, () => backoff.nextMs());
    expect(pauses(8)).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000]);
    // A server that accepts and hangs up is no success.
    backoff.ready();
    clock.advance(BACKOFF_STABLE_MS - 1);
    expect(pauses(2)).toEqual([1000, 1000]);
    backoff.ready();
    clock.advance(BACKOFF_STABLE_MS);
    expect(pauses(2)).toEqual([25, 50]);
  });
});
