/** What an application sees of a configuration that is reloaded. */
import { describe, expect, test } from 'vitest';
import { heard, noting, shaOf, typesOf, useReloads } from './config-handle-members.ts';

describe('the configuration in force', () => {
  const reloads = useReloads();

  test('is there once start() has resolved, and not before', async () => {
    reloads.source.write({ port: 1 });
    const reload = reloads.reload();
    expect(() => reload.current).toThrow(/No configuration from app.json is in force yet/);
    const starting = reload.start();
    await reloads.pass(10);
    expect(await starting).toEqual({ port: 1, level: 'info' });
    expect(reload.current.port).toBe(1);
  });

  test('is frozen to the bottom', async () => {
    reloads.source.write({ port: 1 });
    const { current } = await reloads.started();
    expect(() => Object.assign(current, { port: 2 })).toThrow(TypeError);
  });

  test('follows the file, by one assignment, and whoever hears of it finds it', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    const before = reload.current;
    const seen: unknown[] = [];
    reload.on('applied', ({ generation, sha }) => seen.push([generation, sha, reload.current.port]));
    reload.actor.on('applied', () => seen.push(reload.current.port));
    reload.changes$.subscribe(({ value, previous }) => seen.push([value.port, previous?.port]));
    await reloads.edit({ port: 2 });
    expect(before.port).toBe(1);
    expect(seen).toEqual([2, [2, 1], [2, shaOf({ port: 2 }), 2]]);
  });

  test('stays when an edit is invalid, of whatever kind, and the place is told', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    const rejected: unknown[] = [];
    reload.on('rejected', ({ stage, diagnostics: [first] }) =>
      rejected.push([stage, first?.file, first?.line, first?.path]),
    );
    await reloads.edit('{\n  "port": 1,,\n}');
    await reloads.edit('{\n  "port": "one"\n}');
    expect(rejected).toEqual([
      ['parsing', 'app.json', 2, null],
      ['checking', 'app.json', 2, 'port'],
    ]);
    expect(reload.current.port).toBe(1);
    expect(reload.status()).toMatchObject({ state: 'rejected.held', healthy: true, generation: 1 });
    await reloads.edit({ port: 3 });
    expect(reload.current.port).toBe(3);
    expect(reload.status().rejected).toBeNull();
  });

  test('is not replaced by a file that vanished', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    const events = heard(reload);
    reloads.source.text = null;
    await reloads.pass(10_000);
    expect(typesOf(events).at(-1)).toBe('waitingForFile');
    expect(reload.current.port).toBe(1);
    await reloads.edit({ port: 2 });
    expect(reload.current.port).toBe(2);
  });
});

describe('start()', () => {
  const reloads = useReloads();

  test.each([
    ['is missing', null, /There is no file/],
    ['cannot be parsed', '{', /app\.json:1/],
    ['does not fit the schema', '{"port": "x"}', /app\.json:1:10: port:/],
  ])(
    'rejects with the place where the file %s, and a corrected file is applied',
    async (_, text, message) => {
      reloads.source.text = text;
      const reload = reloads.reload();
      const refused = expect(reload.start()).rejects.toThrow(message);
      await reloads.pass(10_000);
      await refused;
      await reloads.edit({ port: 5 });
      expect(reload.current.port).toBe(5);
    },
  );

  test('waits for a secret that cannot be had for now', async () => {
    let locked = true;
    const resolve = () => {
      if (locked) throw new Error('locked');
      return 's3cret';
    };
    reloads.source.write('password = secret("db")\nport = 1');
    reloads.source.name = 'app.hcl';
    const reload = reloads.reload({ secrets: { resolve } });
    const starting = reload.start();
    await reloads.pass(3000);
    expect(reload.status().state).toBe('rejected.retrying');
    locked = false;
    await reloads.pass(10_000);
    expect(await starting).toEqual({ port: 1, level: 'info', password: 's3cret' });
  });
});

describe('reload()', () => {
  const reloads = useReloads();

  test('tells how it ended', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started();
    const ask = async (force = false) => {
      const outcome = reload.reload({ force });
      await reloads.pass(100);
      return (await outcome).type;
    };
    expect(await ask()).toBe('unchanged');
    reloads.source.write({ port: 2 });
    expect(await ask()).toBe('applied');
    reloads.source.write('{');
    expect(await ask()).toBe('rejected');
    // It may be on its way back: only a second look makes certain that it is gone.
    reloads.source.text = null;
    expect(await ask()).toBe('rejected');
    await reloads.pass(10_000);
    expect(await ask()).toBe('waitingForFile');
  });

  test('does not try bytes again that were rejected, unless it is forced to', async () => {
    const log: string[] = [];
    const fails: { prepare?: Error } = { prepare: new Error('no such host') };
    reloads.source.write({ port: 1 });
    const reload = reloads.reload({ handlers: [noting('db', log, fails)] });
    const refused = expect(reload.start()).rejects.toThrow(
      /The handler "db" failed to prepare: no such host/,
    );
    await reloads.pass(10);
    await refused;
    log.length = 0;
    delete fails.prepare;
    const again = reload.reload();
    await reloads.pass(10);
    expect(await again).toMatchObject({ type: 'rejected', known: true });
    expect(log).toEqual([]);
    const forced = reload.reload({ force: true });
    await reloads.pass(10);
    expect((await forced).type).toBe('applied');
  });

  test('is refused before start() and after stop()', async () => {
    const reload = reloads.reload();
    await expect(reload.reload()).rejects.toThrow(/start\(\) first/);
    await reload.stop();
    await expect(reload.reload()).rejects.toThrow(/stopped/);
    await expect(reload.start()).rejects.toThrow(/stopped/);
  });
});
