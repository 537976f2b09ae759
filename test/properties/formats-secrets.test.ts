import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type ConfigDiagnostic, showDiagnostic } from '../../src/config/diagnostic.ts';
import { changesBetween, tellDifferences } from '../../src/config/difference.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import type { ConfigDocument } from '../../src/config/formats/config-document.ts';
import { walk, type ConfigPath } from '../../src/config/formats/config-node.ts';
import { validateConfig } from '../../src/config/validate.ts';
import { KeyClasses } from '../../src/config/validate-key-classes.ts';
import type { ConfigSchema } from '../../src/config/validate-schema.ts';
import { damagedPlanted, type Planted, planted } from './formats-secrets.ts';

/** Everything that could be told of a configuration. */
function told(...what: unknown[]): string {
  return JSON.stringify(what);
}

function shown(diagnostics: readonly ConfigDiagnostic[]): string {
  return told(diagnostics, diagnostics.map(showDiagnostic));
}

/** Six characters of a secret are as bad as all of it. */
function expectHidden(text: string, { secret }: Planted): void {
  const capitals = text.toUpperCase();
  for (let at = 0; at + 6 <= secret.length; at += 1) expect(capitals).not.toContain(secret.slice(at, at + 6));
}

async function read({ file, text, references }: Planted) {
  return readConfig([{ name: file, bytes: Buffer.from(text) }], references);
}

async function readWhole(plant: Planted): Promise<ConfigDocument> {
  const reading = await read(plant);
  if (!reading.ok) throw new Error(reading.diagnostics.map(showDiagnostic).join('\n'));
  return reading.document;
}

/** Says the value it was given, at every place, in many forms: the worst schema there can be. */
const chatty: ConfigSchema<unknown> = {
  '~standard': {
    version: 1,
    vendor: 'chatty',
    validate: (value) => {
      const issues: { message: string; path: ConfigPath }[] = [];
      const visit = (each: unknown, path: ConfigPath): void => {
        const text = typeof each === 'string' ? each : JSON.stringify(each);
        for (const message of [
          `got ${text}`,
          `(was ${JSON.stringify(text)})`,
          text.slice(0, 8),
          text.toUpperCase(),
        ]) {
          issues.push({ message, path });
        }
        // About a value, in words about what is around it.
        issues.push({ message: `something in here is ${text}`, path: path.slice(0, -1) });
        if (typeof each === 'object' && each !== null) {
          for (const [key, member] of Object.entries(each))
            visit(member, [...path, Array.isArray(each) ? Number(key) : key]);
        }
      };
      visit(value, []);
      return { issues };
    },
  },
};

const anything: ConfigSchema<unknown> = {
  '~standard': { version: 1, vendor: 'anything', validate: (value) => ({ value }) },
};

describe('a secret in a configuration', () => {
  test.prop([damagedPlanted], { numRuns: 1000 })(
    'is not told by the problems of a damaged text',
    async (plant) => {
      const reading = await read(plant);
      if (!reading.ok) expectHidden(shown(reading.diagnostics) + told(reading.dependencies), plant);
    },
  );

  test.prop([planted], { numRuns: 200 })('is redacted where it stands', async (plant) => {
    const { secrets, value, dependencies } = await readWhole(plant);
    expectHidden(told(secrets.redact(value), dependencies), plant);
  });

  test.prop([planted], { numRuns: 200 })(
    'is not told by a schema that tells all it was given',
    async (plant) => {
      const validation = await validateConfig(await readWhole(plant), chatty, new KeyClasses(), null);
      expect(validation.ok).toBe(false);
      if (!validation.ok) expectHidden(shown(validation.diagnostics), plant);
    },
  );

  test.prop([planted], { numRuns: 200 })('is not told by problems anywhere around it', async (plant) => {
    const document = await readWhole(plant);
    const everywhere: ConfigPath[] = [];
    walk(document.root, (_, path) => everywhere.push(path) > 0);
    const picky: ConfigSchema<unknown> = {
      '~standard': {
        version: 1,
        vendor: 'picky',
        validate: () => ({ issues: everywhere.map((path) => ({ message: 'no', path })) }),
      },
    };
    const validation = await validateConfig(document, picky, new KeyClasses(), null);
    expect(validation.ok).toBe(false);
    if (!validation.ok) expectHidden(shown(validation.diagnostics), plant);
  });

  test.prop([planted, planted, fc.boolean()], { numRuns: 200 })(
    'is not told by what differs from another configuration, before or after',
    async (one, other, sameShape) => {
      const young = sameShape
        ? {
            ...one,
            text: one.text.replaceAll(one.secret, other.secret),
            references: other.references,
            secret: other.secret,
          }
        : other;
      const [before, after] = [await readWhole(one), await readWhole(young)];
      const classes = new KeyClasses({ outer: 'restart', 'list.*': 'immutable' });
      const previous = { value: before.value, document: before };
      const validation = await validateConfig(after, anything, classes, previous);
      const changes = changesBetween(before.value, after.value);
      const differences = tellDifferences(changes, before.secrets, after.secrets);
      if (sameShape) expect(differences.differences.every(({ change }) => change === 'changed')).toBe(true);
      const all = told(differences, validation.ok ? validation.changed : shown(validation.diagnostics));
      expectHidden(all, one);
      expectHidden(all, young);
    },
  );
});
