/**
 * The long form of the faults of Redis: leases and outages as long as they are in life, and many faults in a row. Most
 * of it is waiting, so all of it waits at once.
 */
import { expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { startSentinel } from '../redis/redis-sentinel.ts';
import { LEASE_MS, type Member, Members, RECORD, startApart, tokenOf } from './redis-members.ts';

const LONG_LEASE_MS = 10_000;
const OUTAGE_MS = 45_000;
const BLACK_HOLES = 20;
/** How long faults follow each other. */
const STORM_MS = 120_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Small, and the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describeRedis.concurrent('with a lease of ten seconds', () => {
  test.for(Array.from({ length: BLACK_HOLES }, (_, n) => n + 1))(
    'black hole %d of 45 s makes no two leaders',
    async (n) => {
      await using redis = await startRedis();
      await using apart = await startApart(redis, { leaseMs: LONG_LEASE_MS });
      const { members } = apart;
      const leader = await members.settled();
      const token = tokenOf(leader);
      await pause(n * 250);
      const since = performance.now();
      apart.linkOf(leader).drop();
      const { at } = await members.told(leader, 'lostLeadership', { since });
      expect(at - since).toBeLessThan(LONG_LEASE_MS);
      const next = await members.successorOf(token);
      expect(performance.now() - since).toBeLessThan(LONG_LEASE_MS + 2000);
      await pause(OUTAGE_MS - (performance.now() - since));
      // The successor has led all that time, and the one behind the black hole has not.
      expect(members.leader).toBe(next);
      expect(leader.told.filter(({ event }) => event.type === 'becameLeader')).toHaveLength(1);
      apart.linkOf(leader).heal();
      await members.settled();
      expect(await members.verdict()).toHaveLength(1);
    },
  );

  test('45 s without Redis have no leader after the first ten, and one when it is back', async () => {
    await using redis = await startRedis({ durable: true });
    await using members = await Members.start({ urls: redis.url, leaseMs: LONG_LEASE_MS });
    const token = tokenOf(await members.settled());
    const since = performance.now();
    await redis.kill('SIGKILL');
    await members.until('nobody leads', () => members.leader === null);
    expect(performance.now() - since).toBeLessThan(LONG_LEASE_MS);
    await pause(OUTAGE_MS - (performance.now() - since));
    expect(members.leader).toBeNull();
    await redis.restart();
    await members.successorOf(token);
    await members.verdict();
  });
});

interface Storm {
  readonly redis: RedisServer;
  readonly members: Members;
  readonly linkOf: Awaited<ReturnType<typeof startApart>>['linkOf'];
  readonly chance: () => number;
}

/** Faults that end by themselves; each lasts up to two leases. */
const faults: Readonly<Record<string, (storm: Storm) => Promise<unknown>>> = {
  'black hole': ({ members, linkOf, chance }) => lasting(linkOf(anyOf(members, chance)), chance, 'both'),
  'lost replies': ({ members, linkOf, chance }) =>
    lasting(linkOf(anyOf(members, chance)), chance, 'toClient'),
  'lost requests': ({ members, linkOf, chance }) =>
    lasting(linkOf(anyOf(members, chance)), chance, 'toServer'),
  cut: async ({ members, linkOf, chance }) => linkOf(anyOf(members, chance)).cut(),
  'slow link': async ({ members, linkOf, chance }) => {
    const link = linkOf(anyOf(members, chance));
    link.delay(chance() * 400);
    await pause(chance() * 2 * LEASE_MS);
    link.heal();
  },
  'frozen Redis': async ({ redis, chance }) => {
    await redis.freeze();
    await pause(chance() * 2 * LEASE_MS);
    await redis.thaw();
  },
  'Redis restarted': ({ redis }) => redis.restart(),
  'Redis restarted empty': ({ redis }) => redis.restart({ empty: true }),
  FLUSHALL: ({ redis }) => redis.cli('flushall'),
  'record deleted': ({ redis }) => redis.cli('del', RECORD),
  'scripts forgotten': ({ redis }) => redis.cli('script', 'flush'),
  'subscribers dropped': ({ redis }) => redis.cli('client', 'kill', 'type', 'pubsub'),
  'all clients dropped': ({ redis }) => redis.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes'),
  'memory full': async ({ redis, chance }) => {
    await redis.cli('config', 'set', 'maxmemory', '1');
    await pause(chance() * 2 * LEASE_MS);
    await redis.cli('config', 'set', 'maxmemory', '0');
  },
  'leader resigns': async ({ members }) => members.leader?.election.resign(),
};

const anyOf = ({ leader, all }: Members, chance: () => number): Member =>
  // The leader more often than chance would have it: there is more to break.
  chance() < 0.6 && leader !== null ? leader : (all[Math.floor(chance() * all.length)] as Member);

async function lasting(
  link: ReturnType<Storm['linkOf']>,
  chance: () => number,
  direction: Parameters<typeof link.drop>[0],
): Promise<void> {
  link.drop(direction);
  await pause(chance() * 2 * LEASE_MS);
  link.heal();
}

describeRedis.concurrent('through faults of all kinds, one after another,', () => {
  test.for([1, 2, 3, 4, 5, 6])('no two members lead, and in the end one does (seed %d)', async (seed) => {
    const chance = chanceOf(seed);
    await using redis = await startRedis({ durable: true });
    await using apart = await startApart(redis);
    const { members, linkOf } = apart;
    const until = performance.now() + STORM_MS;
    const inflicted: string[] = [];
    while (performance.now() < until) {
      const names = Object.keys(faults);
      const name = names[Math.floor(chance() * names.length)] as string;
      const inflict = faults[name] as (storm: Storm) => Promise<unknown>;
      inflicted.push(name);
      await inflict({ redis, members, linkOf, chance });
      await pause(chance() * LEASE_MS);
    }
    await members.settled();
    await members.verdict();
    expect(new Set(inflicted).size).toBeGreaterThan(5);
  });

  test('failovers by Sentinel, planned and not, make no two leaders', async () => {
    await using group = await startSentinel();
    await using members = await Members.start({ urls: group.url, leases: { waitReplicas: 1 } });
    for (let round = 1; round <= 10; round += 1) {
      const before = await group.primary();
      if (round % 2 === 0) {
        await group.failover();
      } else {
        await before.freeze();
        await group.anotherThan(before);
        await before.thaw();
      }
      await members.leadsSince(performance.now());
    }
    await members.verdict();
  });
});
