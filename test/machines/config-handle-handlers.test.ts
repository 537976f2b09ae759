/** Handlers take a new configuration all together, or none of them does. */
import { describe, expect, test } from 'vitest';
import { heard, noting, typesOf, useReloads } from './config-handle-members.ts';

const never = () => new Promise<never>(() => {});

describe('handlers', () => {
  const reloads = useReloads();
  const started = async (...handlers: ReturnType<typeof noting>[]) => {
    reloads.source.write({ port: 1 });
    return reloads.started({ handlers });
  };

  test('all prepare before any commits', async () => {
    const log: string[] = [];
    await started(noting('db', log), noting('log', log));
    expect(log).toEqual(['db prepare', 'log prepare', 'db commit', 'log commit']);
  });

  test('are told what is in force and what comes', async () => {
    const told: unknown[] = [];
    const reload = await started({
      name: 'db',
      prepare: (next, previous) => {
        told.push([next.port, previous?.port]);
        return { commit: () => void told.push('commit') };
      },
    });
    await reloads.edit({ port: 2 });
    expect(told).toEqual([[1, undefined], 'commit', [2, 1], 'commit']);
    expect(reload.current.port).toBe(2);
  });

  test('that prepared are aborted in reverse order when a later one fails to', async () => {
    const log: string[] = [];
    const fails: { prepare?: Error } = {};
    const reload = await started(noting('a', log), noting('b', log), noting('c', log, fails));
    log.length = 0;
    fails.prepare = new Error('port is taken');
    await reloads.edit({ port: 2 });
    expect(log).toEqual(['a prepare', 'b prepare', 'c prepare', 'b abort', 'a abort']);
    const { generation, rejected } = reload.status();
    expect([generation, rejected?.stage]).toEqual([1, 'preparing']);
    expect(rejected?.diagnostics[0]?.message).toMatch(/"c".*port is taken/);
  });

  test('that hang while they prepare are named, and newer input does not wait for them', async () => {
    const log: string[] = [];
    const fails: { prepare?: Promise<never> } = {};
    const reload = await started(noting('a', log), noting('slow', log, fails));
    const events = heard(reload);
    fails.prepare = never();
    reloads.source.write({ port: 2 });
    await reloads.pass(5000);
    expect(reload.status().state).toBe('validating.preparing');
    delete fails.prepare;
    await reloads.edit({ port: 3 });
    await reloads.pass(10_000);
    expect(reload.current.port).toBe(3);
    expect(typesOf(events)).toContain('superseded');
    fails.prepare = never();
    await reloads.edit({ port: 4 });
    await reloads.pass(60_000);
    expect(reload.status().rejected?.diagnostics[0]?.message).toMatch(
      /"slow" failed to prepare: no answer within/,
    );
    expect(reload.current.port).toBe(3);
  });

  test('that are overtaken do not answer who asked for the reload: what took its place does', async () => {
    const fails: { prepare?: Promise<never> } = {};
    const reload = await started(noting('slow', [], fails));
    const events = heard(reload);
    fails.prepare = never();
    reloads.source.write({ port: 2 });
    const asked = reload.reload();
    await reloads.pass(100);
    expect(reload.status().state).toBe('validating.preparing');
    delete fails.prepare;
    await reloads.edit({ port: 3 });
    await reloads.pass(10_000);
    expect(typesOf(events)).toContain('superseded');
    await expect(asked).resolves.toMatchObject({ type: 'applied', generation: 2 });
    expect(reload.current.port).toBe(3);
  });

  test('and a rollback that takes the place of a reload ends it', async () => {
    const fails: { prepare?: Promise<never> } = {};
    const reload = await started(noting('slow', [], fails));
    await reloads.edit({ port: 2 });
    fails.prepare = never();
    reloads.source.write({ port: 3 });
    const asked = reload.reload();
    await reloads.pass(100);
    expect(reload.status().state).toBe('validating.preparing');
    delete fails.prepare;
    const rolledBack = reload.rollback();
    await reloads.pass(10_000);
    await expect(rolledBack).resolves.toMatchObject({ type: 'rolledBack' });
    await expect(asked).resolves.toMatchObject({ type: 'superseded' });
    expect(reload.current.port).toBe(1);
  });

  test('that answer after they were given up are aborted then', async () => {
    const log: string[] = [];
    const late = Promise.withResolvers<void>();
    const reload = await started({
      name: 'late',
      async prepare(next, _, { signal }) {
        if (next.port === 2) {
          signal.addEventListener('abort', () => log.push('told'));
          await late.promise;
        }
        return { commit: () => void log.push(`commit ${next.port}`), abort: () => void log.push('abort') };
      },
    });
    await reloads.edit({ port: 2 });
    await reloads.edit({ port: 3 });
    await reloads.pass(10_000);
    expect(reload.current.port).toBe(3);
    late.resolve();
    await reloads.pass(1);
    expect(log).toEqual(['commit 1', 'told', 'commit 3', 'abort']);
  });

  test('are rolled back in reverse order when a commit throws midway', async () => {
    const log: string[] = [];
    const fails: { commit?: Error } = {};
    const reload = await started(noting('a', log), noting('b', log, fails), noting('c', log));
    const events = heard(reload);
    log.length = 0;
    fails.commit = new Error('half way');
    await reloads.edit({ port: 2 });
    expect(log.slice(3)).toEqual(['a commit', 'b commit', 'c abort', 'b rollback', 'a rollback']);
    expect(typesOf(events).slice(-2)).toEqual(['rolledBack', 'rejected']);
    expect(reload.current.port).toBe(1);
    expect(reload.status().healthy).toBe(true);
  });

  test('without a rollback are given the configuration before', async () => {
    const log: string[] = [];
    const fails: { commit?: Error } = {};
    await started(
      { name: 'plain', prepare: (next) => ({ commit: () => void log.push(`to ${next.port}`) }) },
      noting('b', [], fails),
    );
    fails.commit = new Error('no');
    await reloads.edit({ port: 2 });
    expect(log).toEqual(['to 1', 'to 2', 'to 1']);
  });

  test('that cannot be rolled back leave an unhealthy member that says what is half done, until one is applied', async () => {
    const log: string[] = [];
    const fails: { commit?: Error; rollback?: Error } = {};
    const reload = await started(noting('a', log), noting('b', log, fails));
    Object.assign(fails, { commit: new Error('half way'), rollback: new Error('stuck') });
    await reloads.edit({ port: 2 });
    expect(reload.status()).toMatchObject({
      state: 'unhealthy',
      healthy: false,
      trouble: { code: 'CONFIG_HALF_DONE', halfDone: ['b'] },
    });
    expect(reload.current.port).toBe(1);
    delete fails.commit;
    await reloads.edit({ port: 3 });
    expect(reload.status()).toMatchObject({ healthy: true, generation: 2 });
  });

  test('never show what is secret in what they say', async () => {
    const fails: { prepare?: Error } = {};
    const reload = await started(noting('db', [], fails));
    fails.prepare = new Error('cannot log in with hunter2-hunter2');
    await reloads.edit({ port: 2, password: 'hunter2-hunter2' });
    const [problem] = reload.status().rejected?.diagnostics ?? [];
    expect(problem?.message).toMatch(/"db" failed to prepare: cannot log in with \*\*\*/);
    const records = await Array.fromAsync(reload.journal.export());
    expect(JSON.stringify(records)).not.toContain('hunter2');
  });
});

