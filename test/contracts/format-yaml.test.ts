import { describe, expect, test } from 'vitest';
import { ALIASED_VALUES_MAX } from '../../src/config/formats/yaml-format.ts';
import { describeFormat, document, problem, read } from './format.contract.ts';

describeFormat('YAML', {
  files: ['app.yaml', 'app.yml'],
  sample: `name: straße ✓ # a comment
server:
  port: 8080
  ratio: 0.5
  tls: false
  hosts:
    - a
    - "b"
limits: { odd key: -3 }
`,
  places: [
    [['name'], 1, 7],
    [['server', 'port'], 3, 9],
    [['server', 'hosts', 1], 8, 7],
    [['limits', 'odd key'], 9, 20],
    [['server', 'missing', 'more'], 2, 1],
  ],
  duplicate: 'a: 1\na: 2\n',
  forbiddenKey: '__proto__: { polluted: 1 }\n',
  number: (text) => `n: ${text}\n`,
  nested: (levels) => `a: ${'['.repeat(levels)}${']'.repeat(levels)}\n`,
  broken: 'a: 1\nb: @x\n',
  brokenSecret: (secret) => `a: 1\npassword: "${secret}" x: @\n`,
  long: (characters) => `# ${'x'.repeat(characters)}\na: 1\n`,
});

describe('YAML', () => {
  test('is YAML 1.2: yes, no and on are texts, 0o17 is a number, 1979-05-27 is a text', async () => {
    const text = 'a: yes\nb: no\nc: on\nd: 0o17\ne: 1979-05-27\nf: ~\n8080: x\ntrue: y\n';
    const value = { a: 'yes', b: 'no', c: 'on', d: 15, e: '1979-05-27', f: null, '8080': 'x', true: 'y' };
    expect(document(await read('a.yaml', text)).value).toEqual(value);
  });

  test('repeats what an alias names, and tells the place of the alias', async () => {
    const text = 'a: &x { k: [1] }\nb: *x\nc:\n  <<: [*x, { k: 2, l: 3 }]\n  m: 4\n';
    const read1 = document(await read('a.yaml', text));
    expect(read1.value).toEqual({ a: { k: [1] }, b: { k: [1] }, c: { m: 4, k: [1], l: 3 } });
    expect(read1.locate(['b'])).toMatchObject({ line: 2, column: 4 });
  });

  test('refuses aliases that make billions of values, at once', async () => {
    const levels = Array.from(
      { length: 30 },
      (_, n) => `a${n}: &a${n} [${n === 0 ? '1' : `*a${n - 1}, *a${n - 1}`}]\n`,
    );
    const refused = problem(await read('a.yaml', levels.join('')));
    expect(refused).toMatchObject({ code: 'LIMIT' });
    expect(refused.message).toContain(String(ALIASED_VALUES_MAX));
  });

  test('refuses an alias inside of what it names', async () => {
    expect(problem(await read('a.yaml', 'a: &x [*x]\n')).message).toContain('no anchor');
  });

  test.for([
    ['a: !mine x\n', 'Tags'],
    ['a: !!binary aGk=\n', 'not supported'],
    ['a: .inf\n', 'finite'],
    ['a: .nan\n', 'finite'],
    ['? [1]\n: x\n', 'plain text'],
    ['a: 1\n---\nb: 2\n', 'one document'],
    ['a:\n\tb: 1\n', 'tabs'],
    ['a: "\\q"\n', 'escape'],
    ['a: [1, 2', 'not closed'],
    ['a: "x', 'missing'],
    ['a: b: c\n', 'two keys'],
    ['a: *none\n', 'anchor'],
    ['- 1\n- 2\n', 'keys with values'],
    ['# nothing\n', 'no value'],
  ] as const)('refuses %j: %s', async ([text, words]) => {
    expect(problem(await read('a.yaml', text)).message).toContain(words);
  });
});
