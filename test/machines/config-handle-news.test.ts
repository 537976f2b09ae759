/** What of the files that lie beside members is news to all, and what is only old. */
import { describe, expect, test } from 'vitest';
import { HISTORY_MAX } from '../../src/config/reload-history.ts';
import { NONE, ROUND_MS, useCluster } from './config-handle-cluster-members.ts';
import { type Config, heard, shaOf, useReloads } from './config-handle-members.ts';

describe('the file of a member', () => {
  const cluster = useCluster();
  const { member, started, edit, leader, follower, inForce, headNow } = cluster;
  const propose = async (config: Partial<Config>) => {
    const proposal = follower().propose({ files: [{ name: 'app.json', text: JSON.stringify(config) }] });
    await cluster.pass(80);
    return proposal;
  };
  /** Generation and port of all, once. */
  const agreed = () => [...new Set(inForce().map((each) => each.join(': ')))];
  const leaves = async () => {
    const leaving = leader();
    await leaving.stop();
    cluster.reloads = cluster.reloads.filter((each) => each !== leaving);
    await cluster.pass(2 * ROUND_MS);
  };
  /** Passes time until the leader's watch has told of a change. */
  const noticed = async () => {
    const before = leader().status().watch?.changes;
    while (leader().status().watch?.changes === before) await cluster.pass(20);
  };

  test('is no news to the next leader once it was in force, however long ago', async () => {
    await started(2, { port: 1 });
    for (let i = 0; i <= HISTORY_MAX; i += 1) await propose({ port: 100 + i });
    expect(await leader().history()).toHaveLength(HISTORY_MAX);
    await leaves();
    expect(inForce()).toEqual([[HISTORY_MAX + 2, 100 + HISTORY_MAX]]);
    expect(leader().status().shared?.leads).toBe(true);
  });

  test('is no news when the store has lost what was agreed on, nor later, to whoever leads then', async () => {
    await started(3, { port: 1 });
    await propose({ port: 2 });
    cluster.store.loseData();
    await leaves();
    expect(agreed()).toEqual(['3: 2']);
    void member({ port: 1 }).start();
    await cluster.pass(ROUND_MS);
    for (let lap = 0; lap < 2; lap += 1) await leaves();
    expect(inForce()).toEqual([[3, 2]]);
    // What nobody had is.
    void member({ port: 9 }).start();
    await cluster.pass(ROUND_MS);
    await leaves();
    expect(inForce()).toEqual([[4, 9]]);
  });

  test('is news if it changed while the store had lost what was agreed on', async () => {
    await started(3, { port: 1 });
    await propose({ port: 2 });
    cluster.store.loseData();
    await cluster.pass(1000);
    edit(leader(), { port: 3 });
    await cluster.pass(3 * ROUND_MS);
    expect(agreed()).toEqual(['4: 3']);
  });

  test('is news again if it changes while it is being proposed', async () => {
    await started(3, { port: 1 });
    const swap = cluster.store.swap.bind(cluster.store);
    const ports = [3, 4];
    cluster.store.swap = async (change) => {
      const port = ports.shift();
      if (port !== undefined) {
        edit(leader(), { port });
        await new Promise<void>((resolve) => void cluster.clock.setTimeout(resolve, 1500));
      }
      return swap(change, NONE);
    };
    edit(leader(), { port: 2 });
    await cluster.pass(4 * ROUND_MS);
    expect(agreed()).toEqual(['4: 4']);
  });

  test('that changes as somebody proposes another gives way, says so, and is taken when asked for', async () => {
    await started(3, { port: 1 });
    const events = heard(leader());
    edit(leader(), { port: 3 });
    await noticed();
    await propose({ port: 2 });
    await cluster.pass(2 * ROUND_MS);
    expect(agreed()).toEqual(['2: 2']);
    expect(events.filter(({ type }) => type === 'notProposed')).toMatchObject([
      {
        sha: shaOf({ port: 3 }),
        diagnostics: [
          {
            code: 'CONFIG_CONFLICT',
            file: 'app.json',
            message: expect.stringContaining('under generation 1') as string,
          },
        ],
      },
    ]);
    const asked = leader().reload();
    await cluster.pass(ROUND_MS);
    expect(await asked).toMatchObject({ type: 'applied', generation: 3 });
    expect(agreed()).toEqual(['3: 3']);
    expect(leader().status().shared?.notProposed).toBeNull();
  });

  test('that changed to what somebody proposed is no news when it is asked for later', async () => {
    await started(3, { port: 1 });
    edit(leader(), { port: 3 });
    await noticed();
    await propose({ port: 3 });
    await cluster.pass(2 * ROUND_MS);
    await propose({ port: 2 });
    await cluster.pass(ROUND_MS);
    const asked = leader().reload();
    await cluster.pass(ROUND_MS);
    expect(await asked).toMatchObject({ type: 'unchanged' });
    expect(agreed()).toEqual(['3: 2']);
  });

  test('that changes as somebody rolls back gives way, and is forgiven once that is what is wanted', async () => {
    await started(3, { port: 1 });
    await propose({ port: 2 });
    edit(leader(), { port: 3 });
    await noticed();
    const back = follower().rollback();
    await cluster.pass(2 * ROUND_MS);
    expect(await back).toMatchObject({ type: 'applied', generation: 3 });
    expect(agreed()).toEqual(['3: 1']);
    expect(leader().status().shared?.notProposed?.sha).toBe(shaOf({ port: 3 }));
    await propose({ port: 3 });
    await cluster.pass(ROUND_MS);
    expect(leader().status().shared?.notProposed).toBeNull();
    expect(await headNow()).toMatchObject({ generation: 4 });
  });

  test('may be read for a head that asks for something else, and is news all the same', async () => {
    await started(2, { port: 1 });
    edit(leader(), { port: 3 });
    // Before its watch has looked, the leader reads it twice: to compare, and for the head.
    void leader().diff();
    await propose({ port: 2 });
    await cluster.pass(2 * ROUND_MS);
    expect(agreed()).toEqual(['3: 3']);
  });
});

describe('the file of a member that shares nothing', () => {
  const reloads = useReloads();

  test('may be compared before its change was noticed, and is applied all the same', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    reloads.source.write({ port: 2 });
    expect(await reload.diff()).toMatchObject({ differences: [{ path: 'port', after: '2' }] });
    await reloads.pass(5000);
    expect(reload.current.port).toBe(2);
  });
});
