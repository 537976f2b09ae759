/** What a server refuses, and what does not get through: told with the right words, and never done late or twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../src/errors.ts';
import { redisLeases, type RedisLeaseOptions } from '../../src/redis.ts';
import { unavailable } from '../../src/redis/link-errors.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy } from '../redis/proxy.ts';
import { startRedis, type RedisOptions } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { Candidate, won } from './lease-store-fixture.ts';

const leaseMs = 30_000;
const KEY = 'conclave:leader:billing';
const RECORD = `{${KEY}}:lease`;

/** A server, and a member that asks it. */
async function world(server: RedisOptions = {}, options: RedisLeaseOptions = {}) {
  await using starting = new AsyncDisposableStack();
  const redis = starting.use(await startRedis(server));
  const leases = starting.use(redisLeases(redis.url, { freshStore: 'trust', ...options }));
  const owned = starting.move();
  return {
    redis,
    leases,
    member: new Candidate('a', leases, leaseMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What a call that must fail fails with. */
async function failure(call: Promise<unknown>): Promise<StoreUnavailableError> {
  const outcome: unknown = await call.then(
    (value) => expect.fail(`expected a failure, got ${JSON.stringify(value, (_, v: unknown) => String(v))}`),
    (error: unknown) => error,
  );
  return outcome as StoreUnavailableError;
}

describe('what a server says', () => {
  test.each([
    ['LOADING Redis is loading the dataset in memory', false, /reads its data/],
    ['CLUSTERDOWN The cluster is down', false, /no writes while slots/],
    ['TRYAGAIN Multiple keys request during rehashing of slot', false, /on its way/],
    ['MASTERDOWN Link with MASTER is down', false, /lost its primary/],
    ['MOVED 3999 127.0.0.1:6381', false, /redis\+cluster/],
    ['CROSSSLOT Keys in request do not hash to the same slot', false, /braces/],
    ['WRONGPASS invalid username-password pair', false, /password/],
    ['NOAUTH Authentication required.', false, /password/],
    ['MISCONF Redis is configured to save RDB snapshots', false, /disk/],
    ['ERR max number of clients reached', false, /maxclients/],
    [
      'OOM command not allowed script: 0123456789012345678901234567890123456789, on @user_script:5.',
      true,
      /memory/,
    ],
    ['Command timed out', true, /may have been executed/],
    ['Connection is closed.', true, /tried again/],
  ] as const)('%s', (said, outcomeUnknown, cure) => {
    const error = unavailable(new Error(said), 'redis:6379', true);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toMatchObject({ outcomeUnknown });
    expect(error.message).toContain('redis:6379');
    expect(error.message).toMatch(cure);
  });
});

describeRedis('a server that refuses', () => {
  test('has forgotten the scripts: they are sent again', async () => {
    await using here = await world();
    const token = await here.member.win();
    await here.redis.cli('script', 'flush');
    expect(await here.member.renew(token, 1)).toMatchObject({ kind: 'renewed' });
    await here.redis.cli('script', 'flush');
    expect(await here.member.release(token)).toEqual({ released: true });
  });

  test('out of memory grants nobody, but lets the leader renew and release', async () => {
    await using here = await world();
    const token = await here.member.win();
    await here.redis.cli('config', 'set', 'maxmemory', '1mb');
    const error = await failure(new Candidate('b', here.leases, leaseMs, { resource: 'other' }).acquire());
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(error.message).toMatch(/OOM.*memory is full/);
    expect(await here.member.renew(token, 1)).toMatchObject({ kind: 'renewed' });
    expect(await here.member.release(token)).toEqual({ released: true });
  });

  test('busy with a script', async () => {
    await using here = await world({ args: ['--busy-reply-threshold', '50'] });
    await here.member.win();
    const endless = here.redis.cli('eval', 'while true do end', '0').catch(() => '');
    const error = await until('the server is busy', () =>
      here.member.read().then(
        () => null,
        (reason: unknown) => reason as StoreUnavailableError,
      ),
    );
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(error.message).toMatch(/BUSY.*SCRIPT KILL/);
    await here.redis.cli('script', 'kill');
    await endless;
    expect(await here.member.read()).toMatchObject({ holder: 'a' });
  });

  test('a replica says where to go instead', async () => {
    await using primary = await startRedis();
    await using here = await world({ replicaOf: primary });
    const error = await failure(here.member.acquire());
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(error.message).toMatch(/READONLY.*Sentinel/);
  });

  test('without the replicas it is told to have', async () => {
    await using here = await world({ args: ['--min-replicas-to-write', '1'] });
    const error = await failure(here.member.acquire());
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(error.message).toMatch(/NOREPLICAS/);
    expect(here.leases.describe().caveats.join(' ')).toMatch(/min-replicas-to-write: promises 1 and 4/);
  });

  test('a user without a permission leaves no trace, and is told which', async () => {
    const may = '~conclave:leader:* ~{conclave:leader:* +@all';
    await using redis = await startRedis({ acl: [`user app on >secret ${may}`] });
    await using leases = redisLeases(redis.urlFor({ user: 'app', password: 'secret' }), {
      freshStore: 'trust',
    });
    const member = new Candidate('a', leases, leaseMs);
    const error = await failure(member.acquire());
    expect(error.message).toMatch(/publish to the channel.*docs\/redis\.md/s);
    expect(await member.read()).toBeNull();
  });

  test('a wrong password', async () => {
    await using redis = await startRedis({ password: 'right' });
    await using leases = redisLeases(redis.urlFor({ password: 'wrong' }), { freshStore: 'trust' });
    const error = await failure(new Candidate('a', leases, leaseMs).acquire());
    expect(error).toMatchObject({ outcomeUnknown: false });
    expect(error.message).toMatch(/password/i);
    expect(error.message).not.toContain('wrong@');
  });
});

describeRedis('keys that are no lease', () => {
  test.each([
    ['the lock of another program', ['set', KEY, 'other-program']],
    ['a key of another type', ['lpush', KEY, 'x']],
    ['a hash that is no record', ['hset', RECORD, 'field', '1']],
    ['a record of another type', ['set', RECORD, 'x']],
  ])('%s: nobody campaigns, and it is left untouched', async (_, command) => {
    await using here = await world();
    await here.redis.cli(...command);
    const key = command[1] as string;
    const before = await here.redis.cli('dump', key);
    const error = await failure(here.member.acquire());
    expect(error).toMatchObject({ code: 'STORE_KEY_FOREIGN' });
    expect(error.message).toContain(key);
    expect(await here.redis.cli('dump', key)).toBe(before);
    await here.redis.cli('del', key);
    won(await here.member.acquire());
  });

  test('a record of another version of the protocol', async () => {
    await using here = await world();
    const token = await here.member.win();
    await here.redis.cli('hset', RECORD, 'v', '2');
    const calls = [here.member.acquire(), here.member.renew(token, 1), here.member.release(token)];
    for (const refused of await Promise.all(calls.map(failure)))
      expect(refused).toMatchObject({ code: 'STORE_PROTOCOL_OTHER' });
    const { trouble } = await here.leases.inspect('billing', here.member.options);
    expect(trouble).toMatchObject({ code: 'STORE_PROTOCOL_OTHER' });
  });

  test('braces that leave open where a key belongs are refused', async () => {
    for (const keyPrefix of ['a{b', 'a}b', '{}:', '{a}{b}:', '{{a}}:']) {
      await using leases = redisLeases('redis://127.0.0.1:1', { keyPrefix });
      const error = await failure(new Candidate('a', leases, leaseMs).acquire());
      expect(error).toMatchObject({ code: 'SETTINGS_INVALID' });
    }
  });
});

describeRedis('a connection that fails', () => {
  test('to nobody: told at once, and nothing was done', async () => {
    await using redis = await startRedis();
    const { port } = redis;
    await redis.kill();
    await using leases = redisLeases(`redis://127.0.0.1:${port}`);
    const error = await failure(new Candidate('a', leases, leaseMs).acquire());
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcomeUnknown: false });
    expect(error.message).toContain('ECONNREFUSED');
  });

  test('after the request was executed: the outcome is unknown, and it is executed once', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    await using leases = redisLeases(proxy.url, { freshStore: 'trust' });
    const member = new Candidate('a', leases, leaseMs);
    // The server has the script.
    await new Candidate('a', leases, leaseMs, { resource: 'other' }).win();
    const cut = proxy.cutAfter(/evalsha/i);
    const error = await failure(member.acquire());
    await cut;
    expect(error).toMatchObject({ outcomeUnknown: true });
    const { record } = await until('the connection stands again', () =>
      leases.inspect(member.resource, member.options).catch(() => null),
    );
    // A second execution would have been refused or made another term.
    expect(record).toMatchObject({ holder: 'a', term: 1, attempt: 1 });
  });

  test('what was given up before there was a connection is never done', async () => {
    await using redis = await startRedis();
    // It lets connect, and answers nothing yet.
    await redis.freeze();
    await using leases = redisLeases(redis.url, { freshStore: 'trust' });
    const member = new Candidate('a', leases, leaseMs);
    const patience = new AbortController();
    const call = failure(member.acquire({}, patience.signal));
    patience.abort();
    expect(await call).toMatchObject({ code: 'STORE_TIMEOUT', outcomeUnknown: false });
    await redis.thaw();
    await until('the connection stands', () => member.read().then(() => true));
    expect(await member.read()).toBeNull();
  });

  test('what was given up while the server was asked may have happened', async () => {
    await using here = await world();
    await here.member.read();
    await here.redis.freeze();
    const patience = new AbortController();
    const call = failure(here.member.acquire({}, patience.signal));
    await sleep(20);
    patience.abort();
    expect(await call).toMatchObject({ code: 'STORE_TIMEOUT', outcomeUnknown: true });
    await here.redis.thaw();
  });

  test('a connection whose packets go nowhere is replaced after two calls without an answer', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    await using leases = redisLeases(proxy.url, { freshStore: 'trust' });
    const member = new Candidate('a', leases, 600);
    await member.read();
    let isLost = false;
    leases.connection$.subscribe(({ commands }) => (isLost ||= commands === 'lost'));
    proxy.drop();
    const calls: Promise<unknown>[] = [];
    await until(
      'the connection is given up',
      () => {
        calls.push(member.acquire().catch(() => null));
        return isLost;
      },
      { everyMs: 150 },
    );
    // One would be a hiccup.
    expect(calls.length).toBeGreaterThanOrEqual(3);
    proxy.heal();
    await Promise.all(calls);
    await until('a new connection works', () => member.read().then(() => true));
  });
});
