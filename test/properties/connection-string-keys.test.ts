import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { COMMA_KEYS } from '../../src/redis/connection-string-comma-keys.ts';
import { parseRedis, type RedisSettings } from '../../src/redis/settings.ts';

/** A value each key takes, and what becomes of it; `note` where it is ignored, an error's words where it is refused. */
const KEYS: Readonly<Record<string, readonly [value: string, outcome: object | 'noted' | 'refused']>> = {
  abortConnect: ['true', 'noted'],
  allowAdmin: ['true', 'noted'],
  asyncTimeout: ['700', { commandTimeoutMs: 700 }],
  channelPrefix: ['x:', 'noted'],
  checkCertificateRevocation: ['true', 'noted'],
  configChannel: ['x', 'noted'],
  configCheckSeconds: ['60', 'noted'],
  connectRetry: ['3', 'noted'],
  connectTimeout: ['800', { connectTimeoutMs: 800 }],
  defaultDatabase: ['4', { database: 4 }],
  defaultVersion: ['7.0', 'noted'],
  heartbeatConsistencyChecks: ['true', 'noted'],
  heartbeatInterval: ['1000', 'noted'],
  highIntegrity: ['true', 'noted'],
  highPriorityThreads: ['true', 'noted'],
  keepAlive: ['30', { keepAliveMs: 30_000 }],
  mode: ['cluster', { topology: { kind: 'cluster' } }],
  name: ['billing-1', { clientName: 'billing-1' }],
  password: ['secret', { credentials: { username: null, password: 'secret' } }],
  preserveAsyncOrder: ['true', 'noted'],
  protocol: ['resp3', 'noted'],
  proxy: ['twemproxy', 'refused'],
  resolveDns: ['true', 'noted'],
  responseTimeout: ['1000', 'noted'],
  sentinelPassword: ['x', 'refused'],
  sentinelUser: ['x', 'refused'],
  serviceName: ['main', { topology: { kind: 'sentinel', name: 'main' } }],
  setlib: ['false', 'noted'],
  ssl: ['true', { tls: { verify: true }, topology: { endpoint: { port: 6380 } } }],
  sslHost: ['name.example', 'refused'],
  sslProtocols: ['tls12|tls13', 'refused'],
  syncTimeout: ['900', { commandTimeoutMs: 900 }],
  tcpKeepAlive: ['false', { keepAliveMs: 0 }],
  tiebreaker: ['x', 'noted'],
  tunnel: ['http:proxy:3128', 'refused'],
  user: ['app', 'refused'],
  version: ['7.0', 'noted'],
  writeBuffer: ['4096', 'noted'],
};