describe('the health watch', () => {
  const reloads = useReloads();

  test('rolls a configuration back that does harm, and does not try it again', async () => {
    const log: string[] = [];
    reloads.source.write({ port: 1 });
    const reload = await reloads.started({
      handlers: [noting('a', log)],
      health: ({ port }) => port !== 2,
    });
    await reloads.pass(40_000);
    expect(reload.status().confirmed).toBe(true);
    const changes: unknown[] = [];
    reload.changes$.subscribe(({ value, rolledBack }) => changes.push([value.port, rolledBack]));
    await reloads.edit({ port: 2 });
    await reloads.pass(2000);
    expect(changes).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(log.at(-1)).toBe('a rollback');
    expect(reload.current.port).toBe(1);
    expect((await reload.history()).map(({ generation, why }) => [generation, why])).toEqual([
      [3, 'rollback'],
      [2, 'file'],
      [1, 'command'],
    ]);
    const again = reload.reload();
    await reloads.pass(100);
    expect(await again).toMatchObject({ type: 'rejected', known: true });
  });

  test('counts a check that throws or hangs as harm, and shows no secret', async () => {
    reloads.source.write({ port: 1 });
    let check: () => Promise<void> = async () => {};
    const reload = await reloads.started({ health: () => check() });
    await reloads.pass(40_000);
    check = () => Promise.reject(new Error('refused hunter2-hunter2'));
    await reloads.edit({ port: 2, password: 'hunter2-hunter2' });
    expect(reload.status().rejected?.diagnostics[0]?.message).toBe('refused ***');
    check = never;
    await reloads.edit({ port: 3 });
    await reloads.pass(10_000);
    expect(reload.current.port).toBe(1);
  });
});

describe('rollback()', () => {
  const reloads = useReloads();

  test('returns to the configuration before, as a new generation', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    await reloads.pass(40_000);
    await reloads.edit({ port: 2 });
    const outcome = reload.rollback();
    await reloads.pass(10);
    expect(await outcome).toMatchObject({ type: 'rolledBack', cause: 'command', generation: 3 });
    expect(reload.current.port).toBe(1);
    await expect(reload.rollback()).rejects.toThrow(/no configuration before/);
  });

  test('goes to any generation that is remembered', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    for (const port of [2, 3, 4]) await reloads.edit({ port });
    const outcome = reload.rollback({ to: 2 });
    await reloads.pass(10);
    expect(await outcome).toMatchObject({ type: 'applied', generation: 5 });
    expect(reload.current.port).toBe(2);
    await expect(reload.rollback({ to: 99 })).rejects.toThrow(/99 is not in the history.*5, 4, 3, 2, 1/);
  });
});
