/** One store, its two connections, its nodes: what it hears again after a loss, where it asks, and how often. */
import { Redis } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis5';
import { filter, firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import type { LeaseSignal } from '../../src/lease/lease-store.ts';
import { LeaseWatches } from '../../src/lease/redis-lease-watch.ts';
import { hashSlot } from '../../src/redis/hash-slot.ts';
import { factsOf, isBelow, OLDEST_VERSION } from '../../src/redis/link-facts.ts';
import {
  DENIED_RETRY_MS,
  PONG_MAX_MS,
  QUIET_MAX_MS,
  type RedisSubscription,
} from '../../src/redis/link-subscription.ts';
import { redisLeases, type RedisLeaseNotice, type RedisLeaseStore } from '../../src/redis.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { describeRedis } from '../redis/presence.ts';
import { startProxy } from '../redis/proxy.ts';
import { startCluster } from '../redis/redis-cluster.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { Candidate } from './lease-store-fixture.ts';

const leaseMs = 30_000;
const trusting = { freshStore: 'trust' } as const;

const heard = (store: RedisLeaseStore, resource = 'billing'): LeaseSignal[] => {
  const signals: LeaseSignal[] = [];
  store.watch(resource).subscribe((signal) => signals.push(signal));
  return signals;
};
const subscribed = (store: RedisLeaseStore) =>
  firstValueFrom(store.connection$.pipe(filter(({ subscriber }) => subscriber === 'ready')));

describeRedis('the subscriber of a store', () => {
  test('is one for all resources, and is not opened before anybody watches', async () => {
    await using redis = await startRedis();
    await using leases = redisLeases(redis.url, trusting);
    await leases.read('billing', { signal: new AbortController().signal });
    expect(await redis.cli('client', 'list', 'type', 'pubsub')).toBe('');
    for (let n = 0; n < 50; n += 1) heard(leases, `r${n}`);
    await subscribed(leases);
    const list = await redis.cli('client', 'list', 'type', 'pubsub');
    expect(list.split('\n')).toHaveLength(1);
    expect(list).toContain(' sub=50 ');
  });

  test('that was lost is replaced, and what was missed is asked for', async () => {
    await using redis = await startRedis();
    const notices: RedisLeaseNotice[] = [];
    await using leases = redisLeases(redis.url, { ...trusting, onNotice: (notice) => notices.push(notice) });
    await using others = redisLeases(redis.url, trusting);
    const member = new Candidate('a', others, leaseMs);
    const signals = heard(leases);
    await subscribed(leases);
    const token = await member.win();
    await until('it is heard', () => signals.length === 1);
    await redis.cli('client', 'kill', 'type', 'pubsub');
    await member.release(token);
    await until('the gap is told', () => signals.some(({ kind }) => kind === 'gap'));
    await member.win();
    await until('it is heard again', () => signals.at(-1)?.kind === 'acquired');
    expect(notices.map(({ kind }) => kind)).toEqual(['watch-lost', 'watch-restored']);
  });

  test('hears the other channels if one is denied, which is told once and tried again later', async () => {
    const may = '~* resetchannels &conclave:leader:good &__sentinel__:hello +@all';
    await using redis = await startRedis({ acl: [`user app on >secret ${may}`] });
    const notices: RedisLeaseNotice[] = [];
    const clock = new VirtualClock();
    const url = redis.urlFor({ user: 'app', password: 'secret' });
    const onNotice = (notice: RedisLeaseNotice) => notices.push(notice);
    await using leases = redisLeases(url, { ...trusting, clock, onNotice });
    const denials = () =>
      notices.filter(
        ({ kind, message }) => kind === 'watch-lost' && /channel conclave:leader:bad /.test(message),
      );
    const bad = heard(leases, 'bad');
    await until('it is told', () => denials().length === 1);
    const good = heard(leases, 'good');
    await subscribed(leases);
    const connection = async () => (await redis.cli('client', 'list', 'type', 'pubsub')).split(' ')[0];
    const before = await connection();
    for (let seconds = 0; seconds < 5; seconds += 1) clock.advance(1000);
    await redis.cli('publish', 'conclave:leader:good', 'released 5');
    await until('the good one is heard', () => good.length > 0);
    expect(await connection()).toBe(before);
    expect(denials()).toHaveLength(1);
    await redis.cli('acl', 'setuser', 'app', '&conclave:leader:bad');
    await until('what was missed is asked for', () => {
      clock.advance(DENIED_RETRY_MS / 60);
      return bad.some(({ kind }) => kind === 'gap');
    });
  });

  test('that hears nothing is asked whether it is there, and replaced if nobody answers', async () => {
    await using redis = await startRedis();
    await using proxy = await startProxy(redis);
    const clock = new VirtualClock();
    await using leases = redisLeases(proxy.url, { ...trusting, clock });
    const signals = heard(leases);
    await subscribed(leases);
    clock.advance(QUIET_MAX_MS);
    await until('it was asked and answered', async () =>
      /cmd=ping/.test(await redis.cli('client', 'list', 'type', 'pubsub')),
    );
    proxy.drop();
    clock.advance(QUIET_MAX_MS);
    clock.advance(PONG_MAX_MS);
    await firstValueFrom(leases.connection$.pipe(filter(({ subscriber }) => subscriber === 'lost')));
    proxy.heal();
    await until('the gap is told', () => {
      clock.advance(1000);
      return signals.some(({ kind }) => kind === 'gap');
    });
  });
});

test.each([
  ['that is heard only after an answer has it asked for again', ['send', 'answer', 'hear'], ['gap']],
  ['that is heard before any answer missed nothing', ['hear', 'send', 'answer'], []],
  [
    'that is heard only after the request was sent has it asked for again',
    ['send', 'hear', 'answer'],
    ['gap'],
  ],
  [
    'that was lost and is heard again has it asked for after the answer too',
    ['hear', 'send', 'hear', 'answer'],
    ['gap'],
  ],
])('a channel %s', (_, steps, told) => {
  const clock = new VirtualClock();
  const watches = new LeaseWatches(clock);
  let hears = false;
  watches.from({ hears: () => hears, add: () => {}, remove: () => {} } as unknown as RedisSubscription);
  const kinds: string[] = [];
  watches.watch('billing', 'channel').subscribe(({ kind }) => kinds.push(kind));
  let hearing = 0;
  for (const step of steps) {
    if (step === 'send') hearing = watches.hearing('channel');
    if (step === 'answer') watches.answered('channel', hearing);
    if (step !== 'hear') continue;
    hears = true;
    watches.heard('channel', false);
  }
  clock.advance(0);
  expect(kinds).toEqual(told);
});

describeRedis('a given client', () => {
  test('is used, told what is unsafe about it, and never closed', async () => {
    await using redis = await startRedis();
    const client = new Redis(redis.url);
    const leases = redisLeases(client, trusting);
    const token = await new Candidate('a', leases, leaseMs).win();
    const caveats = leases.describe().caveats.join('\n');
    for (const option of ['autoResendUnfulfilledCommands', 'commandTimeout', 'maxRetriesPerRequest'])
      expect(caveats).toContain(option);
    await leases.close();
    expect(await client.get('conclave:leader:billing')).toBe('a');
    expect(token).toBeGreaterThan(0n);
    for (const event of ['ready', 'close', 'end', 'error'])
      expect(client.listenerCount(event), event).toBe(0);
    client.disconnect();
  });

  test('that puts a prefix before keys is refused', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'app:' });
    expect(() => redisLeases(client)).toThrow(/keyPrefix.*duplicate/s);
  });
});

