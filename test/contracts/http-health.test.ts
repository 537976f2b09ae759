/** Health, readiness and liveness, as `src/observability/health.ts` says, on a virtual clock. */
import { describe, expect, test } from 'vitest';
import type { LeaderElection } from '../../src/index.ts';
import { conclaveApp, type ConclaveAppOptions, Lifecycle } from '../../src/server.ts';
import { elapse } from '../machines/elapse.ts';
import { LEASE, useMembers } from '../machines/election-members.ts';
import { type Answer, ask, FailingLeases } from './http-member.ts';

const members = useMembers();

/** Asks while time goes on: an answer may wait for the store. */
async function told(app: ReturnType<typeof conclaveApp>, path: string): Promise<Answer> {
  const answer = ask(app, path);
  await elapse(members.clock, 1100);
  return answer;
}

const appOf = (election: LeaderElection, options: ConclaveAppOptions = {}) =>
  conclaveApp({ election, clock: members.clock, ...options });

const electionIn = ({ body }: Answer) => (body['results'] as Record<string, unknown>)['leader_election'];

describe('health', () => {
  test('a leader is Healthy, a follower Degraded, both with 200', async () => {
    const [leader, follower] = [await members.started('a'), await members.started('b')];
    const [ours, theirs] = [await told(appOf(leader), '/health'), await told(appOf(follower), '/health')];
    const data = { resource: 'r', leader: leader.candidateId, term: 1, token: '1' };
    expect(ours).toMatchObject({ status: 200, body: { status: 'Healthy' } });
    expect(electionIn(ours)).toMatchObject({ status: 'Healthy', data: { ...data, is_leader: true } });
    expect(theirs).toMatchObject({ status: 200, body: { status: 'Degraded' } });
    expect(electionIn(theirs)).toMatchObject({ status: 'Degraded', data: { ...data, is_leader: false } });
  });

  test('a follower is Healthy if that is set', async () => {
    await members.started('a');
    const follower = await members.started('b');
    const answer = await told(appOf(follower, { followerStatus: 'healthy' }), '/health');
    expect(answer).toMatchObject({ status: 200, body: { status: 'Healthy' } });
  });

  test.for<['refuses' | 'hangs', number]>([
    ['refuses', 1200],
    ['hangs', 5000],
    ['hangs', 14_000],
  ])(
    'where the store %s all are Unhealthy within a lease, and alive and ready all the same, asked every %d ms',
    async ([how, everyMs]) => {
      const leases = new FailingLeases(members.leases);
      const all = [await members.started('a', { leases }), await members.started('b', { leases })];
      const apps = all.map((each) => appOf(each));
      await elapse(members.clock, 3 * LEASE);
      await Promise.all(apps.map((app) => told(app, '/health')));
      // The worst moment: every member has just heard of a renewal.
      const renewed = new Set<string>();
      all[0]?.on('renewed', ({ type }) => renewed.add(type));
      while (renewed.size === 0) await elapse(members.clock, 1);
      leases.isDown = how;
      const goneAt = members.clock.nowMs;
      const until = goneAt + LEASE;
      while (members.clock.nowMs + everyMs <= until) {
        await elapse(members.clock, everyMs - 1100);
        await Promise.all(apps.map((app) => told(app, '/health')));
      }
      await elapse(members.clock, until - members.clock.nowMs);
      // Asked at that moment, all at once.
      const answers = apps.map((app) => ask(app, '/health'));
      await elapse(members.clock, 1100);
      for (const answer of await Promise.all(answers)) {
        expect(answer).toMatchObject({ status: 503, body: { status: 'Unhealthy' } });
        expect(electionIn(answer)).toMatchObject({
          status: 'Unhealthy',
          data: { is_leader: false },
        });
        expect((electionIn(answer) as { exception: string }).exception).toMatch(/^STORE_/);
      }
      for (const app of apps)
        for (const path of ['/health/live', '/health/ready'])
          expect(await told(app, path)).toMatchObject({ status: 200 });
      leases.isDown = false;
      await elapse(members.clock, 2 * LEASE);
      for (const app of apps) expect((await told(app, '/health')).status).toBe(200);
    },
  );

  test('a leader whose renewal fails is Degraded as long as its lease stands, and says why', async () => {
    const leases = new FailingLeases(members.leases);
    const app = appOf(await members.started('a', { leases }));
    leases.isDown = 'refuses';
    await elapse(members.clock, 7000);
    expect(electionIn(await told(app, '/health'))).toMatchObject({
      status: 'Degraded',
      exception: 'STORE_UNAVAILABLE: The store is gone.',
      data: { is_leader: true },
    });
  });

  test('many who ask at once cost the store one question', async () => {
    const leases = new FailingLeases(members.leases);
    await members.started('a', { leases });
    const app = appOf(await members.started('b', { leases }));
    leases.reads = 0;
    await Promise.all(Array.from({ length: 50 }, () => told(app, '/health')));
    expect(leases.reads).toBe(1);
    const leaders = await Promise.all(Array.from({ length: 50 }, () => told(app, '/leader')));
    expect(leases.reads).toBe(2);
    for (const { body } of leaders) expect(body).toMatchObject({ is_me: false, term: 1, token: '1' });
  });

  test('a member that never joined, or has left, is Unhealthy and not ready, but alive', async () => {
    const election = members.member('a');
    const app = appOf(election);
    for (const act of [async () => {}, () => election.stop()]) {
      await act();
      expect(await told(app, '/health')).toMatchObject({ status: 503 });
      expect(await told(app, '/readyz')).toMatchObject({ status: 503, body: { status: 'NotReady' } });
      expect(await told(app, '/livez')).toMatchObject({ status: 200 });
    }
  });
});

