/** What every configuration format keeps, whatever it looks like. */
import { describe, expect, test } from 'vitest';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import type { ConfigDocument } from '../../src/config/formats/config-document.ts';
import { type ConfigReading, readConfig } from '../../src/config/formats/read-config.ts';
import type { ConfigReferences } from '../../src/config/formats/references.ts';
import { FILE_BYTES_MAX } from '../../src/config/formats/source-text.ts';

export interface FormatSamples {
  /** What its files are called. */
  readonly files: readonly string[];
  /** The same configuration in each format: {@link sampleValue}. */
  readonly sample: string;
  /** Where some of its values stand: path, line and column. */
  readonly places: readonly (readonly [path: readonly (string | number)[], line: number, column: number])[];
  /** The key `a` twice, in lines 1 and 2. */
  readonly duplicate: string;
  readonly forbiddenKey: string;
  /** `n = number`. */
  readonly number: (text: string) => string;
  /** `a` with so many levels of lists. */
  readonly nested: (levels: number) => string;
  /** Begins right and then, on line 2, does not. */
  readonly broken: string;
  /** The same, with a secret text standing on that line. */
  readonly brokenSecret: (secret: string) => string;
  /** A comment of this many characters, and a key. */
  readonly long: (characters: number) => string;
}

export const sampleValue = {
  name: 'straße ✓',
  server: { port: 8080, ratio: 0.5, tls: false, hosts: ['a', 'b'] },
  limits: { 'odd key': -3 },
};

export function read(file: string, text: string | Uint8Array, references: Partial<ConfigReferences> = {}) {
  return readConfig([{ name: file, bytes: Buffer.from(text) }], { environment: {}, ...references });
}

export function document(reading: ConfigReading): ConfigDocument {
  if (!reading.ok) throw new Error(reading.diagnostics.map(showDiagnostic).join('\n'));
  return reading.document;
}

/** The only problem, as it is shown. */
export function problem(reading: ConfigReading) {
  if (reading.ok) throw new Error(`it was read: ${JSON.stringify(reading.document.value)}`);
  const [only, ...others] = reading.diagnostics;
  expect(others).toEqual([]);
  if (only === undefined) throw new Error('refused without a reason');
  return { ...only, shown: showDiagnostic(only) };
}

export function describeFormat(name: string, samples: FormatSamples): void {
  const [file = ''] = samples.files;

  describe(`files in ${name}`, () => {
    test.for(samples.files)('are known by names such as %s', async (each) => {
      expect(document(await read(each, samples.sample)).value).toEqual(sampleValue);
    });

    test('may begin with a byte order mark, which moves no column', async () => {
      const withMark = document(await read(file, `\uFEFF${samples.sample}`));
      expect(withMark.value).toEqual(sampleValue);
      for (const [path, line, column] of samples.places) {
        expect(withMark.locate(path)).toEqual({ file, line, column });
      }
    });

    test('may have lines that end in a carriage return and a line feed', async () => {
      const withReturns = document(await read(file, samples.sample.replaceAll('\n', '\r\n')));
      expect(withReturns.value).toEqual(sampleValue);
      for (const [path, line, column] of samples.places) {
        expect(withReturns.locate(path)).toEqual({ file, line, column });
      }
    });

    test.for(samples.places)('know that %j stands on line %i, column %i', async ([path, line, column]) => {
      expect(document(await read(file, samples.sample)).locate(path)).toEqual({ file, line, column });
    });

    test('give values that nobody can change', async () => {
      const { value } = document(await read(file, samples.sample));
      const { server } = value as unknown as typeof sampleValue;
      expect([value, server, server.hosts].map((each) => Object.isFrozen(each))).toEqual([true, true, true]);
    });

    test('are refused with the offset of the byte that is not UTF-8', async () => {
      const bytes = Buffer.concat([Buffer.from(samples.sample), Buffer.from([0xc3, 0x28])]);
      const offset = Buffer.byteLength(samples.sample) + 1;
      expect(problem(await read(file, bytes))).toMatchObject({
        code: 'ENCODING',
        message: expect.stringContaining(`offset ${offset} `) as string,
      });
    });

    test('are refused when their last character is cut in half', async () => {
      expect(problem(await read(file, Buffer.from([0x61, 0xe2, 0x9c]))).message).toContain('cut off');
    });

    test('are refused above the limit of size, and read below it', async () => {
      const fits = samples.long(FILE_BYTES_MAX - 100);
      expect(document(await read(file, fits)).value).toEqual({ a: 1 });
      expect(problem(await read(file, samples.long(FILE_BYTES_MAX)))).toMatchObject({ code: 'LIMIT' });
    });

    test('are refused when there is nothing in them', async () => {
      expect(problem(await read(file, ' \n\t\n')).shown).toBe(`${file}: The file is empty.`);
    });

    test('are refused for a key that is there twice', async () => {
      expect(problem(await read(file, samples.duplicate))).toMatchObject({ line: 2, file });
    });

    test('are refused for a key that would reach into prototypes', async () => {
      expect(problem(await read(file, samples.forbiddenKey)).message).toContain('__proto__');
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });

    test('keep the whole numbers they can hold and refuse the others', async () => {
      expect(document(await read(file, samples.number('9007199254740991'))).value).toEqual({
        n: 2 ** 53 - 1,
      });
      for (const text of ['9007199254740993', '-9007199254740993', '123456789012345678']) {
        const refused = problem(await read(file, samples.number(text)));
        expect(refused).toMatchObject({ code: 'VALUE', line: 1 });
        expect(refused.message).toContain('double quotes');
      }
    });

    test('may be nested 60 levels deep, not 70 and not 100000', async () => {
      await expect(read(file, samples.nested(60))).resolves.toMatchObject({ ok: true });
      for (const levels of [70, 3000, 100_000]) {
        expect(problem(await read(file, samples.nested(levels)))).toMatchObject({ code: 'LIMIT' });
      }
    });

    test('are refused with line, source and caret where they are broken', async () => {
      const refused = problem(await read(file, samples.broken));
      expect(refused).toMatchObject({ stage: 'parsing', severity: 'error', file, line: 2 });
      expect(refused.shown).toMatch(new RegExp(`^${file}:2:\\d+: .+\\.\\n {2}.+\\n +\\^$`));
    });

    test('are refused without showing the secret that stands beside the error', async () => {
      const refused = problem(await read(file, samples.brokenSecret('hunter2-secret')));
      expect(refused.line).toBe(2);
      expect(refused.shown).not.toContain('hunter2');
    });
  });
}