describeRedis('by hand', () => {
  test('a lease can be inspected and released; its holder is denied at its next renewal', async () => {
    await using redis = await startRedis();
    await using leases = redisLeases(redis.url, trusting);
    const { signal } = new AbortController();
    const member = new Candidate('a', leases, leaseMs);
    const token = await member.win();
    const inspected = await leases.inspect('billing', { signal });
    expect(inspected).toMatchObject({
      mirror: { value: 'a' },
      record: { holder: 'a', token },
      trouble: null,
    });
    expect(inspected.mirror?.remainingMs).toBeGreaterThan(leaseMs / 2);
    const signals = heard(leases);
    await subscribed(leases);
    expect(await leases.forceRelease('billing', { signal })).toEqual({ released: true, holder: 'a', token });
    await until('the others are told', () => signals.some(({ kind }) => kind === 'released'));
    expect(await redis.cli('exists', 'conclave:leader:billing')).toBe('0');
    expect(await member.renew(token, 1)).toEqual({ kind: 'denied', holder: null, token });
    expect(await leases.forceRelease('billing', { signal })).toMatchObject({ released: false });
    expect(await member.win()).toBeGreaterThan(token);
  });

  test.each([
    ['deleted', ['del', 'conclave:leader:billing'], ''],
    ['overwritten', ['set', 'conclave:leader:billing', 'me'], 'me'],
  ])('a key that is %s has its leader step down, and no more', async (_, command, left) => {
    await using redis = await startRedis();
    const notices: RedisLeaseNotice[] = [];
    await using leases = redisLeases(redis.url, { ...trusting, onNotice: (notice) => notices.push(notice) });
    const member = new Candidate('a', leases, leaseMs);
    const token = await member.win();
    expect(await member.renew(token, 1)).toMatchObject({ kind: 'renewed' });
    await redis.cli(...command);
    expect(await member.renew(token, 2)).toEqual({ kind: 'denied', holder: null, token });
    // Its lease is given away by the leader, who must have heard of it before anybody else can lead.
    expect(await member.read()).toMatchObject({ holder: 'a', token });
    expect(notices).toMatchObject([{ kind: 'deposed' }]);
    // What somebody put there stays there.
    expect(await redis.cli('get', 'conclave:leader:billing')).toBe(left);
  });
});