describe('readiness', () => {
  test('does not depend on who leads', async () => {
    const apps = [await members.started('a'), await members.started('b')].map((each) => appOf(each));
    for (const app of apps)
      for (const path of ['/health/ready', '/readyz'])
        expect(await told(app, path)).toMatchObject({ status: 200, body: { status: 'Ready', reasons: [] } });
  });

  test('ends when the member is going away', async () => {
    const lifecycle = new Lifecycle();
    const app = appOf(await members.started('a'), { lifecycle });
    expect((await told(app, '/health/ready')).status).toBe(200);
    lifecycle.drain();
    expect(await told(app, '/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'NotReady', reasons: ['It is going away.'] },
    });
    expect((await told(app, '/health/live')).status).toBe(200);
  });
});

describe('liveness', () => {
  test('a member that lives through hours of leading, following and pausing is alive all the time', async () => {
    const all = [await members.started('a'), await members.started('b')];
    const apps = all.map((each) => appOf(each));
    for (let round = 0; round < 12; round += 1) {
      if (round === 6) all[1]?.pause();
      await elapse(members.clock, 10 * 60_000);
      for (const app of apps) expect((await told(app, '/livez')).status).toBe(200);
    }
  });

  test('a chart that does not move any more is dead', async () => {
    await members.started('a');
    const app = appOf(frozen(await members.started('b')));
    await elapse(members.clock, 2 * LEASE);
    expect((await told(app, '/health/live')).status).toBe(200);
    await elapse(members.clock, 3 * LEASE);
    expect(await told(app, '/health/live')).toMatchObject({ status: 503, body: { status: 'Dead' } });
  });

  test('a leader that outlives its lease without stepping down is dead', async () => {
    const election = await members.started('a');
    const app = appOf(frozen(election));
    await elapse(members.clock, LEASE + 4000);
    expect(await told(app, '/livez')).toMatchObject({ status: 503 });
  });

  test('a chart that failed is dead', async () => {
    const election = await members.started('a');
    const app = appOf(frozen(election, { status: 'error', error: new Error('a fault') }));
    expect(await told(app, '/livez')).toMatchObject({ status: 503 });
    const health = await told(app, '/health');
    expect(electionIn(health)).toMatchObject({ status: 'Unhealthy', exception: 'a fault' });
  });
});

/** An election whose chart stands still from now on. */
function frozen(election: LeaderElection, change: object = {}): LeaderElection {
  const present = election.actor.getSnapshot();
  const matches = present.matches.bind(present);
  const snapshot = { ...present, matches, ...change };
  const subscription = { unsubscribe: () => {} };
  const actor = { getSnapshot: () => snapshot, subscribe: () => subscription };
  return new Proxy(election, {
    get: (target, name) => {
      if (name === 'actor') return actor;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
