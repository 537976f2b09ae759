/** Secrets of an application's configuration in places that are no values: keys, comments, and lines that others share. */
import { describe, expect, test } from 'vitest';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import { changesBetween, tellDifferences } from '../../src/config/difference.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import type { SecretDeclarations } from '../../src/config/redact.ts';
import { looksSecret } from '../../src/config/redact-names.ts';
import { placeholdersIn } from '../../src/config/reload-shown.ts';
import { KeyClasses } from '../../src/config/validate-key-classes.ts';
import { validateConfig } from '../../src/config/validate.ts';
import { Secret } from '../../src/settings/secret.ts';

const read = (texts: Readonly<Record<string, string>>, declarations: SecretDeclarations = {}) =>
  readConfig(
    Object.entries(texts).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
    { environment: {} },
    declarations,
  );

async function whole(file: string, text: string, declarations: SecretDeclarations = {}) {
  const reading = await read({ [file]: text }, declarations);
  if (!reading.ok) throw new Error(reading.diagnostics.map(showDiagnostic).join('\n'));
  return reading.document;
}

async function refusal(texts: Readonly<Record<string, string>>, declarations: SecretDeclarations = {}) {
  const reading = await read(texts, declarations);
  if (reading.ok) throw new Error('it was read');
  return JSON.stringify([reading.diagnostics, reading.diagnostics.map(showDiagnostic)]);
}

/** What is told where a schema refuses what stands at a path. */
async function toldAt(file: string, text: string, path: readonly (string | number)[]): Promise<string> {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'picky',
      validate: () => ({ issues: [{ message: 'no', path }] }),
    },
  };
  const validation = await validateConfig(await whole(file, text), schema, new KeyClasses(), null);
  if (validation.ok) throw new Error('it was let through');
  return validation.diagnostics.map(showDiagnostic).join('\n');
}

describe('a key that is a secret', () => {
  const upstream = 'https://app:open-sesame@up.stream';
  const file = (weight: number) =>
    JSON.stringify({ upstreams: { [upstream]: { weight }, b: { weight: 2 } } });

  test('is not told by a problem of what is under it', async () => {
    const told = await toldAt('app.json', file(1), ['upstreams', upstream, 'weight']);
    expect(told).toContain('app.json:1:');
    expect(told).toContain('upstreams["***"].weight: no');
    expect(told).not.toContain('sesame');
  });

  test('is not told by what changed, nor by what is in force; what is shown cannot be handed back', async () => {
    const [before, after] = [await whole('app.json', file(1)), await whole('app.json', file(3))];
    const changes = changesBetween(before.value, after.value);
    const both = [before.secrets, after.secrets];
    expect(tellDifferences(changes, before.secrets, after.secrets).differences).toEqual([
      { path: 'upstreams["***"].weight', change: 'changed', before: '1', after: '3' },
    ]);
    expect(new KeyClasses().changedKeys(changes, both).live).toEqual(['upstreams["***"].weight']);
    const shown = after.secrets.redact(after.value);
    expect(shown).toEqual({ upstreams: { '***0': { weight: 3 }, b: { weight: 2 } } });
    expect(placeholdersIn(shown, null)).toHaveLength(1);
  });

  test('is not told where it is the text of a secret', async () => {
    const text = 'password: open-sesame\nplaces:\n  open-sesame-2:\n    x: 1\n';
    expect(await toldAt('app.yaml', text, ['places', 'open-sesame-2', 'x'])).toContain('places["***"].x: no');
  });
});

describe('a key below a secret', () => {
  test.each([
    ['app.yaml', 'client_secret:\n  - W99265K5Z829J  server: -202\n', 'W99265K5Z829J  server'],
    ['app.json', '{ "client_secret": [{ "W99265K5Z829J": 1 }] }', 'W99265K5Z829J'],
    ['app.toml', '[[client_secret]]\nW99265K5Z829J = 1\n', 'W99265K5Z829J'],
  ])('that is no word is not told: %s: %s', async (file, text, key) => {
    const told = await toldAt(file, text, ['client_secret', 0, key]);
    expect(told).toContain('client_secret[0]["***"]: no');
    expect(told).not.toContain('992');
  });

  test('that is a word is told', async () => {
    const text = 'credentials:\n  user_name: 1\n';
    expect(await toldAt('app.yaml', text, ['credentials', 'user_name'])).toContain(
      'credentials.user_name: no',
    );
  });
});