describeRedis('replicas to wait for', () => {
  test('a grant or a renewal that too few of them have does not count, and is not announced', async () => {
    await using primary = await startRedis();
    await using replica = await startRedis({ replicaOf: primary });
    await until('the replica follows', async () => (await replica.info('master_link_status')) === 'up');
    await using leases = redisLeases(primary.url, { ...trusting, waitReplicas: 1 });
    const member = new Candidate('a', leases, 6000);
    const first = await until('the replica confirms', () => member.win());
    await until('it confirms a renewal', () =>
      member.renew(first, 1_000).then(({ kind }) => kind === 'renewed'),
    );
    await replica.freeze();
    const signals = heard(leases);
    await subscribed(leases);
    await expect(member.renew(first, 1_001)).rejects.toMatchObject({
      code: 'STORE_NOT_REPLICATED',
      outcomeUnknown: true,
    });
    await expect(member.acquire()).rejects.toMatchObject({
      code: 'STORE_NOT_REPLICATED',
      outcomeUnknown: true,
    });
    // It is kept all the same: nobody else is granted it meanwhile.
    expect((await leases.inspect('billing', member.options)).record?.token).toBeGreaterThan(first);
    await replica.thaw();
    await until('the replica follows again', async () => (await primary.info('connected_slaves')) === '1');
    await until('the grant counts', () => member.acquire().then(({ kind }) => kind === 'won'));
    expect(signals.filter(({ kind }) => kind === 'acquired')).toEqual([]);
  });
});

describeRedis('a server that does not tell which data set it holds', () => {
  test('is doubted after each new connection: everybody waits, and the leader goes on', async () => {
    const may = '~conclave:leader:* ~{conclave:leader:* &conclave:leader:* +@all -info';
    await using redis = await startRedis({ acl: [`user app on >secret ${may}`] });
    const url = redis.urlFor({ user: 'app', password: 'secret' });
    await using leases = redisLeases(url, trusting);
    const leader = new Candidate('a', leases, leaseMs);
    const token = await leader.win();
    expect((await leases.inspect('billing', leader.options)).incarnation).toBe('?');
    await leader.release(token);
    // What it was told over this connection is not doubted.
    const later = await leader.win();
    await leader.release(later);
    await using others = redisLeases(url, trusting);
    const other = new Candidate('b', others, leaseMs);
    expect(await other.acquire()).toMatchObject({ kind: 'quarantined', fresh: false });
    expect(await leader.acquire()).toMatchObject({ kind: 'quarantined' });
  });
});