describe('the keys of the comma form', () => {
  test('are all in this table', () => {
    expect(Object.keys(KEYS)).toEqual(Object.keys(COMMA_KEYS));
  });

  test('are all in the documentation', () => {
    const page = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
    expect(Object.keys(COMMA_KEYS).filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });

  test.each(Object.entries(KEYS))(
    '%s is taken, ignored with a note, or refused with a reason',
    (key, [value, outcome]) => {
      const text = `host,${key}=${value}`;
      if (outcome === 'refused') {
        expect(() => parseRedis(text)).toThrow(/^Redis connection string/);
        return;
      }
      const { notes, ...settings } = parseRedis(text);
      if (typeof outcome === 'object') expect(settings).toMatchObject(outcome);
      expect(notes).toHaveLength(outcome === 'noted' ? 1 : 0);
      for (const note of notes) expect(note).toMatch(new RegExp(`^${key} is ignored: .{10,}`));
    },
  );

  test('are taken whatever their case, spaces and empty parts around them', () => {
    expect(parseRedis(' host:7000 ,, SSL = True ,CONNECTTIMEOUT=5 ,')).toMatchObject({
      topology: { endpoint: { host: 'host', port: 7000 } },
      tls: { verify: true },
      connectTimeoutMs: 5,
    });
  });

  test('sentinelUser and sentinelPassword are for the Sentinels, user and password for both without them', () => {
    const base = 's1,s2,serviceName=main,user=u,password=p';
    expect(parseRedis(base).topology).toMatchObject({ username: 'u', password: 'p' });
    expect(parseRedis(`${base},sentinelPassword=q`).topology).toMatchObject({
      username: null,
      password: 'q',
    });
    expect(parseRedis(`${base},sentinelUser=v,sentinelPassword=q`).topology).toMatchObject({
      username: 'v',
      password: 'q',
    });
  });

  test('with TLS on, sslHost and sslProtocols say which name and versions', () => {
    expect(parseRedis('h,ssl=true,sslHost=n.example,sslProtocols=tls12|tls13').tls).toMatchObject({
      serverName: 'n.example',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    });
  });

  test.each(['h,setlib', 'h,abortConnect', 'h,ssl', 'h,SSL'])('%s lacks a value: no second host', (text) => {
    expect(() => parseRedis(text)).toThrow(/column 3: this is a key without a value/);
  });

  test.each(['h,ssl=constructor', 'redis://h?tls=toString'])('%s is neither true nor false', (text) => {
    expect(() => parseRedis(text)).toThrow(/must be true or false/);
  });

  test('sslProtocols takes no other words either', () => {
    expect(() => parseRedis('h,ssl=true,sslProtocols=constructor')).toThrow(/may be tls12/);
  });

  test('a renamed command is refused if leases need it, and ignored if not', () => {
    expect(() => parseRedis('h,$EVAL=')).toThrow(/column 4.*by its own name/);
    expect(parseRedis('h,$FLUSHALL=').notes).toEqual([expect.stringMatching(/renamed command is ignored/)]);
  });
});

describe('what is said of Sentinels', () => {
  test('may ask for TLS to them alone, with certificates of its own', () => {
    const { tls, topology } = parseRedis(
      'redis+sentinel://s/m?sentinel_tls=true&sentinel_password=p&tls_ca=/ca.pem',
    );
    expect(tls).toBeNull();
    expect(topology).toMatchObject({ tls: { verify: true, ca: { file: '/ca.pem' } } });
    expect(parseRedis('rediss+sentinel://s/m?sentinel_tls=false').topology).toMatchObject({ tls: null });
    expect(parseRedis('rediss+sentinel://s/m').topology).toMatchObject({ tls: { verify: true } });
  });

  test.each([
    ['redis://h?sentinel_password=p', 29],
    ['redis+cluster://h?sentinel_username=u', 37],
    ['unix:///s?sentinel_tls=true', 24],
    ['h,sentinelPassword=p', 20],
  ])('%s is refused without any', (text, column) => {
    expect(() => parseRedis(text)).toThrow(`column ${column}: this is for Sentinels, but there are none`);
  });
});

describe('an endpoint of a managed service', () => {
  const seen = (text: string): object => {
    const { topology, tls, notes }: RedisSettings = parseRedis(text);
    const ports =
      'endpoint' in topology
        ? [topology.endpoint.port]
        : 'endpoints' in topology
          ? topology.endpoints.map(({ port }) => port)
          : [];
    return {
      kind: topology.kind,
      tls: tls !== null,
      serverName: tls?.serverName ?? null,
      ports,
      noted: notes.length,
    };
  };
  const azure = 'x.redis.cache.windows.net';
  const managed = 'x.westeurope.redis.azure.net';

  test.each([
    [`${azure}:6380,password=k=,ssl=True,abortConnect=False`, 'probe', true, azure, 6380, 0],
    [`${azure},password=k=`, 'probe', true, azure, 6380, 1],
    [`${azure}:6379,password=k=`, 'probe', false, null, 6379, 0],
    [`rediss://:k@${azure}`, 'probe', true, azure, 6380, 0],
    [`redis://:k@${managed}:10000`, 'probe', true, managed, 10_000, 1],
    [managed, 'probe', true, managed, 10_000, 1],
    ['master.x.abc.euw1.cache.amazonaws.com', 'standalone', true, null, 6379, 1],
    ['clustercfg.x.abc.euw1.cache.amazonaws.com:6379', 'cluster', true, null, 6379, 1],
    ['redis://x-1.serverless.euw1.cache.amazonaws.com', 'cluster', true, null, 6379, 1],
    ['x.abc.clustercfg.euw1.cache.amazonaws.com:6379', 'cluster', false, null, 6379, 0],
    ['x.abc.ng.0001.euw1.cache.amazonaws.com:6379', 'standalone', false, null, 6379, 0],
    ['redis://clustercfg.x.abc.euw1.cache.amazonaws.com?tls=false', 'cluster', false, null, 6379, 0],
  ])('%s: %s, TLS %s (name %s), port %i', (text, ...[kind, tls, serverName, port, noted]) => {
    expect(seen(text)).toEqual({ kind, tls, serverName, ports: [port], noted });
  });

  test('that knows TLS only refuses to go without', () => {
    expect(() => parseRedis(`${managed},ssl=false`)).toThrow(/accepts connections by TLS only/);
  });
});

describe('settings as an object', () => {
  test('add to a connection string what none can hold', () => {
    const credentials = async () => ({ username: 'a', password: 'b' });
    expect(
      parseRedis({
        url: 'redis://h',
        credentials,
        tls: { ca: { pem: 'PEM' } },
        clientName: 'c',
        keepAliveMs: 0,
      }),
    ).toMatchObject({
      credentials,
      tls: { ca: { pem: 'PEM' }, verify: true },
      clientName: 'c',
      keepAliveMs: 0,
    });
  });

  test.each([
    [{ url: 'h', pasword: 'x' }, /there is no "pasword"/],
    [{ url: 'h', clientname: 'x' }, /did you mean clientName\?/],
    [{ url: 7 }, /url must be a connection string, but is number/],
    [{ url: 'h', connectTimeoutMs: Number.NaN }, /connectTimeoutMs is NaN/],
    [{ url: 'h', credentials: 'hunter2' }, /credentials must be an object or a function, but are string/],
    [{ url: 'h', credentials: { username: 'u', password: 7 } }, /password must be a string/],
    [{ url: 'h', tls: { servername: 'x' } }, /did you mean serverName\?/],
    [
      { url: 'h', tls: { ca: 'hunter2' } },
      /tls\.ca must be \{ file: PATH \} or \{ pem: TEXT \}, but is string/,
    ],
    [{ url: 'unix:/x', tls: true }, /a Unix socket has no TLS/],
    [null, /expected a connection string or an object/],
  ])('%j is refused: %s', (input, message) => {
    expect(() => parseRedis(input as never)).toThrow(message);
  });

  test('never repeat a secret', () => {
    expect(() => parseRedis({ url: 'redis://:hunter2@h:x' })).toThrow(/^(?!.*hunter2)/);
    expect(() => parseRedis({ url: 'h', credentials: 'hunter2' } as never)).toThrow(/^(?!.*hunter2)/);
  });
});
