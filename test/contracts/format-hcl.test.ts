import { describe, expect, test } from 'vitest';
import { describeFormat, document, problem, read } from './format.contract.ts';

describeFormat('HCL', {
  files: ['app.hcl', 'app.honua', 'app.conclave'],
  sample: `name = "straße ✓" # a comment
server {
  port  = 8080 // another
  ratio = 0.5
  tls   = false
  hosts = ["a", /* 😀 */ "b"]
}
limits = { "odd key" = -3 }
`,
  places: [
    [['name'], 1, 8],
    [['server', 'port'], 3, 11],
    [['server', 'hosts', 1], 6, 25],
    [['limits', 'odd key'], 8, 24],
    [['server', 'missing', 'more'], 2, 1],
  ],
  duplicate: 'a = 1\na = 2\n',
  forbiddenKey: '__proto__ {\n  polluted = 1\n}\n',
  number: (text) => `n = ${text}\n`,
  nested: (levels) => `a = ${'['.repeat(levels)}${']'.repeat(levels)}\n`,
  broken: 'a = 1\nb = yes\n',
  brokenSecret: (secret) => `a = 1\nb = { password = "${secret}", c = yes }\n`,
  long: (characters) => `# ${'x'.repeat(characters)}\na = 1\n`,
});

const valueOf = async (text: string, references = {}) =>
  document(await read('a.hcl', text, references)).value;

describe('blocks in HCL', () => {
  test('are objects, lists of objects when repeated, and each label is one more key', async () => {
    const text = `
      conclave { version = "1.0" }
      cache "redis" { enabled = true  prefix = "my:" }
      cache memory {}
      step { n = 1 }
      step {
        n = 2
      }
      route "a" "b" { x = 1 }
      route "a" "b" { x = 2 }
    `;
    expect(await valueOf(text)).toEqual({
      conclave: { version: '1.0' },
      cache: { redis: { enabled: true, prefix: 'my:' }, memory: {} },
      step: [{ n: 1 }, { n: 2 }],
      route: { a: { b: [{ x: 1 }, { x: 2 }] } },
    });
  });

  test.for([
    ['a = 1\na {}\n', 'line 1 as an attribute'],
    ['a {}\na = 1\n', 'already defined on line 1'],
    ['a {}\na "x" {}\n', 'another number of labels'],
    ['a "x" {}\na {}\n', 'another number of labels'],
    ['a "x" {}\na "x" "y" {}\n', 'another number of labels'],
    ['a "${1}" {}\n', 'label'],
    [`a ${'"x" '.repeat(9)}{}\n`, 'at most 8 labels'],
  ] as const)('refuse %j: %s', async ([text, words]) => {
    expect(problem(await read('a.hcl', text)).message).toContain(words);
  });
});

describe('texts in HCL', () => {
  test.for([
    ['"a\\n\\t\\"\\\\\\u00e9\\U0001F600"', 'a\n\t"\\é😀'],
    ['"$${x} %%{y} $ % $$ {"', '${x} %{y} $ % $$ {'],
    ['"$$${1}"', '$${1}'],
    ['"a${1 + 1}b${"c"}${true}"', 'a2bctrue'],
    ['"${0.0000001} ${1.5}"', '0.0000001 1.5'],
    ['"${"in ${"in"}"}"', 'in in'],
    ['<<EOT\n  a\n\n b "x" \\n $${y} ${1}\n  EOT\n', '  a\n\n b "x" \\n ${y} 1\n'],
    ['<<-EOT\n    a\n  \n      b\n    EOT\n', 'a\n  \n  b\n'],
    ['<<-EOT\n  ${"a"}\n   b\nEOT\n', 'a\n b\n'],
    ['<<EOT\nEOT\n', ''],
    ['<<EOT\na\r\nEOT\r\n', 'a\n'],
  ] as const)('%j is %j', async ([text, value]) => {
    expect(await valueOf(`v = ${text}\n`)).toEqual({ v: value });
  });

  test.for([
    ['"%{if x}"', 'Template directives'],
    ['"${~ 1}"', 'Strip markers'],
    ['"${1 ~}"', 'Strip markers'],
    ['"a\nb"', 'not closed on its line'],
    ['"\\x"', 'no such escape'],
    ['"\\ud83d"', 'not the number of a character'],
    ['"${1"', 'interpolation is not closed'],
    ['"${null}x"', 'not null'],
    ['"${[]}x"', 'not a list or an object'],
    ['<<EOT\nx\n', 'heredoc is not closed'],
    ['<<EOT\nx\nEOT', 'ends with a line break'],
    ['<< EOT\nx\nEOT\n', 'A heredoc begins with'],
  ] as const)('%j is refused: %s', async ([text, words]) => {
    expect(problem(await read('a.hcl', `v = ${text}`)).message).toContain(words);
  });
});

