/** Members that share one configuration through a store, on a virtual clock. */
import { describe, expect, test } from 'vitest';
import { createConfigReload } from '../../src/config.ts';
import { configurationHealth } from '../../src/observability/health-configuration.ts';
import { NONE, ROUND_MS, useCluster } from './config-handle-cluster-members.ts';
import { heard, MemorySource, schema, shaOf, typesOf } from './config-handle-members.ts';

describe('members that share a configuration', () => {
  const cluster = useCluster();
  const { member, started, edit, leader, follower, inForce, headNow } = cluster;

  test('all begin with the file of the leader, as the first generation', async () => {
    await started(3, { port: 1 });
    expect(inForce()).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    const [first] = await leader().history();
    expect(first).toMatchObject({ generation: 1, who: leader().memberId, why: 'the first configuration' });
  });

  test('say once that they wait for a first file, which is not there, and begin with it when it comes', async () => {
    const only = member({});
    const source = cluster.sources.get(only) as MemorySource;
    source.text = null;
    const events = heard(only);
    void only.start().catch(() => {});
    await cluster.pass(6 * ROUND_MS);
    expect(typesOf(events).filter((type) => type === 'notProposed')).toHaveLength(1);
    expect(configurationHealth(only.status())).toMatchObject({
      status: 'Unhealthy',
      exception: 'CONFIG_MISSING: app.json: There is no file.',
    });
    edit(only, { port: 1 });
    await cluster.pass(2 * ROUND_MS);
    expect(inForce()).toEqual([[1, 1]]);
    expect(only.status().shared?.notProposed).toBeNull();
  });

  test('follow a changed file of the leader within a moment, by hints', async () => {
    await started(3, { port: 1 });
    edit(leader(), { port: 2 });
    // The sweep of the source, the quiet time, and no poll.
    await cluster.pass(3500);
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  test('are not told of a file that is still being written, whatever makes the leader look meanwhile', async () => {
    await started(2, { port: 1 }, { timings: { quietMs: 6000, maxWaitMs: 60_000 } });
    edit(leader(), { port: 2 });
    for (let lap = 0; lap < 10; lap += 1) {
      await cluster.pass(2500);
      edit(leader(), { port: lap % 2 === 0 ? 3 : 4 });
      // A hint by hand.
      void follower().reload();
    }
    expect(await headNow()).toMatchObject({ generation: 1 });
    await cluster.pass(2 * ROUND_MS);
    expect(inForce().map(([, port]) => port)).toEqual([4, 4]);
    expect(await headNow()).toMatchObject({ generation: 2 });
  });

  test('do not mind the file of a follower', async () => {
    await started(3, { port: 1 });
    edit(follower(), { port: 7 });
    await cluster.pass(3 * ROUND_MS);
    expect(inForce()).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  test('do not follow what the leader itself finds invalid', async () => {
    await started(2, { port: 1 });
    cluster.sources.get(leader())?.write('{"port": "x"}');
    await cluster.pass(ROUND_MS);
    expect(await headNow()).toMatchObject({ generation: 1 });
    expect(inForce()).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  test('report what they reject, with the reason, and keep what they have', async () => {
    await started(2, { port: 1 });
    const odd = member(
      { port: 1 },
      {
        handlers: [
          {
            name: 'db',
            prepare: ({ port }) => {
              if (port === 2) throw new Error('not here');
              return { commit() {} };
            },
          },
        ],
      },
    );
    void odd.start();
    await cluster.pass(ROUND_MS);
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    expect(odd.current.port).toBe(1);
    const reports = await leader().members();
    expect(reports).toHaveLength(3);
    const report = reports.find((each) => each.member === odd.memberId);
    expect(report).toMatchObject({ state: 'rejected', generation: 2, applied: { generation: 1 } });
    expect(report?.diagnostics[0]?.message).toContain('not here');
    expect(reports.filter(({ state }) => state === 'applied')).toHaveLength(2);
  });

  test('show who has another environment, without showing what it is', async () => {
    const text = 'port = 1\npassword = env("DB_PASSWORD")';
    for (const [index, DB_PASSWORD] of ['hunter2', 'hunter2', 'other'].entries()) {
      const each = member({}, { memberId: `m${index}`, secrets: { environment: { DB_PASSWORD } } });
      Object.assign(cluster.sources.get(each) ?? {}, { name: 'app.hcl', text });
      void each.start();
    }
    await cluster.pass(3 * ROUND_MS);
    const reports = await leader().members();
    const digestOf = (name: string) => reports.find((each) => each.member.startsWith(name))?.dependencies;
    expect(digestOf('m0')).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf('m1')).toBe(digestOf('m0'));
    expect(digestOf('m2')).not.toBe(digestOf('m0'));
    expect(JSON.stringify(reports)).not.toContain('hunter2');
  });

  test('go back together, by a new generation with old content, whoever is asked', async () => {
    await started(3, { port: 1 });
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    const outcome = follower().rollback();
    await cluster.pass(100);
    expect(await outcome).toMatchObject({ type: 'applied', generation: 3 });
    expect(inForce()).toEqual([
      [3, 1],
      [3, 1],
      [3, 1],
    ]);
    expect((await leader().history())[0]).toMatchObject({
      who: follower().memberId,
      why: 'rolled back to generation 1',
    });
    const audit = (await cluster.store.audit(NONE)).map(
      (line) => JSON.parse(line) as { generation: number; token: string },
    );
    expect(audit[0]).toMatchObject({ generation: 3, token: (await headNow())?.term });
    // The file of the leader still holds what was left, and that is not proposed again.
    await cluster.pass(5 * ROUND_MS);
    expect(await headNow()).toMatchObject({ generation: 3 });
  });

  test('are not moved by a leader that has been succeeded', async () => {
    await started(2, { port: 1 });
    const state = await headNow();
    await cluster.store.swap(
      {
        before: await cluster.store.head(NONE),
        head: JSON.stringify({ ...state, term: String(10n ** 18n) }),
        history: (await cluster.store.history(NONE)) ?? '[]',
        audit: '{}',
        content: null,
        drop: [],
      },
      NONE,
    );
    edit(leader(), { port: 2 });
    await cluster.pass(2 * ROUND_MS);
    expect(await headNow()).toMatchObject({ generation: 1, sha: shaOf({ port: 1 }) });
  });

  test('keep what they have when a new leader has an old file, and take a file that nobody had', async () => {
    await started(1, { port: 1 });
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    const late = member({ port: 1 });
    void late.start();
    await cluster.pass(ROUND_MS);
    await cluster.reloads[0]?.stop();
    cluster.reloads.shift();
    await cluster.pass(2 * ROUND_MS);
    expect(late.status()).toMatchObject({ generation: 2, shared: { leads: true } });
    expect(late.current.port).toBe(2);
    const another = member({ port: 9 });
    void another.start();
    await cluster.pass(ROUND_MS);
    await late.stop();
    cluster.reloads.shift();
    await cluster.pass(2 * ROUND_MS);
    expect(another.current.port).toBe(9);
  });

  test('keep serving while the store is away, and say how stale they are', async () => {
    await started(2, { port: 1 });
    const events = heard(follower());
    const working = { head: cluster.store.head.bind(cluster.store) };
    cluster.store.head = () => Promise.reject(new Error('no route'));
    edit(leader(), { port: 2 });
    await cluster.pass(60_000);
    expect(inForce()).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(follower().status().shared?.staleMs).toBeGreaterThan(50_000);
    expect(typesOf(events).filter((type) => type.startsWith('head'))).toEqual(['headUnavailable']);
    cluster.store.head = working.head;
    await cluster.pass(2 * ROUND_MS);
    expect(typesOf(events)).toContain('headRecovered');
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('go on with what they run when the store loses everything, under a larger number', async () => {
    await started(3, { port: 1 });
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    cluster.store.loseData();
    await cluster.pass(3 * ROUND_MS);
    expect(inForce()).toEqual([
      [3, 2],
      [3, 2],
      [3, 2],
    ]);
  });

  test('end on one configuration after a failover that lost the last move', async () => {
    await started(3, { port: 1 });
    const [head, history] = [await cluster.store.head(NONE), await cluster.store.history(NONE)];
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    const events = heard(follower());
    const lost = {
      before: await cluster.store.head(NONE),
      head: head ?? '',
      history: history ?? '',
      audit: '',
      content: null,
      drop: [],
    };
    await cluster.store.swap(lost, NONE);
    await cluster.pass(3 * ROUND_MS);
    const [first, ...others] = inForce();
    expect(others).toEqual([first, first]);
    expect(first?.[1]).toBe((await headNow())?.sha === shaOf({ port: 2 }) ? 2 : 1);
    expect(typesOf(events)).toContain('historyRegressed');
  });

  test('in mode "file" wait for their own copy, and take it when it comes', async () => {
    await started(2, { port: 1 }, { mode: 'file' });
    edit(leader(), { port: 2 });
    await cluster.pass(ROUND_MS);
    expect(follower().status().state).toBe('waitingForFile');
    expect(follower().current.port).toBe(1);
    edit(follower(), { port: 2 });
    await cluster.pass(ROUND_MS);
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(await cluster.store.content(shaOf({ port: 2 }), NONE)).toBeNull();
  });

  test('need a leader, and settings that fit', () => {
    const source = new MemorySource();
    expect(() => createConfigReload({ source, schema, store: cluster.store })).toThrow(
      /give either an election, or leases/,
    );
    expect(() => createConfigReload({ source, schema, instance: 'a/b' })).toThrow(
      /instance is "a\/b", but must be/,
    );
    expect(() => createConfigReload({ source, schema, mode: 'file' })).toThrow(/needs a store/);
    expect(() => createConfigReload({ source, schema, leases: cluster.leases })).toThrow(
      /leases has no effect/,
    );
  });
});
