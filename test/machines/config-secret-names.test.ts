/** Which names are taken for those of secrets, misspelt ones included, and what of a broken line is shown. */
import { describe, expect, test } from 'vitest';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import { isSecretName } from '../../src/config/redact-names.ts';

test.each([
  'pasword',
  'dbPasswrod',
  'db_passwor',
  'secert',
  'client-secrt',
  'tokn',
  'toekn',
  'acess_tokn',
  'credentals',
  'apikye',
  'dbpasword',
  'pw',
])('a slip of the keyboard makes no secret plain: %s', (name) => expect(isSecretName(name)).toBe(true));

test.each([
  'passport',
  'passive',
  'section',
  'broken',
  'kept',
  'name',
  'renewalIntervalSeconds',
  'compass',
  'wait_replicas',
  'channel',
])('a word that only resembles one is no secret: %s', (name) => expect(isSecretName(name)).toBe(false));

describe('a line that cannot be read', () => {
  const lines: readonly (readonly [file: string, text: string])[] = [
    ['app.hcl', 'db {\n  pasword = "open-sesame-please\n}\n'],
    ['app.hcl', 'db {\n  pw = "open-sesame-please" +\n}\n'],
    ['app.hcl', 'key_of_nothing = 1\nx = "a1opensesame77" +\n'],
    ['app.yaml', 'db:\n  pasword: open-sesame-please: x\n'],
    ['app.json', '{ "db": { "tokn": "open-sesame-please", "a": 1 "x": 2 } }'],
    ['app.json', '{ "db": { "what": "a1opensesame77", "a": 1 "x": 2 } }'],
    ['app.toml', 'secert = "open-sesame-please" x\n'],
  ];
  test.each(lines)(
    'of %s shows no secret under a misspelt name, and none that looks drawn by lot: %s',
    async (name, text) => {
      const reading = await readConfig([{ name, bytes: Buffer.from(text) }], { environment: {} });
      if (reading.ok) throw new Error('it was read');
      const told = reading.diagnostics.map(showDiagnostic).join('\n');
      expect(told).toContain(name);
      expect(told).not.toMatch(/open|sesame/);
    },
  );

  test('is shown where nothing in it could be secret', async () => {
    const bytes = Buffer.from('server {\n  port = 8080 +\n}\n');
    const reading = await readConfig([{ name: 'app.hcl', bytes }], { environment: {} });
    if (reading.ok) throw new Error('it was read');
    expect(reading.diagnostics.map(showDiagnostic).join('\n')).toContain('port = 8080 +');
  });
});
