import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisLeaseOptions, RedisLeaseStore } from '../../src/redis.ts';
import { Candidate, type LeaseStoreFixture } from './lease-store-fixture.ts';

/** What a suite of leases in Redis runs on: a server that others use too, each with keys of its own. */
export interface RedisUnderTest {
  /** Runs one command on the server, or the node that has the key. */
  readonly cli: (...command: readonly string[]) => Promise<string>;
  readonly open: (options: RedisLeaseOptions) => RedisLeaseStore;
}

export async function redisLeaseFixture(
  redis: RedisUnderTest,
  options: RedisLeaseOptions,
): Promise<LeaseStoreFixture> {
  // One slot for all of a test's keys, so that they can be lost together.
  const keyPrefix = `{${randomBytes(6).toString('hex')}}:`;
  const stores: RedisLeaseStore[] = [];
  const open = () => {
    const store = redis.open({ keyPrefix, ...options });
    stores.push(store);
    return store;
  };
  // Connected beforehand, so that no test measures how long that takes.
  const [store, ...unused] = [open(), open(), open()] as const;
  const { signal } = new AbortController();
  await Promise.all(stores.map((each) => each.read('warm-up', { signal })));
  return {
    store,
    anotherMember: () => unused.pop() ?? open(),
    advance: async (ms) => {
      await sleep(Math.ceil(ms));
    },
    nowMs: () => performance.now(),
    loseData: async () => {
      const lose = `local all = redis.call('KEYS', KEYS[1]) return #all == 0 or redis.call('DEL', unpack(all))`;
      await redis.cli('eval', lose, '1', `${keyPrefix}*`);
    },
    watching: () => caughtUp(stores),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stores.map((each) => each.close()));
    },
  };
}

/**
 * Resolves when each store hears what is told now. What was told before has then arrived, too: a cluster passes it from
 * node to node after it has answered, in order.
 */
async function caughtUp(stores: readonly RedisLeaseStore[]): Promise<void> {
  const resource = `probe-${randomBytes(6).toString('hex')}`;
  const silent = new Set(stores);
  const subscriptions = stores.map((store) => store.watch(resource).subscribe(() => silent.delete(store)));
  const prober = new Candidate(resource, stores[0] as RedisLeaseStore, 60_000, { resource });
  const token = await prober.win();
  for (let beat = 1; silent.size > 0; beat += 1) {
    await prober.renew(token, beat);
    await sleep(5);
  }
  for (const subscription of subscriptions) subscription.unsubscribe();
}
