/** What any member may be asked for on behalf of all: to take what was handed over, to look again, to go back. */
import { describe, expect, test } from 'vitest';
import type { ProposeOptions } from '../../src/config.ts';
import { createConfigReload } from '../../src/config.ts';
import { NONE, ROUND_MS, useCluster } from './config-handle-cluster-members.ts';
import { type Config, MemorySource, schema, shaOf } from './config-handle-members.ts';

describe('a configuration handed over to one of several members', () => {
  const cluster = useCluster();
  const { member, started, edit, leader, follower, inForce, headNow } = cluster;
  const content = (config: Partial<Config> | string) => ({
    files: [{ name: 'app.json', text: typeof config === 'string' ? config : JSON.stringify(config) }],
  });
  const propose = async (config: Partial<Config> | string, options: ProposeOptions = {}, to = follower()) => {
    const proposal = to.propose(content(config), options);
    proposal.catch(() => {});
    await cluster.pass(3000);
    return proposal;
  };

  test('is in force everywhere, as the next generation, with who asked and why', async () => {
    await started(3, { port: 1 });
    const proposal = await propose({ port: 2 }, { who: 'ada', why: 'a free port', notifyOthers: true });
    expect(proposal).toMatchObject({ generation: 2, sha: shaOf({ port: 2 }), outcome: { type: 'applied' } });
    expect(proposal.others).toHaveLength(2);
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect((await leader().history())[0]).toMatchObject({ generation: 2, who: 'ada', why: 'a free port' });
    expect(JSON.parse((await cluster.store.audit(NONE))[0] ?? '')).toMatchObject({
      who: 'ada',
      token: (await headNow())?.term,
    });
    // Files stay as they are, and the leader's is no news.
    await cluster.pass(5 * ROUND_MS);
    expect(await headNow()).toMatchObject({ generation: 2 });
  });

  test('moves nothing if what it was made from is not there any more', async () => {
    await started(2, { port: 1 });
    const expected = { generation: 1, sha: shaOf({ port: 1 }).slice(0, 12) };
    await propose({ port: 2 }, { expected });
    for (const stale of [expected, { generation: 2, sha: 'f00' }, { generation: 3 }])
      await expect(propose({ port: 3 }, { expected: stale })).rejects.toMatchObject({
        code: 'CONFIG_CONFLICT',
        message: expect.stringContaining('generation 2') as string,
      });
    expect(await headNow()).toMatchObject({ generation: 2, sha: shaOf({ port: 2 }) });
    await propose({ port: 3 }, { expected: { generation: 2 } });
    expect(await headNow()).toMatchObject({ generation: 3 });
  });

  test('that two propose at once from the same generation is one of them, and the other is told', async () => {
    await started(3, { port: 1 });
    const expected = { generation: 1 };
    const both = cluster.reloads
      .slice(0, 2)
      .map((each, i) => each.propose(content({ port: 10 + i }), { expected }));
    const settled = Promise.allSettled(both);
    await cluster.pass(ROUND_MS);
    const states = (await settled).map(({ status }) => status);
    expect(states.toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await headNow()).toMatchObject({ generation: 2 });
    expect(new Set(inForce().map(String)).size).toBe(1);
  });

  test.each([
    ['syntax', '{"port": ', /app\.json:1:/],
    ['schema', '{"port": "x"}', /app\.json:1:10: port/],
    ['a doubled key', '{"port": 1, "port": 2}', /app\.json:1:/],
    ['a size beyond the limit', `{"port": 1, "level": "${'x'.repeat(1 << 20)}"}`, /1048576/],
  ])('is refused with the place, and moves nothing: %s', async (_, text, place) => {
    await started(2, { port: 1 });
    const refusal = await propose(text).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((refusal as Error).message).toMatch(place);
    expect((refusal as { diagnostics: unknown[] }).diagnostics).not.toEqual([]);
    expect(await headNow()).toMatchObject({ generation: 1 });
    expect(await cluster.store.audit(NONE)).toHaveLength(1);
  });

  test.each([
    '../app.json',
    '/etc/app.json',
    'a//b.json',
    '',
    'a\nb.json',
    'a\\b.json',
    `${'x'.repeat(300)}.json`,
  ])('has names like those of files beside each other, and not %j', async (name) => {
    await started(1, { port: 1 });
    const refused = leader().propose({ files: [{ name, text: '{"port": 2}' }] });
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('changes nothing if it is what is wanted already', async () => {
    await started(2, { port: 1 });
    const proposal = await propose({ port: 1 });
    expect(proposal).toMatchObject({ generation: 1, outcome: { type: 'unchanged' } });
    expect(await headNow()).toMatchObject({ generation: 1 });
  });

  test('has moved once where the answer was lost, and says so', async () => {
    await started(2, { port: 1 });
    const swap = cluster.store.swap.bind(cluster.store);
    cluster.store.swap = async (change) => {
      await swap(change, NONE);
      throw new Error('connection reset');
    };
    const proposal = await propose({ port: 2 });
    cluster.store.swap = swap;
    expect(proposal).toMatchObject({ generation: 2, outcome: { type: 'applied' } });
    await cluster.pass(2 * ROUND_MS);
    expect(await headNow()).toMatchObject({ generation: 2 });
  });

  test('tells that the store could not be asked, and moves nothing', async () => {
    await started(2, { port: 1 });
    const swap = cluster.store.swap.bind(cluster.store);
    cluster.store.swap = () => Promise.reject(new Error('no route'));
    await expect(propose({ port: 2 })).rejects.toMatchObject({
      code: 'STORE_TIMEOUT',
      outcomeUnknown: true,
    });
    cluster.store.swap = swap;
    expect(await headNow()).toMatchObject({ generation: 1 });
  });

  test('that a handler refuses is told as rejected, and stays out everywhere', async () => {
    const handlers = [
      {
        name: 'db',
        prepare: ({ port }: Config) => {
          if (port === 2) throw new Error('not here');
          return { commit() {} };
        },
      },
    ];
    await started(2, { port: 1 }, { handlers });
    const proposal = await propose({ port: 2 }, { notifyOthers: true });
    expect(proposal.outcome).toMatchObject({ type: 'rejected', stage: 'preparing' });
    expect(inForce().map(([, port]) => port)).toEqual([1, 1]);
    // What was refused here is refused from memory the next time, and not proposed to anybody again.
    await propose({ port: 3 });
    await expect(propose({ port: 2 })).rejects.toThrow(/not here/);
  });

  test('needs a store that holds the content', async () => {
    await started(1, { port: 1 }, { mode: 'file' });
    const readOnly = { code: 'CONFIG_READ_ONLY', message: expect.stringContaining('app.json') as string };
    await expect(leader().propose(content({ port: 2 }))).rejects.toMatchObject(readOnly);
    const source = new MemorySource().write({ port: 1 });
    const alone = createConfigReload({ source, schema, clock: cluster.clock });
    cluster.reloads.push(alone);
    void alone.start();
    await cluster.pass(10);
    await expect(alone.propose(content({ port: 2 }))).rejects.toMatchObject(readOnly);
  });

  test('waits for a head to move', async () => {
    const early = member({ port: 1 });
    early.start().catch(() => {});
    await cluster.pass(100);
    await expect(early.propose(content({ port: 2 }))).rejects.toMatchObject({ code: 'CONFIG_CONFLICT' });
  });

  test('a reload that tells the others counts those that answered, though nothing has changed', async () => {
    await started(4, { port: 1 });
    await cluster.pass(60_000);
    const asked = follower().reload({ notifyOthers: true });
    await cluster.pass(500);
    const { type, others } = await asked;
    expect(type).toBe('unchanged');
    expect(others.map((each) => each.state)).toEqual(['applied', 'applied', 'applied']);
    expect(others.map((each) => each.member)).not.toContain(follower().memberId);
    expect((await follower().reload()).others).toEqual([]);
  });

  test('does not count one that hears nothing, and waits no longer than two seconds for it', async () => {
    await started(3, { port: 1 });
    await follower().stop();
    const asked = leader().reload({ notifyOthers: true });
    await cluster.pass(1900);
    let answered = false;
    void asked.then(() => (answered = true));
    await cluster.pass(50);
    expect(answered).toBe(false);
    await cluster.pass(300);
    expect((await asked).others).toHaveLength(1);
  });

  test('a reload asked of a follower has the leader look at its file, and tells what came of it', async () => {
    await started(3, { port: 1 });
    // All see the same file, as on a shared volume.
    for (const each of cluster.reloads) edit(each, { port: 2 });
    const asked = follower().reload({ notifyOthers: true });
    await cluster.pass(3000);
    expect(await asked).toMatchObject({ type: 'applied', generation: 2 });
    expect((await asked).others.filter(({ generation }) => generation === 2)).toHaveLength(2);
  });

  test('a call by hand makes all look at head and files at once, not at the next sweep', async () => {
    await started(3, { port: 1 }, { sweepMs: 600_000 });
    edit(leader(), { port: 2 });
    await cluster.pass(2000);
    expect(await headNow()).toMatchObject({ generation: 1 });
    await cluster.store.call(NONE);
    await cluster.pass(1000);
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  test('is not undone by a leader whose own file is older, whatever it was asked for before', async () => {
    await started(2, { port: 1 });
    await propose({ port: 2 });
    // Asked again, as by a client that had no answer, and to reload: of neither does the file of a member become news.
    for (const each of [leader(), follower()]) await propose({ port: 2 }, {}, each);
    for (const each of [leader(), follower()]) {
      const asked = each.reload();
      await cluster.pass(3000);
      expect(await asked).toMatchObject({ type: 'unchanged' });
    }
    expect(inForce()).toEqual([
      [2, 2],
      [2, 2],
    ]);
    await leader().stop();
    await cluster.pass(2 * ROUND_MS);
    const next = cluster.reloads.find((each) => each.status().shared?.leads);
    expect(next?.status().generation).toBe(2);
    expect(next?.current.port).toBe(2);
  });

  test('gives way to a file of the leader that has changed, once that is asked to reload', async () => {
    await started(2, { port: 1 }, { watch: false });
    await propose({ port: 2 });
    for (const port of [3, 1]) {
      edit(leader(), { port });
      const asked = leader().reload();
      await cluster.pass(3000);
      expect(await asked).toMatchObject({ type: 'applied' });
      expect(leader().current.port).toBe(port);
    }
  });

  test('a rollback tells who heard of it', async () => {
    await started(3, { port: 1 });
    await propose({ port: 2 });
    const asked = follower().rollback({ notifyOthers: true });
    await cluster.pass(3000);
    expect(await asked).toMatchObject({ type: 'applied', generation: 3 });
    expect((await asked).others).toHaveLength(2);
  });
});