describe('expressions in HCL', () => {
  test.for([
    ['1 + 2 * 3 - 4 / 2', 5],
    ['(1 + 2) * 3', 9],
    ['7 % 4', 3],
    ['-2 - -3', 1],
    ['!false && (1 < 2 || 2 <= 1)', true],
    ['1 == 1 && "a" != "b" && 1 != "1"', true],
    ['3 > 2 ? "yes" : "no"', 'yes'],
    ['false ? 1 : true ? 2 : 3', 2],
    ['[1, [2, 3]][1][0]', 2],
    ['[1, [2, 3]][1\n][\n0\n\n]', 2],
    ['{ a = { "b c" = 4 } }.a["b c"]', 4],
    ['"${5}"', 5],
    ['012', 12],
    ['1e3', 1000],
    ['-0', 0],
    [
      '{ a: 1, "b" = 2\n  c = 3\n\n  (upper("d")) = 4, 5 = 6, for = 7 }',
      { a: 1, b: 2, c: 3, D: 4, 5: 6, for: 7 },
    ],
    ['[\n  1, # one\n  2,\n]', [1, 2]],
    [`${'1 + '.repeat(20_000)}1`, 20_001],
  ] as const)('%j is %j', async ([text, value]) => {
    expect(await valueOf(`v = ${text}\n`)).toEqual({ v: value });
  });

  test.for([
    ['[for x in [1] : x]', 'for expressions are not supported'],
    ['{for k, v in {} : k => v}', 'for expressions are not supported'],
    ['[1][*]', 'Splats'],
    ['[1].*.a', 'Splats'],
    ['[1].0', 'Write [0] instead'],
    ['max([1]...)', 'Spreading'],
    ['core::upper("a")', 'namespace'],
    ['uper("a")', 'Did you mean upper()?'],
    ['var.x', 'bare word'],
    ['yes', 'Use true or false'],
    ['None', 'Use null'],
    ['30s', 'double quotes'],
    ["'x'", 'Use double quotes'],
    ['1 / 0', 'divides by zero'],
    ['1 + "2"', 'Here goes a number, not a text'],
    ['"a" < "b"', 'Here goes a number, not a text'],
    ['!1', 'Here goes true or false, not a number'],
    ['[] + 1', 'a list or an object'],
    ['9007199254740991 + 1', 'cannot be held exactly'],
    ['[1][1]', 'has 1 items'],
    ['{ a = 1 }.b', 'no such key'],
    ['{ a = 1, a = 2 }', 'already defined on line 1'],
    ['{ a.b = 1 }', 'goes in parentheses'],
    ['1 2', 'line should end'],
    ['[1 2]', 'goes a comma'],
    ['(1', 'not closed'],
    ['', 'A value is missing'],
    ['1 ? 2', 'both values'],
    ['a::b', 'namespace'],
    ['/* x', 'comment is not closed'],
    ['1; ', 'semicolon'],
  ] as const)('%j is refused: %s', async ([text, words]) => {
    expect(problem(await read('a.hcl', `v = ${text}\n`)).message).toContain(words);
  });

  test('are refused with all that is wrong, each in its place', async () => {
    const reading = await read('a.hcl', 'a = 1 / 0\nb = 2\nc = env("NOWHERE")\nb = 3\n');
    if (reading.ok) throw new Error('it was read');
    expect(reading.diagnostics.map(({ line, column, code }) => [line, column, code])).toEqual([
      [1, 7, 'VALUE'],
      [3, 5, 'REFERENCE'],
      [4, 1, 'DUPLICATE_KEY'],
    ]);
  });
});

describe('functions in HCL', () => {
  test.for([
    ['upper("aé")', 'AÉ'],
    ['lower("AÉ")', 'aé'],
    ['trimspace("  a \\n")', 'a'],
    ['coalesce(null, "", "a", "b")', 'a'],
    ['min(3, 1, 2)', 1],
    ['max(3, 1, 2)', 3],
    ['base64decode("w6k=")', 'é'],
    ['jsondecode("{\\"a\\": [1, null, \\"x\\"]}")', { a: [1, null, 'x'] }],
  ] as const)('%s is %j', async ([text, value]) => {
    expect(await valueOf(`v = ${text}\n`)).toEqual({ v: value });
  });

  test.for([
    ['upper()', 'got 0 arguments; it takes upper(text)'],
    ['upper(1)', 'Here goes a text, not a number'],
    ['coalesce(null, "")', 'last resort'],
    ['base64decode("!")', 'not Base64'],
    ['base64decode("/w==")', 'no text in UTF-8'],
    ['jsondecode("{")', 'not JSON'],
    ['jsondecode("{\\"__proto__\\": 1}")', '__proto__'],
    ['jsondecode("9007199254740993")', 'cannot be held exactly'],
    [`jsondecode("${'['.repeat(80)}${']'.repeat(80)}")`, 'levels'],
    ['min("a")', 'Here goes a number'],
  ] as const)('%s is refused: %s', async ([text, words]) => {
    expect(problem(await read('a.hcl', `v = ${text}\n`)).message).toContain(words);
  });
});

describe('an error in HCL beside a secret', () => {
  test.for([
    ['v = { password = ["a",\n  "hunter2"], b = yes }\n', 2],
    ['v = { password = "hunter2", b = 1 / 0 }\n', 1],
    ['v = { password = <<EOT\nhunter2\nEOT\n, b = yes }\n', 4],
    ['password {\n  a = "hunter2" 1\n}\n', 2],
    ['a = "pass\nword = "hunter2"\nb = "\n', 1],
    ['b = truetoken = "hunter2"\n', 1],
    ['password "hunter2"\n', 1],
    ['a = [1 2] // password = hunter2\n', 1],
  ] as const)('is told without it: %j', async ([text, line]) => {
    const refused = problem(await read('a.hcl', text));
    expect(refused.line).toBe(line);
    expect(refused.shown).not.toContain('hunter2');
  });

  test('still shows the line and the caret', async () => {
    expect(problem(await read('a.hcl', 'v = { n = 1 / 0, password = "hunter2" }\n')).shown).toBe(
      'a.hcl:1:13: This divides by zero.\n  v = { n = 1 / 0, password = *** }\n              ^',
    );
  });
});