describeRedis('a server before version 7', () => {
  test('gets the scripts without what it cannot read', async () => {
    await using redis = await startRedis();
    const client = new Redis(redis.url);
    const texts: string[] = [];
    const pipeline = client.pipeline.bind(client);
    const refusal = `ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'`;
    // It takes the first line for Lua, and says so in these words.
    client.pipeline = (commands) =>
      pipeline(
        commands?.map((command) => {
          if (command[0] !== 'eval') return command;
          texts.push(String(command[1]));
          const isRead = String(command[1]).startsWith('#!');
          return isRead ? ['eval', `return redis.error_reply(ARGV[1])`, 0, refusal] : command;
        }),
      );
    await using leases = redisLeases(client, trusting);
    const member = new Candidate('a', leases, leaseMs);
    const token = await member.win();
    expect(await member.renew(token, 1)).toMatchObject({ kind: 'renewed' });
    expect(texts.filter((text) => text.startsWith('#!'))).toHaveLength(1);
    client.disconnect();
  });

  test('and before 6.2 is refused', () => {
    const { version } = factsOf('redis_version:5.0.14\r\nrole:master\r\n');
    expect(isBelow(version ?? [], OLDEST_VERSION)).toBe(true);
    for (const fine of [[6, 2], [6, 2, 0], [7, 0, 15], [8]])
      expect(isBelow(fine, OLDEST_VERSION)).toBe(false);
  });
});

describeRedis('a cluster', () => {
  test('whose slots move, and whose primary fails, goes on being asked in the right place', async () => {
    await using cluster = await startCluster(6);
    for (const key of ['123456789', 'a{b}c', 'a{}b{c}', '{a', 'ключ'])
      expect(hashSlot(key), key).toBe(Number(await cluster.first.cli('cluster', 'keyslot', key)));
    const url = `redis+cluster://127.0.0.1:${cluster.first.port}`;
    await using leases = redisLeases(url, trusting);
    const member = new Candidate('a', leases, leaseMs);
    const signals = heard(leases);
    await subscribed(leases);
    const token = await member.win();
    await cluster.moveSlot('{conclave:leader:billing}');
    expect(await member.renew(token, 2)).toMatchObject({ kind: 'renewed' });
    await cluster.failover('{conclave:leader:billing}');
    let beat = 3;
    await until('the new primary is asked', () => {
      beat += 1;
      return member.renew(token, beat).then(
        ({ kind }) => kind === 'renewed',
        () => false,
      );
    });
    await until('it is heard from there', () => signals.some((each) => 'beat' in each && each.beat === beat));
    await using waiting = redisLeases(url, { ...trusting, waitReplicas: 1 });
    const replicated = new Candidate('a', waiting, leaseMs, { resource: 'replicated' });
    await until('a replica of its own owner has it', () =>
      replicated.acquire().then(({ kind }) => kind === 'won'),
    );
    const application = new Cluster5([{ host: '127.0.0.1', port: cluster.first.port }]);
    await using given = redisLeases(application, trusting);
    const hearing = heard(given, 'given');
    await subscribed(given);
    await new Candidate('a', given, leaseMs, { resource: 'given' }).win();
    await until('it is heard', () => hearing.length > 0);
    application.disconnect();
    // Resources in all slots, at once.
    const many = Array.from(
      { length: 60 },
      (_, n) => new Candidate('a', leases, leaseMs, { resource: `r${n}` }),
    );
    const tokens = await Promise.all(many.map((each) => each.win()));
    const renewed = await Promise.all(many.map((each, n) => each.renew(tokens[n] as bigint, 1000)));
    expect(renewed.filter(({ kind }) => kind === 'renewed')).toHaveLength(60);
  });
});
