import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as one } from 'vitest';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import { changesBetween } from '../../src/config/difference.ts';
import type { FormatName } from '../../src/config/formats/config-format.ts';
import { type ConfigValue, walk } from '../../src/config/formats/config-node.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import { writeConfig } from '../../src/config/formats/write-config.ts';
import { asOracle, askOracle, readHcl } from './hcl-oracle.ts';

const formats: readonly FormatName[] = ['hcl', 'json', 'yaml', 'toml'];

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(...Array.from('${}%"\'\\\n\r\t #:-=,[]|>&*!?@`~<é😀\u0085\u2028\u0007')),
  }),
  fc.constantFrom(
    'yes',
    'no',
    'null',
    '~',
    '12:30',
    '1e3',
    '0x1F',
    '.inf',
    '<<',
    '-',
    '',
    ' x ',
    '1979-05-27',
    '=',
    '0o7',
  ),
);
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((each) => !Number.isInteger(each) && Math.abs(each) > 1e-300),
);
const identifier = fc.constantFrom('a', 'b', 'c_1', 'd-e', 'straße', '_x', 'for', 'true', 'null', 'key');
const key = fc.oneof(
  identifier,
  text.filter((each) => each !== '__proto__'),
);

const { value, object } = fc.letrec<{ value: ConfigValue; object: Record<string, ConfigValue> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(text, number, fc.boolean()),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));
const config = fc.dictionary(identifier, value, { maxKeys: 5, noNullPrototype: true });

async function readAs(format: FormatName, written: string) {
  const reading = await readConfig([{ name: `a.${format}`, bytes: Buffer.from(written) }], {
    environment: {},
  });
  if (!reading.ok) throw new Error(reading.diagnostics.map(showDiagnostic).join('\n'));
  return reading.document;
}

/** Minus zero is written and read as zero. Not through JSON.parse, which has been seen to mistake one key for another. */
function withoutMinusZero(given: unknown): unknown {
  if (given === 0) return 0;
  if (Array.isArray(given)) return given.map(withoutMinusZero);
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, withoutMinusZero(each)]));
}

describe.each(formats)('a configuration written as %s', (format) => {
  test.prop([config], { numRuns: 150 })('reads back as the same values', async (given) => {
    fc.pre(Object.keys(given).length > 0);
    const { value: back } = await readAs(format, writeConfig(given, format));
    // As text: it tells apart what toEqual takes for the same, and takes nothing for different that is not.
    expect(JSON.stringify(sorted(back))).toBe(JSON.stringify(sorted(withoutMinusZero(given))));
  });

  test.prop([config], { numRuns: 80 })('knows where each value stands', async (given) => {
    fc.pre(Object.keys(given).length > 0);
    const written = writeConfig(given, format);
    const { root } = await readAs(format, written);
    let last = 0;
    walk(root, (node) => {
      const source = written.slice(node.at, node.end);
      if (node.kind === 'scalar' && typeof node.value !== 'string')
        expect(Number(source)).toBe(toNumber(node.value));
      if (node.kind === 'scalar' && typeof node.value === 'string' && /^[a-z]+$/.test(node.value)) {
        expect(source).toContain(node.value);
      }
      // Scalars come in the order of the text; what a table or a block spans is its own.
      if (node.kind === 'scalar') {
        expect(node.at).toBeGreaterThanOrEqual(format === 'toml' ? 0 : last);
        last = node.at;
      }
      return true;
    });
  });

  test.prop(
    [
      fc.oneof(
        fc.string({ unit: 'binary' }),
        config.map((given) => writeConfig(given, format)),
      ),
      fc.nat(),
      fc.string({ maxLength: 3 }),
    ],
    {
      numRuns: 300,
    },
  )('is a value or problems, however it is damaged', async (whole, where, inserted) => {
    const cut = where % (whole.length + 1);
    const bytes = Buffer.from(whole.slice(0, cut) + inserted + whole.slice(cut + 1));
    const reading = await readConfig([{ name: `a.${format}`, bytes }], { environment: {} });
    if (reading.ok)
      expect(JSON.parse(JSON.stringify(reading.document.value))).toEqual(reading.document.value);
    else expect(reading.diagnostics.length).toBeGreaterThan(0);
  });
});

function toNumber(given: unknown): number {
  return typeof given === 'boolean' ? Number.NaN : Number(given);
}

describe('a configuration written as HCL', () => {
  test.prop([config], { numRuns: 100 })('means the same to HashiCorp’s parser', async (given) => {
    const written = writeConfig(given, 'hcl');
    const { node } = readHcl(written);
    // Theirs has no key in front of an equals sign that begins a `for` expression.
    fc.pre(node !== null && !/[{[]\s*for\b/.test(written));
    if (node !== null) expect(await askOracle(written)).toEqual({ value: asOracle(node) });
  });

  one('refuses a key at its top that is no name', () => {
    expect(() => writeConfig({ 'odd key': 1 }, 'hcl')).toThrow('HCL has no key "odd key" at its top');
  });
});

one('a configuration with null cannot be written as TOML, and the message says where they are', () => {
  expect(() => writeConfig({ a: { b: [1, null] }, c: null }, 'toml')).toThrow('has 2: a.b[1], c.');
  for (const format of ['hcl', 'json', 'yaml'] as const) {
    expect(writeConfig({ a: null }, format)).toContain('null');
  }
});

describe('differences', () => {
  test.prop([object, object])(
    'lead from one configuration to the other, and there are none exactly if they are equal',
    (before, after) => {
      const changes = changesBetween(before, after);
      expect(changes.length === 0).toBe(JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)));
      for (const { path, change, before: old, after: young } of changes) {
        if (change !== 'added') expect(at(before, path)).toEqual(old);
        if (change !== 'removed') expect(at(after, path)).toEqual(young);
        expect(change).toBe(old === undefined ? 'added' : young === undefined ? 'removed' : 'changed');
      }
      const back = changesBetween(after, before);
      expect(new Set(back.map(({ path }) => JSON.stringify(path)))).toEqual(
        new Set(changes.map(({ path }) => JSON.stringify(path))),
      );
    },
  );
});

function at(root: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inside, segment) => {
    const isThere = typeof inside === 'object' && inside !== null && Object.hasOwn(inside, segment);
    return isThere ? (inside as Record<string | number, unknown>)[segment] : undefined;
  }, root);
}

function sorted(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(sorted);
  if (typeof given !== 'object' || given === null) return given;
  const entries = Object.entries(given).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]));
}
