import { expect, test } from 'vitest';
import { describeFormat, document, problem, read } from './format.contract.ts';

describeFormat('JSON', {
  files: ['app.json', 'app.jsonc', 'APP.JSON'],
  sample: `{
  "name": "straße ✓", // a comment
  "server": { "port": 8080, "ratio": 0.5, "tls": false,
    "hosts": ["a", "b"] },
  /* 😀 */ "limits": { "odd key": -3 },
}
`,
  places: [
    [['name'], 2, 11],
    [['server', 'port'], 3, 23],
    [['server', 'hosts', 1], 4, 20],
    [['limits', 'odd key'], 5, 34],
    // Leads nowhere: the last place on the way.
    [['server', 'missing', 'more'], 3, 3],
  ],
  duplicate: '{"a": 1,\n"a": 2}',
  forbiddenKey: '{"__proto__": {"polluted": 1}}',
  number: (text) => `{"n": ${text}}`,
  nested: (levels) => `{"a": ${'['.repeat(levels)}${']'.repeat(levels)}}`,
  broken: '{"a": 1,\n"b": yes}',
  brokenSecret: (secret) => `{"a": 1,\n"password": "${secret}", "b": yes}`,
  long: (characters) => `/* ${'x'.repeat(characters)} */ {"a": 1}`,
});

test.for([
  ['{"a": 1 "b": 2}', 9, 'comma'],
  ['{"a" 1}', 6, 'colon'],
  ['{"a": "x}', 7, 'not closed'],
  ['{"a": 1', 8, 'closing }'],
  ['{"a": [1', 9, 'closing ]'],
  ['{"a": 1} {', 10, 'nothing may follow'],
  ['{"a": "\\q"}', 7, 'escape'],
  ['{"a": 01}', 8, 'comma'],
  ['{"a": "\\ud800"}', 7, 'surrogate'],
  ['/* x', 1, 'not closed'],
] as const)('JSON %j is refused at column %i for its %s', async ([text, column, words]) => {
  const refused = problem(await read('a.json', text));
  expect(refused.message).toContain(words);
  expect(refused.column).toBe(column);
});

test('JSON of minus zero is zero', async () => {
  expect(Object.is((document(await read('a.json', '{"a": -0}')).value as { a: number }).a, 0)).toBe(true);
});

test('JSON that is no object is refused', async () => {
  for (const text of ['[]', '1', 'null', '"x"']) {
    expect(problem(await read('a.json', text)).message).toContain('keys with values');
  }
});

test('a file whose name tells no format is refused with the names that do', async () => {
  expect(problem(await read('app.jsn', '{}')).shown).toBe(
    "app.jsn: The end of the file's name does not tell its format. Did you mean .json? " +
      'It is one of .hcl, .honua, .conclave, .json, .jsonc, .yaml, .yml, .toml.',
  );
});
