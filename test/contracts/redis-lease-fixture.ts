import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import type { RedisLeaseOptions, RedisLeaseStore } from '../../src/redis.ts';
import type { LeaseStoreFixture } from './lease-store-fixture.ts';

/** What a suite of leases in Redis runs on: a server that others use too, each with keys of its own. */
export interface RedisUnderTest {
  /** Runs one command on the server, or the node that has the key. */
  readonly cli: (...command: readonly string[]) => Promise<string>;
  readonly open: (options: RedisLeaseOptions) => RedisLeaseStore;
}

export function redisLeaseFixture(redis: RedisUnderTest, options: RedisLeaseOptions): LeaseStoreFixture {
  // One slot for all of a test's keys, so that they can be lost together.
  const keyPrefix = `{${randomBytes(6).toString('hex')}}:`;
  const stores: RedisLeaseStore[] = [];
  const open = () => {
    const store = redis.open({ keyPrefix, ...options });
    stores.push(store);
    return store;
  };
  return {
    store: open(),
    anotherMember: open,
    advance: async (ms) => {
      await sleep(Math.ceil(ms));
    },
    nowMs: () => performance.now(),
    loseData: async () => {
      const lose = `local all = redis.call('KEYS', KEYS[1]) return #all == 0 or redis.call('DEL', unpack(all))`;
      await redis.cli('eval', lose, '1', `${keyPrefix}*`);
    },
    watching: async () => {
      for (const { connection$ } of stores) await firstValueFrom(connection$.pipe(filter(isWatching)));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stores.map((each) => each.close()));
    },
  };
}

function isWatching({ subscriber }: { readonly subscriber: string }): boolean {
  return subscriber === 'ready' || subscriber === 'idle';
}
