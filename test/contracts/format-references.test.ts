/** What a configuration refers to: the environment, files, secrets; all of it given, none of it shown. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Dependency,
  digestDependencies,
  REFERENCES_MAX,
  REFERRED_CHARACTERS_MAX,
} from '../../src/config/formats/references.ts';
import { FILE_BYTES_MAX } from '../../src/config/formats/source-text.ts';
import { document, problem, read } from './format.contract.ts';

let base = '';
let root = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'conclave-references-'));
  root = join(base, 'root');
  mkdirSync(join(root, 'certificates'), { recursive: true });
  writeFileSync(join(base, 'outside.txt'), 'outside');
  writeFileSync(join(root, 'certificates', 'ca.pem'), 'certificate ✓\n');
  writeFileSync(join(root, 'large'), 'x'.repeat(FILE_BYTES_MAX + 1));
  writeFileSync(join(root, 'binary'), Buffer.from([0xff, 0x00]));
  symlinkSync('certificates/ca.pem', join(root, 'inside'));
  symlinkSync('../outside.txt', join(root, 'leads-out'));
  symlinkSync(base, join(root, 'directory-out'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('file()', () => {
  test.for(['certificates/ca.pem', './certificates/../certificates/ca.pem', 'inside'])(
    'reads %s, as a secret',
    async (path) => {
      const reading = document(await read('a.hcl', `v = file("${path}")\n`, { root }));
      expect(reading.value).toEqual({ v: 'certificate ✓\n' });
      expect(reading.secrets.isSecret(['v'], 'certificate ✓\n')).toBe(true);
      expect(reading.dependencies).toMatchObject([{ kind: 'file', name: path, found: true }]);
    },
  );

  test.for([
    ['../outside.txt', 'outside the configuration directory'],
    ['../nothing-there', 'outside the configuration directory'],
    ['/etc/passwd', 'outside the configuration directory'],
    ['leads-out', 'leads outside'],
    ['directory-out/outside.txt', 'leads outside'],
    ['nothing-there', 'no such file'],
    ['certificates/ca.pem/more', 'no such file'],
    ['certificates', 'not a regular file'],
    ['fifo', 'not a regular file'],
    ['large', 'has more than'],
    ['binary', 'not UTF-8'],
    ['', 'not the path'],
    ['.', 'outside the configuration directory'],
  ] as const)('refuses %j: %s', async ([path, words]) => {
    const refused = problem(await read('a.hcl', `v = file("${path}")\n`, { root }));
    expect(refused).toMatchObject({ code: 'REFERENCE', line: 1, column: 5 });
    expect(refused.message).toContain(words);
  });

  test('is refused where no directory was given', async () => {
    expect(problem(await read('a.hcl', 'v = file("x")\n')).message).toContain('no configuration directory');
  });
});

describe('env()', () => {
  const environment = { NAME: 'pod-1', EMPTY: '', DB_PASSWORD: 'hunter2', URL: 'redis://u:p@h', ODD: 'x' };

  test('reads what is set, the empty text included, and falls back otherwise', async () => {
    const text =
      'a = env("NAME")\nb = env("EMPTY")\nc = env("NOT", "d")\nd = env("NOT", null)\ne = env("toString", 1)\n';
    expect(document(await read('a.hcl', text, { environment })).value).toEqual({
      a: 'pod-1',
      b: '',
      c: 'd',
      d: null,
      e: 1,
    });
  });

  test('without a default says which variable is not set, and what to do', async () => {
    expect(problem(await read('a.hcl', 'v = env("NOT")\n')).shown).toBe(
      'a.hcl:1:5: The environment variable "NOT" cannot be used: it is not set. ' +
        'Set it, or give a default: env(name, "default").\n  v = env("NOT")\n      ^',
    );
  });

  test('is secret by its name, by its looks, or if declared, however it is used', async () => {
    const text = `
      plain = env("NAME")
      named = env("DB_PASSWORD")
      looks = env("URL")
      marked = "x-\${env("ODD")}"
      upper = upper(env("DB_PASSWORD"))
      chosen = env("DB_PASSWORD") == "hunter2" ? 1 : 2
      inside = [{ a = env("DB_PASSWORD") }][0].a
      picked = { hunter2 = 1 }[env("DB_PASSWORD")]
    `;
    const { secrets, value } = document(
      await read('a.hcl', text, { environment, secretEnvironment: ['O*D'] }),
    );
    expect(secrets.redact(value)).toEqual({
      plain: 'pod-1',
      named: '***',
      looks: '***',
      marked: '***',
      upper: '***',
      chosen: '***',
      inside: '***',
      picked: '***',
    });
  });
});

describe('secret()', () => {
  test('asks the provider, all secrets at once, and once for each', async () => {
    const asked: string[] = [];
    const waiting: (() => void)[] = [];
    const secret = (reference: string) =>
      new Promise<string>((resolve) => {
        asked.push(reference);
        waiting.push(() => resolve(`value of ${reference}`));
        if (waiting.length === 2) for (const go of waiting) go();
      });
    const text = 'a = secret("one")\nb = "${secret("two")}!"\nc = secret("one")\n';
    const reading = document(await read('a.hcl', text, { secret }));
    expect(reading.value).toEqual({ a: 'value of one', b: 'value of two!', c: 'value of one' });
    expect(reading.secrets.redact(reading.value)).toEqual({ a: '***', b: '***', c: '***' });
    expect(asked).toEqual(['one', 'two']);
  });

  test('can be inside a secret text in JSON, of which the keys are secret, too', async () => {
    const secret = () => JSON.stringify({ user: 'admin', 'hunter2-key': 'hunter2-value' });
    const reading = document(await read('a.hcl', 'db = jsondecode(secret("db"))\n', { secret }));
    expect(reading.secrets.redact(reading.value)).toEqual({ db: '***' });
    expect(reading.secrets.shownPath(['db', 'hunter2-key'])).toEqual(['db']);
  });

  test('is never the name of anything, for names are shown', async () => {
    const secret = () => 'hunter2';
    for (const text of [
      'v = env(secret("x"))\n',
      'v = secret(secret("x"))\n',
      'v = { (secret("x")) = 1 }\n',
    ]) {
      const refused = problem(await read('a.hcl', text, { secret }));
      expect(refused.message).toContain('shown');
      expect(refused.shown).not.toContain('hunter2');
    }
  });

  test('that its provider cannot give now may be tried again; what the provider says is not repeated', async () => {
    const secret = () =>
      Promise.reject(Object.assign(new Error('token hunter2 expired'), { code: 'ETIMEDOUT' }));
    const reading = await read('a.hcl', 'v = secret("db")\n', { secret });
    expect(reading).toMatchObject({ ok: false, transient: true });
    expect(problem(reading).message).toBe('secret("db") cannot be used: its provider failed (ETIMEDOUT).');
    await expect(read('a.hcl', 'v = env("NOT")\n')).resolves.toMatchObject({ transient: false });
  });

  test('is refused where no provider was given', async () => {
    expect(problem(await read('a.hcl', 'v = secret("x")\n')).message).toContain('no provider of secrets');
  });
});

describe('references', () => {
  test('whose names come out of others are followed, not without end', async () => {
    const chain = (length: number) => ({
      text: `v = ${'env('.repeat(length)}"V0"${')'.repeat(length)}\n`,
      environment: Object.fromEntries(Array.from({ length }, (_, n) => [`V${n}`, `V${n + 1}`])),
    });
    const { text, environment } = chain(20);
    expect(document(await read('a.hcl', text, { environment })).value).toEqual({ v: 'V20' });
  });

  test('are limited in number', async () => {
    const text = (count: number) =>
      Array.from({ length: count }, (_, n) => `v${n} = env("N${n}", 1)\n`).join('');
    expect(document(await read('a.hcl', text(REFERENCES_MAX))).dependencies).toHaveLength(REFERENCES_MAX);
    // Not even the default: the variable may well be set.
    expect(problem(await read('a.hcl', text(REFERENCES_MAX + 1)))).toMatchObject({ code: 'LIMIT' });
  });

  test('are limited in what they stand for', async () => {
    const secret = () => 'x'.repeat(REFERRED_CHARACTERS_MAX / 2);
    const text = 'a = secret("1")\nb = secret("2")\n';
    await expect(read('a.hcl', text, { secret })).resolves.toMatchObject({ ok: true });
    expect(problem(await read('a.hcl', `${text}c = secret("3")\n`, { secret })).message).toContain(
      'characters',
    );
  });

  test('have a digest that changes with a value, with its absence, and with the key, whatever their order', () => {
    const one = new Dependency('env', 'A', 'x');
    const other = new Dependency('secret', 'A', 'y');
    const digest = digestDependencies([one, other], 'key');
    expect(digest).toBe(digestDependencies([other, one], 'key'));
    expect(digest).not.toBe(digestDependencies([one, other], 'other key'));
    expect(digest).not.toBe(digestDependencies([one, new Dependency('secret', 'A', 'z')], 'key'));
    expect(digest).not.toBe(digestDependencies([one, new Dependency('secret', 'A', null)], 'key'));
    expect(digestDependencies([], 'key')).toBeNull();
    expect(JSON.stringify([one, other])).toBe('[{"kind":"env","name":"A"},{"kind":"secret","name":"A"}]');
  });
});
