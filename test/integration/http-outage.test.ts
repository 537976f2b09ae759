/**
 * Redis goes away under three members that are served over HTTP, and comes back. That it shows within a lease is held by
 * `test/contracts/http-health.test.ts`, on a clock that no busy machine disturbs.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLeaderElection, type LeaderElection } from '../../src/index.ts';
import { redisLeases } from '../../src/redis.ts';
import { type ConclaveServer, serveConclave } from '../../src/server.ts';
import { startRedis, type RedisServer } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';

const LEASE_MS = 3000;

interface Served {
  readonly election: LeaderElection;
  readonly server: ConclaveServer;
}

let redis: RedisServer;
let members: readonly Served[] = [];

beforeAll(async () => {
  redis = await startRedis();
  members = await Promise.all(
    ['web-1', 'web-2', 'web-3'].map(async (candidateId): Promise<Served> => {
      const leases = redisLeases(redis.url);
      const election = createLeaderElection({
        resource: 'billing',
        candidateId,
        leases,
        leaseDurationMs: LEASE_MS,
      });
      await election.start();
      return { election, server: await serveConclave({ election, port: 0 }) };
    }),
  );
});

afterAll(async () => {
  await Promise.all(members.map(({ server }) => server.close()));
  await Promise.all(members.map(({ election }) => election.stop()));
  await redis[Symbol.asyncDispose]();
});

interface Health {
  readonly http: number;
  readonly status: string;
  readonly exception?: string;
  readonly data: { readonly is_leader: boolean };
}

const asked = (path: string): Promise<Response[]> =>
  Promise.all(members.map(({ server }) => fetch(server.url + path)));

async function health(): Promise<Health[]> {
  return Promise.all(
    (await asked('/health')).map(async (response) => {
      const { results } = (await response.json()) as { results: { leader_election: Omit<Health, 'http'> } };
      return { http: response.status, ...results.leader_election };
    }),
  );
}

const statuses = async (path: string) => (await asked(path)).map(({ status }) => status);

const all = (status: number) => members.map(() => status);

/** One Healthy leader, two Degraded followers, all 200. */
async function isWell(): Promise<boolean> {
  const told = await health();
  const leaders = told.filter(({ status, data }) => status === 'Healthy' && data.is_leader);
  const followers = told.filter(({ status, data }) => status === 'Degraded' && !data.is_leader);
  return leaders.length === 1 && followers.length === 2 && told.every(({ http }) => http === 200);
}

describe('three members on one Redis', () => {
  test('one is Healthy and leads, two are Degraded, all answer 200', async () => {
    await until('one leads and two follow', isWell);
    // Each is asked anew: on a machine that stood still meanwhile the lease may have run out.
    await until('one says that it leads', async () => {
      return (await statuses('/leader/me')).toSorted((a, b) => a - b).join(' ') === '200 409 409';
    });
    expect(await statuses('/health/ready')).toEqual(all(200));
  });

  test('without Redis all are Unhealthy once a lease is over, and alive and ready all the same', async () => {
    await redis.kill();
    await until('all are Unhealthy', async () => {
      expect(await statuses('/health/live')).toEqual(all(200));
      expect(await statuses('/health/ready')).toEqual(all(200));
      return (await health()).every(({ http }) => http === 503);
    });
    for (const { status, exception, data } of await health()) {
      expect(status).toBe('Unhealthy');
      expect(exception).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT): /);
      expect(data.is_leader).toBe(false);
    }
    expect(await statuses('/leader')).toEqual(all(404));
  });

  test('when it is back all is as it was', async () => {
    await redis.restart();
    await until('one leads and two follow again', isWell);
  });
});