describe('a comment beside what is wrong', () => {
  test.each([
    ['app.yaml', 'port: 80 # was redis://app:open-sesame@r\n'],
    ['app.yaml', 'port: 80 # password open-sesame\n'],
    ['app.hcl', 'port = 80 // app:open-sesame@r\n'],
    ['app.hcl', '/* token open-sesame */ port = 80\n'],
    ['app.toml', 'port = 80 # api key open-sesame\n'],
    ['app.jsonc', '{ /* the secret is open-sesame */ "port": 80 }'],
  ])('is not shown, if it may hold a secret: %s: %s', async (file, text) => {
    const told = await toldAt(file, text, ['port']);
    expect(told).toContain('port: no');
    expect(told).toContain('80');
    expect(told).not.toContain('sesame');
  });

  test('is shown if it speaks of something else', async () => {
    expect(await toldAt('app.yaml', 'port: 80 # of the proxy\n', ['port'])).toContain(
      'port: 80 # of the proxy',
    );
  });
});

describe('a key that was declared secret', () => {
  const declared = { secretKeys: ['internal.*.note'] };

  test('is not shown by a line that cannot be read', async () => {
    const text = 'internal {\n  a {\n    note = "open-sesame" +\n  }\n}\n';
    expect(await refusal({ 'app.hcl': text })).toContain('sesame');
    expect(await refusal({ 'app.hcl': text }, declared)).not.toContain('sesame');
    expect(await refusal({ 'app.yaml': 'a:\n  note: open-sesame: x\n' }, declared)).not.toContain('sesame');
    expect(await refusal({ 'app.hcl': 'port = 8080 +\n' }, declared)).toContain('port = 8080 +');
    expect(await refusal({ 'app.hcl': 'port = 8080 +\n' }, { secretKeys: ['*'] })).not.toContain('8080');
  });

  test('is not shown by two files that both have it', async () => {
    const texts = { 'a.yaml': 'note: open\n', 'b.yaml': 'note: sesame\n' };
    const told = await refusal(texts, { secretKeys: ['note'] });
    expect(told).toContain('note: ***');
    expect(told).not.toContain('sesame');
  });
});

test('what is in a table under a secret name is not shown, however short', async () => {
  const told = await toldAt('app.toml', '[credentials]\nport = 1\npin = "xyz"\nuser = "abc"\n', [
    'credentials',
    'user',
  ]);
  expect(told).toContain('user = ***');
});

test('what stands behind a secret on its line is looked at, too', async () => {
  const text = '{ "credentials": { "user": "somebody", "pass": "open-sesame" }, "note": "open-sesame" }';
  expect(await toldAt('app.json', text, ['note'])).toBe('app.json:1:73: note: no');
});

test('what a schema made of a value is shown as it shows itself', async () => {
  const { secrets } = await whole('app.json', '{}');
  const self = { toJSON: () => self, port: 1 };
  expect(secrets.redact({ at: new Date(0), hidden: new Secret('open-sesame'), self })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    hidden: '***',
    self: { toJSON: '(function)', port: 1 },
  });
});

test('a secret in the place of a name that refers to it is not told', async () => {
  const told = await refusal({
    'a.hcl':
      'a = env("redis://app:open-sesame@r")\nb = env("open sesame")\nc = secret("app:open-sesame@r")\n',
  });
  expect(told).toContain('The environment variable \\"***\\" cannot be used');
  expect(told).not.toContain('sesame');
});

test.each([
  'redis://app:se/cr?et#x@host',
  'app:open-sesame@tcp(db:3306)/orders',
  '//app:open-sesame@host/db',
  'the text app:open-sesame@host',
  'redis://:1234@host',
  'access_token:open-sesame',
])('looks like a secret: %s', (text) => expect(looksSecret(text)).toBe(true));

test.each([
  'http://host:8080/@me',
  'http://host:8080',
  'mailto:somebody@example.com',
  'somebody@example.com',
  'git@example.com:org/repository',
  'registry.example.com/redis:7@sha256:abcdef',
  'npm:package@1.2.3',
  '10:30',
  'password: it must have 12 characters',
])('does not look like a secret: %s', (text) => expect(looksSecret(text)).toBe(false));
