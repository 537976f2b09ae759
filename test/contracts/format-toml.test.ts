import { describe, expect, test } from 'vitest';
import { describeFormat, document, problem, read } from './format.contract.ts';

describeFormat('TOML', {
  files: ['app.toml'],
  sample: `name = "straße ✓" # a comment
limits."odd key" = -3
[server]
port = 8080
ratio = 0.5
tls = false
hosts = [ "a", # one
  'b' ]
`,
  places: [
    [['name'], 1, 8],
    [['limits', 'odd key'], 2, 20],
    [['server'], 3, 2],
    [['server', 'port'], 4, 8],
    [['server', 'hosts', 1], 8, 3],
    [['server', 'missing', 'more'], 3, 2],
  ],
  duplicate: 'a = 1\na = 2\n',
  forbiddenKey: '[__proto__]\npolluted = 1\n',
  number: (text) => `n = ${text}\n`,
  nested: (levels) => `a = ${'['.repeat(levels)}${']'.repeat(levels)}\n`,
  broken: 'a = 1\nb = yes\n',
  brokenSecret: (secret) => `a = 1\npassword = { x = "${secret}", y = yes }\n`,
  long: (characters) => `# ${'x'.repeat(characters)}\na = 1\n`,
});

describe('TOML', () => {
  test('gives dates and times as texts', async () => {
    const text = 'a = 1979-05-27\nb = 1979-05-27T07:32:00Z\nc = 07:32:00\nd = 1979-05-27T07:32:00\n';
    expect(document(await read('a.toml', text)).value).toEqual({
      a: '1979-05-27',
      b: '1979-05-27T07:32:00.000Z',
      c: '07:32:00.000',
      d: '1979-05-27T07:32:00.000',
    });
  });

  test('tells the places of values in lists of tables, inline tables, dotted and quoted keys and long texts', async () => {
    const text = `[[l]]
a.b."c\\u0064" = """
x]"""
[[l]]
a = { k = [1, { z = '''y''' }], 'q.q' = 2 } # }
[[l.m]]
z = 1
[l.x.deep]
z = 2
`;
    const toml = document(await read('a.toml', text));
    expect(toml.value).toEqual({
      l: [
        { a: { b: { cd: 'x]' } } },
        { a: { k: [1, { z: 'y' }], 'q.q': 2 }, m: [{ z: 1 }], x: { deep: { z: 2 } } },
      ],
    });
    expect(toml.locate(['l', 0, 'a', 'b', 'cd'])).toMatchObject({ line: 2, column: 17 });
    expect(toml.locate(['l', 1, 'a', 'k', 1, 'z'])).toMatchObject({ line: 5, column: 21 });
    expect(toml.locate(['l', 1, 'a', 'q.q'], 'key')).toMatchObject({ line: 5, column: 33 });
    expect(toml.locate(['l', 1, 'm', 0, 'z'])).toMatchObject({ line: 7, column: 5 });
  });

  test('refuses a table whose name has 100000 levels', async () => {
    expect(problem(await read('a.toml', `[${'a.'.repeat(100_000)}a]\n`))).toMatchObject({ code: 'LIMIT' });
  });

  test('refuses what is no number a program can work with', async () => {
    for (const text of ['a = inf\n', 'a = nan\n']) {
      expect(problem(await read('a.toml', text)).message).toContain('finite');
    }
  });
});
