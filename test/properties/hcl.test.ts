import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { DEPTH_MAX } from '../../src/config/formats/config-node.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import { damaged, hclText } from './hcl-texts.ts';
import { readHcl } from './hcl-oracle.ts';

const token = fc.constantFrom(
  ...'{ } [ ] ( ) = : , . " \' \n # // /* */ << <<- <<EOT\n EOT\n ${ %{ ~} } + - * / % ! ? && || == < >= => :: ... a for in if env( upper( file( secret( jsondecode( null true 1 1.5 1e9 0x "a" \\ \\u \r \r\n é 😀 \0 _ -'.split(
    ' ',
  ),
);

const anyText = fc.oneof(
  fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join('')),
  fc.array(token, { maxLength: 60 }).map((tokens) => `a = ${tokens.join(' ')}\n`),
  fc.string({ unit: 'binary' }),
  damaged(damaged(hclText)),
);

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  anyText.map((text) => Buffer.from(text)),
);

const references = { environment: { a: 'x' }, secret: () => Promise.resolve('hunter2-hunter2') };

describe('any bytes as HCL', () => {
  test.prop([anyBytes], { numRuns: 1500 })(
    'are a value or problems in their places, never neither or both',
    async (bytes) => {
      const reading = await readConfig([{ name: 'a.hcl', bytes }], references);
      if (reading.ok) {
        expect(depthOf(reading.document.value)).toBeLessThanOrEqual(DEPTH_MAX + 1);
        return;
      }
      expect(reading.diagnostics.length).toBeGreaterThan(0);
      const lines = Buffer.from(bytes).toString().split('\n');
      for (const { line, column, message, excerpt } of reading.diagnostics) {
        expect(message).toMatch(/\.$/);
        expect(JSON.stringify([message, excerpt])).not.toContain('hunter2');
        if (line === null || column === null) continue;
        expect(lines.length).toBeGreaterThanOrEqual(line);
        // One behind the last character is where something is missing; the byte order mark has no column.
        expect(column).toBeLessThanOrEqual(Array.from(lines[line - 1] ?? '').length + 1);
      }
    },
  );

  test.prop([anyText], { numRuns: 200 })('mean the same when read again', (text) => {
    const [one, other] = [readHcl(text), readHcl(text)];
    expect(one.diagnostics).toEqual(other.diagnostics);
    expect(one.node === null).toBe(other.node === null);
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the time HCL takes', () => {
  const repeat = (piece: string) => (count: number) => piece.repeat(count);
  /** Texts of a length in proportion to their count, of the kinds that parsers stumble over. */
  const hard: Readonly<Record<string, (count: number) => string>> = {
    attributes: (count) => Array.from({ length: count }, (_, n) => `k${n} = ${n}\n`).join(''),
    blocks: repeat('b "x" {\n}\n'),
    'open brackets': (count) => `a = ${'['.repeat(count)}`,
    'open blocks': repeat('a {\n'),
    'open interpolations': (count) => `a = ${'"${'.repeat(count)}`,
    'open heredocs': repeat('a = <<EOT\n'),
    'heredocs without an end': (count) => `a = <<E\n${'E \nE'.repeat(count)}`,
    'indented heredocs': (count) => `a = <<-E\n${'    x\n'.repeat(count)}E\n`,
    'long lines of text': (count) => `a = "${'x$'.repeat(count)}"\n`,
    escapes: (count) => `a = "${'\\n'.repeat(count)}"\n`,
    interpolations: (count) => `a = "${'${1}'.repeat(count)}"\n`,
    sums: (count) => `a = 1${' + 1'.repeat(count)}\n`,
    signs: (count) => `a = ${'-'.repeat(count)}1\n`,
    conditions: (count) => `a = ${'true ? 1 : '.repeat(count)}1\n`,
    steps: (count) => `a = 1${'[0]'.repeat(count)}\n`,
    comments: repeat('/* */ # x\n'),
    'open comments': repeat('/*'),
    'line breaks in a list': (count) => `a = [${'\n'.repeat(count)}]\n`,
    keys: (count) => `a = {${Array.from({ length: count }, (_, n) => `k${n} = 1`).join(', ')}}\n`,
    calls: (count) => `a = [${'upper("x"), '.repeat(count)}]\n`,
    labels: (count) => `a ${'"x" '.repeat(count)}{}\n`,
    digits: (count) => `a = ${'1'.repeat(count)}\n`,
    'one long line of errors': repeat('a = ? '),
    'the same name': repeat('a = 1\n'),
  };

  const measure = (text: string) => {
    const started = process.threadCpuUsage();
    readHcl(text);
    const { user, system } = process.threadCpuUsage(started);
    return (user + system) / 1000;
  };

  test.each(Object.keys(hard))('grows with the length of the text, not faster: %s', (kind) => {
    const text = hard[kind] ?? repeat('');
    const ofLength = (length: number) => text(Math.ceil(length / (text(1000).length / 1000)));
    const [short, long] = [ofLength(25_000), ofLength(200_000)];
    measure(short);
    const once = Math.min(measure(short), measure(short));
    const eightTimes = measure(long);
    // In the square it would take 64 times as long; below some milliseconds, all is noise.
    expect(eightTimes).toBeLessThan(once * 24 + 60);
  });
});
