/** Secrets in settings that a slip moved to where none is looked for: into keys, comments, and names of variables. */
import { describe, expect, test } from 'vitest';
import { placedFinding } from '../../src/settings/findings.ts';
import { settingsSchema, settingsSecrets } from '../../src/settings/reload-schema.ts';
import { readSettingsText } from '../../src/settings/settings-file.ts';
import { shownSettings } from '../../src/settings/shown-settings.ts';
import { schemaReader } from '../../src/config/config-reader.ts';
import { withoutValues } from '../../src/cli/output.ts';
import { readRedis } from '../../src/cli/setting-flags.ts';
import { composed } from './settings-layers.ts';

const PIECE = /Xq7!vK2|vK2-pW9|pW9!zJ4|zJ4-tR8|hunter2/i;

/** All that is told of a file. */
async function toldOf(file: string, text: string): Promise<readonly string[]> {
  const reading = await readSettingsText([{ name: file, bytes: Buffer.from(text) }], { environment: {} });
  if (!reading.ok) return reading.problems.flatMap((problem) => [problem.text, JSON.stringify(problem)]);
  const { settings, origins, problems, notes } = composed({ file: reading.document.value });
  const told = [...problems, ...notes].map((finding) => placedFinding(finding, reading.document));
  const all = [...told, ...shownSettings(settings, origins), settings];
  return [...told.map((finding) => finding.text), JSON.stringify(all)];
}

/** The same of a file that a running member reads again. */
async function toldOfReload(file: string, text: string): Promise<string> {
  const notes: unknown[] = [];
  const layers = { environment: {}, flags: {}, cwd: '/app', defaultResource: 'default', readRedis };
  const reader = schemaReader({
    schema: settingsSchema(layers, (each) => notes.push(each)),
    key: 'k',
    directory: null,
    secrets: settingsSecrets({}),
  });
  const parsed = await reader.parse({
    sha: 'any',
    files: [{ name: file, path: file, bytes: Buffer.from(text) }],
    directory: null,
  });
  const result = parsed.kind === 'parsed' ? await reader.check(parsed, null) : parsed;
  return JSON.stringify([result, notes]);
}

const HA = 'honua:\n  high_availability:\n';
const files: readonly (readonly [what: string, file: string, text: string])[] = [
  [
    'a text that lost its key',
    'conclave.yaml',
    `${HA}   //app:Xq7!vK2-pW9!zJ4  LeaderElection:\n    InstanceId: web-1\n`,
  ],
  [
    'a connection string as a key',
    'conclave.yaml',
    `${HA}    redis://app:Xq7!vK2-pW9@redis:6379:\n      x: 1\n`,
  ],
  [
    'a user and a password as a key',
    'conclave.json',
    '{ "conclave": { "redis": { "app:Xq7!vK2-pW9@redis": 1, "port": "x" } } }',
  ],
  ['a piece that looks like a name', 'conclave.toml', '[conclave.redis]\nvK2-pW9 = 1\n'],
  ['a piece as a block', 'conclave.hcl', 'conclave {\n  redis {\n    vK2-pW9 {\n    }\n  }\n}\n'],
  ['a piece as a label', 'conclave.hcl', 'conclave {\n  redis "vK2-pW9!zJ4" {\n  }\n}\n'],
  [
    'a piece as the name of a table',
    'conclave.toml',
    '[conclave.server.tokens.vK2-pW9]\nscopes = ["read"]\n',
  ],
  ['a token as a key', 'conclave.yaml', 'conclave:\n  server:\n    tokens:\n      - { zJ4-tR8: [read] }\n'],
  ['a comment on the line', 'conclave.yaml', 'conclave:\n  server:\n    port: nowhere # was hunter2\n'],
  ['a comment before an unknown key', 'conclave.hcl', 'conclave {\n  /* hunter2 */ prt = 1\n}\n'],
  ['a plain key', 'conclave.yaml', 'conclave:\n  server:\n    port: Xq7!vK2-pW9\n'],
  [
    'an object where a plain value goes',
    'conclave.yaml',
    'conclave:\n  server:\n    port: { of: hunter2 }\n',
  ],
  [
    'an unknown table',
    'conclave.toml',
    '[conclave.redis]\nhost = "r"\n[conclave.redis.conection]\nport = "hunter2"\n',
  ],
  [
    'a text over several lines',
    'conclave.yaml',
    'conclave:\n  redis:\n    conection:\n      app\n      hunter2\n    prt: 1\n',
  ],
  [
    'the name of a variable',
    'conclave.hcl',
    'conclave {\n  redis {\n    password = env("Xq7!vK2-pW9")\n  }\n}\n',
  ],
  ['the path of a file', 'conclave.yaml', 'store: sqlite:/app:Xq7!vK2-pW9@redis/leases.db\n'],
  [
    'a second file with the same key',
    'conclave.yaml',
    `${HA}    a: 1\n    redis_connection_string: Xq7!vK2\n    redis_connection_string: zJ4-tR8\n`,
  ],
];

describe('a secret that became', () => {
  test.each(files)('%s is not told', async (_, file, text) => {
    const told = await toldOf(file, text);
    expect(told.length).toBeGreaterThan(1);
    expect(told.join('\n')).not.toMatch(PIECE);
    expect(told.some((line) => /^conclave\.\w+:\d+:\d+: /.test(line))).toBe(true);
    expect(await toldOfReload(file, text)).not.toMatch(PIECE);
  });

  test.each(['Server__Tokens__vK2-pW9__Scopes__0', 'LeaderElection__zJ4-tR8'])(
    'part of the name of a variable is not told: %s',
    (variable) => {
      const { problems, notes, origins } = composed({ environment: { [variable]: 'read' } });
      expect(problems.length).toBeGreaterThan(0);
      expect(JSON.stringify([problems, notes, [...origins]])).not.toMatch(PIECE);
    },
  );
});

test('what is known, and names that are only misspelt, are shown with their place', async () => {
  const text = 'conclave {\n  server {\n    prt = 8080\n  }\n  log_level = "lowd"\n}\n';
  expect((await toldOf('conclave.hcl', text)).slice(0, 2)).toEqual([
    'conclave.hcl:3:5: conclave.server.prt: There is no such key. Did you mean port?\n      prt = ***\n      ^',
    expect.stringMatching(/^conclave\.hcl:5:15: conclave\.log_level: .*\n {4}log_level = "lowd"\n {16}\^$/),
  ]);
});

test.each([
  ["unknown option '--redis-pasword=hunter2'", "unknown option '--redis-pasword=***'"],
  ['Expected 0 arguments but got 1: redis://app:hunter2@host.', 'Expected 0 arguments but got 1: ***'],
  ["unknown option '--prt'\n(Did you mean --port?)", "unknown option '--prt'\n(Did you mean --port?)"],
])('a command line that is wrong is told without its values: %s', (message, told) =>
  expect(withoutValues(message)).toBe(told),
);
