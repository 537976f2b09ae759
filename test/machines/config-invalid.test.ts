/** What is wrong with a configuration changes nothing anywhere, and everybody can tell where it is wrong. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ConfigReloadOptions } from '../../src/config.ts';
import { ROUND_MS, useCluster } from './config-handle-cluster-members.ts';
import { type Config, heard, schema, shaOf, typesOf, useReloads } from './config-handle-members.ts';

/** A port that the level forbids, and one that no handler takes. */
const [PRIVILEGED, REFUSED] = [22, 13];
const strict = schema
  .refine(({ port, level }) => port !== PRIVILEGED || level === 'root', {
    path: ['port'],
    message: 'a privileged port needs the level root',
  })
  .meta({ id: 'strict' });
const options: Partial<ConfigReloadOptions<Config>> = {
  schema: strict,
  keys: { level: 'immutable' },
  handlers: [
    {
      name: 'server',
      prepare: ({ port }) => {
        if (port === REFUSED) throw new Error(`port ${port} is taken`);
        return { commit() {} };
      },
    },
  ],
};

/** The text of an edit, and where and why it is refused. */
const invalid: Readonly<Record<string, readonly [text: string, place: RegExp]>> = {
  syntax: ['{\n  "port": 2,,\n}', /^app\.json:2:\d+: /],
  'not even text': ['\u0000\u0001', /^app\.json:1:1: /],
  emptiness: ['', /^app\.json/],
  schema: ['{\n  "port": "two"\n}', /^app\.json:2:11: port: /],
  'cross-field rule': [`{\n  "port": ${PRIVILEGED}\n}`, /^app\.json:2:11: port: a privileged port/],
  'immutable key': ['{\n  "port": 2,\n  "level": "debug"\n}', /^app\.json:3:12: level: /],
  'a key twice': ['{"port": 2, "port": 3}', /^app\.json:1:13: /],
  'the key __proto__': ['{"__proto__": {"port": 2}}', /^app\.json:1:2: .*__proto__/],
};

describe('an invalid edit of the file of the leader', () => {
  const cluster = useCluster();
  const { started, edit, leader, inForce, headNow } = cluster;

  test.each(Object.keys(invalid))(
    'changes nothing on any member, and each of them can tell the place: %s',
    async (kind) => {
      const [text, place] = invalid[kind] ?? ['', /^$/];
      const lines: string[] = [];
      const logger = {
        debug() {},
        info() {},
        warn() {},
        error: (_: object, line: string) => lines.push(line),
      };
      await started(3, { port: 1 }, { ...options, logger });
      const events = heard(leader());
      cluster.sources.get(leader())?.write(text);
      await cluster.pass(ROUND_MS);
      expect(await headNow()).toMatchObject({ generation: 1, sha: shaOf({ port: 1 }) });
      expect(inForce()).toEqual([
        [1, 1],
        [1, 1],
        [1, 1],
      ]);
      for (const each of cluster.reloads) {
        const rows = await each.members();
        const told = rows.flatMap(({ notProposed }) => notProposed?.diagnostics ?? []);
        expect(told.length).toBeGreaterThan(0);
        const { file, line, column, path, message } = told[0]!;
        const where = [file, line, column].filter((part) => part !== null).join(':');
        expect(`${where}: ${path === null ? '' : `${path}: `}${message}`).toMatch(place);
      }
      expect(leader().status().shared?.notProposed?.diagnostics).not.toEqual([]);
      // Once, not at every poll.
      await cluster.pass(3 * ROUND_MS);
      expect(typesOf(events).filter((type) => type !== 'confirmed')).toEqual(['notProposed']);
      expect(lines).toHaveLength(1);
      edit(leader(), { port: 3 });
      await cluster.pass(ROUND_MS);
      expect(inForce().map(([, port]) => port)).toEqual([3, 3, 3]);
      expect((await leader().members()).map(({ notProposed }) => notProposed)).toEqual([null, null, null]);
    },
  );

  test('that handlers refuse is told as rejected by each member', async () => {
    await started(3, { port: 1 }, options);
    edit(leader(), { port: REFUSED });
    await cluster.pass(ROUND_MS);
    expect(inForce().map(([, port]) => port)).toEqual([1, 1, 1]);
    for (const each of cluster.reloads) {
      expect(each.status().rejected).toMatchObject({ stage: 'preparing', sha: shaOf({ port: REFUSED }) });
      for (const row of await each.members())
        expect(row).toMatchObject({
          state: 'rejected',
          applied: { generation: 1 },
          diagnostics: [{ message: expect.stringContaining('port 13 is taken') as string }],
        });
    }
  });

  test('is nobody’s business any more when another leads', async () => {
    await started(2, { port: 1 }, options);
    const former = leader();
    cluster.sources.get(former)?.write('{');
    await cluster.pass(ROUND_MS);
    await former.stop();
    cluster.reloads.splice(cluster.reloads.indexOf(former), 1);
    await cluster.pass(80_000);
    expect((await leader().members()).map(({ notProposed }) => notProposed)).toEqual([null]);
  });
});

describe('a file cut at any byte', () => {
  const reloads = useReloads();
  const required = z.strictObject({
    port: z.number(),
    level: z.enum(['info', 'debug']),
    last: z.literal(true),
  });
  const wholes = {
    'app.hcl': 'port = 8080\nlevel = "debug" # a comment\nlast = true\n',
    'app.json': '{"port": 8080, "level": "debug",\n "last": true}',
    'app.yaml': 'port: 8080\nlevel: debug # a comment\nlast: true\n',
    'app.toml': 'port = 8080\nlevel = "debug" # a comment\nlast = true\n',
  };

  test.each(Object.entries(wholes))(
    'never yields a configuration that lacks a key: %s',
    async (name, whole) => {
      reloads.source.name = name;
      reloads.source.write(whole);
      const reload = await reloads.started({ schema: required });
      for (let length = 0; length < whole.length; length += 1) {
        reloads.source.write(whole.slice(0, length));
        const outcome = reload.reload();
        await reloads.pass(1);
        // All of it but white space is all of it.
        const isWhole = whole.slice(length).trim() === '';
        expect((await outcome).type, whole.slice(0, length)).toBe(isWhole ? 'applied' : 'rejected');
        expect(reload.current).toEqual({ port: 8080, level: 'debug', last: true });
      }
    },
  );
});
