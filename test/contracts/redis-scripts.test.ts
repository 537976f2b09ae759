/** The scripts themselves, on records and requests that members do not make: nothing half done, nothing told too soon. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeCaveats } from '../../src/lease/redis-lease-caveats.ts';
import { leaseChannel, leaseKeys } from '../../src/lease/redis-lease-keys.ts';
import { acquireArguments, renewArguments } from '../../src/lease/redis-lease-replies.ts';
import { leaseScripts } from '../../src/lease/redis-lease-scripts.ts';
import { factsOf } from '../../src/redis/link-facts.ts';
import { redisLeases } from '../../src/redis.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { Candidate } from './lease-store-fixture.ts';

const leaseMs = 30_000;
const trusting = { freshStore: 'trust' } as const;
const scripts = leaseScripts();

const request = (resource: string, ms = leaseMs) => ({
  resource,
  id: 'a',
  attempt: 1,
  leaseMs: ms,
  graceMs: 0,
  longestMs: ms,
  seen: 0n,
  observed: null,
  loss: null,
  nonce: 'n',
});

describeRedis('a script of leases', () => {
  let redis: RedisServer;
  let url: string;
  let client: Redis;
  beforeAll(async () => {
    redis = await startRedis({
      acl: ['user told on >told1 ~* &* +@all', 'user untold on >untold1 ~* &* +@all -info'],
    });
    url = redis.urlFor({ user: 'told', password: 'told1' });
    client = new Redis(url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });

  const acquire = (resource: string, ms = leaseMs, script = scripts.acquire.flagged) => {
    const { mirror, record } = leaseKeys(resource, {});
    const own = ['', '0', '1', '0', 'trust'];
    return client.call(
      'eval',
      script.text,
      2,
      mirror,
      record,
      ...own,
      ...acquireArguments(request(resource, ms)),
    );
  };
  const renew = (
    asks: readonly { resource: string; token: string; beat: string | number; lease?: number }[],
  ) => {
    const keys = asks.flatMap(({ resource }) => {
      const { mirror, record } = leaseKeys(resource, {});
      return [mirror, record];
    });
    const args = asks.flatMap(({ resource, token, beat, lease = leaseMs }) => {
      const all = renewArguments(
        { resource, id: 'a', token: BigInt(token), leaseMs: lease, graceMs: 0, beat: 0, term: 1 },
        false,
      );
      return all.with(4, String(beat));
    });
    return client.call('eval', scripts.renew.flagged.text, keys.length, ...keys, '', ...args) as Promise<
      string[][]
    >;
  };
  const record = (resource: string) => leaseKeys(resource, {}).record;
  const held = (resource: string) => acquire(resource).then((reply) => (reply as string[])[1] as string);

  test.each([
    ['memory', 'maxmemory', '1mb', /OOM/],
    ['replicas', 'min-replicas-to-write', '1', /NOREPLICAS/],
  ])('without %s tells nobody of what it may not write', async (name, setting, value, refusal) => {
    const told: string[] = [];
    const listener = new Redis(url);
    listener.on('message', (_, message: string) => told.push(message));
    const { mirror } = leaseKeys(name, {});
    await listener.subscribe(mirror);
    await client.config('SET', setting, value);
    try {
      await expect(acquire(name, leaseMs, scripts.acquire.plain)).rejects.toThrow(refusal);
    } finally {
      await client.config('SET', setting, '0');
    }
    await client.publish(mirror, 'the end');
    await until('all is heard', () => told.includes('the end'));
    listener.disconnect();
    expect(told).toEqual(['the end']);
    expect(await client.exists(mirror, record(name))).toBe(0);
  });

  test.each([
    ['a field that is gone', (key: string) => client.hdel(key, 'beat'), 'beat'],
    ['a number that is none', (key: string) => client.hset(key, 'expAt', 'nan'), 'expAt'],
    ['a token that is none', (key: string) => client.hset(key, 'token', '1e3'), 'token'],
  ])('renews the others beside a record with %s', async (_, damage, field) => {
    const names = ['one', 'two', 'three'].map((each) => `${each}-${field}`);
    const tokens = await Promise.all(names.map(held));
    await damage(record(names[1] as string));
    const asks = names.map((resource, at) => ({ resource, token: tokens[at] as string, beat: 2 }));
    const replies = await renew(asks);
    expect(replies[1]).toEqual(['foreign', 'record', `a lease whose field ${field} is damaged`]);
    expect([replies[0], replies[2]]).toEqual([
      ['renewed', '0', ''],
      ['renewed', '0', ''],
    ]);
    expect(await client.hget(record(names[2] as string), 'beat')).toBe('2');
  });

  test('renews the others beside a request it cannot compute', async () => {
    const tokens = [await held('sound'), await held('unsound')] as const;
    const replies = await renew([
      { resource: 'unsound', token: tokens[1], beat: 'x' },
      { resource: 'sound', token: tokens[0], beat: 2 },
    ]);
    expect(replies.map(([kind]) => kind)).toEqual(['refused', 'renewed']);
  });

  test('writes nothing of a lease that is too long', async () => {
    for (const ms of [1e21, 86_400_001, -1, NaN])
      expect(await acquire('long', ms), String(ms)).toMatchObject([
        'refused',
        expect.stringMatching(/lease of/),
      ]);
    expect(await client.exists(leaseKeys('long', {}).mirror, record('long'))).toBe(0);
    const token = await held('longer');
    const [reply] = await renew([{ resource: 'longer', token, beat: 2, lease: 1e21 }]);
    expect(reply?.[0]).toBe('refused');
    expect(await client.hget(record('longer'), 'lease')).toBe(String(leaseMs));
  });

  test('has a leader step down by hand also while a loss stands, and for good', async () => {
    await using leases = redisLeases(url, trusting);
    const member = new Candidate('a', leases, leaseMs, { resource: 'by-hand' });
    const { mirror } = leaseKeys('by-hand', {});
    const token = await member.win();
    await client.del(record('by-hand'));
    expect(await member.renew(token, 2)).toMatchObject({ kind: 'renewed', restored: true });
    await client.del(mirror);
    expect(await member.renew(token, 3)).toMatchObject({ kind: 'denied' });
    expect(await client.get(mirror)).toBeNull();
    await leases.forceRelease('by-hand', member.options);
    expect(await member.renew(token, 4)).toMatchObject({ kind: 'denied' });
    expect(await client.hmget(record('by-hand'), 'holder', 'token')).toEqual(['', String(token)]);
  });

  test('notes a loss once, whoever of its members may ask which data set it is', async () => {
    await using told = redisLeases(url);
    await using untold = redisLeases(redis.urlFor({ user: 'untold', password: 'untold1' }));
    const members = [told, untold].map(
      (leases, at) => new Candidate(`m${at}`, leases, leaseMs, { resource: 'mixed' }),
    );
    const losses: unknown[] = [];
    for (let turn = 0; turn < 4; turn += 1)
      for (const member of members) {
        const reply = await member.acquire();
        losses.push(reply.kind === 'quarantined' && reply.lossId);
      }
    // Once by each that knows nothing of it yet, and then no more.
    expect(losses).not.toContain(false);
    expect(new Set(losses.slice(2)).size).toBe(1);
  });

  test('tells of a lease in one database only', async () => {
    const told: string[] = [];
    const listener = new Redis(url);
    listener.on('message', (channel: string) => told.push(channel));
    const two = leaseChannel(leaseKeys('svc', {}), 2);
    const zero = leaseChannel(leaseKeys('svc@2', {}), 0);
    expect(zero).not.toBe(two);
    await listener.subscribe(two, zero);
    await held('svc@2');
    await until('it is heard', () => told.length > 0);
    listener.disconnect();
    expect(told).toEqual([zero]);
  });
});

describe('keys that two leases could share', () => {
  test.each([
    ['{a}', { keyPrefix: '' }],
    ['a:lease', { keyPrefix: '{app}:' }],
    ['{a}:lease', { keyPrefix: '' }],
    ['one', { keys: { one: 'lock', two: 'lock' } }],
    ['one', { keys: { two: 'conclave:leader:one' } }],
  ])('%s with %o is refused', (resource, options) => {
    expect(() => leaseKeys(resource, options)).toThrow(/record of another lease|a key of its own/);
  });
});

describe('a store that waits for replicas', () => {
  const caveats = (waitReplicas: number, connected: number, more = '') =>
    storeCaveats({
      waitReplicas,
      freshStore: 'wait',
      facts: factsOf(
        `redis_version:7.2.0\nrun_id:a\nmaster_replid:b\nmaxmemory_policy:noeviction\nconnected_slaves:${connected}\n${more}`,
      ),
    });

  test('promises one leader across failovers only if it waits for all', () => {
    expect(caveats(2, 2)).toEqual([]);
    expect(caveats(1, 2)).toMatchObject([expect.stringMatching(/Only 1 of 2 .*waitReplicas: 2/)]);
    expect(caveats(0, 2)).toMatchObject([expect.stringMatching(/waitReplicas at 2, all replicas/)]);
    expect(caveats(0, 2, 'min_slaves_good_slaves:2')).toMatchObject([
      expect.stringMatching(/only if that is 2, all replicas/),
    ]);
  });
});
