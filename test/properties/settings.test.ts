/** Settings out of anything: a clear answer with a place, never a crash, a hang, or a secret told. */
import { fc, test } from '@fast-check/vitest';
import { inspect } from 'node:util';
import { describe, expect } from 'vitest';
import type { FormatName } from '../../src/config/formats/config-format.ts';
import type { ConfigValue } from '../../src/config/formats/config-node.ts';
import { writeConfig } from '../../src/config/formats/write-config.ts';
import { placedFinding } from '../../src/settings/findings.ts';
import { showOrigin } from '../../src/settings/origin.ts';
import { readSettingsText } from '../../src/settings/settings-file.ts';
import { shownSettings } from '../../src/settings/shown-settings.ts';
import { composed, nested } from '../machines/settings-layers.ts';
import {
  BLOCK_ROWS,
  CONTROLLER_ROWS,
  FLAG_ROWS,
  type KeyRow,
  OLDER_ROWS,
} from '../machines/settings-table.ts';
import { variableOfFlag } from '../../src/settings/catalogue.ts';

const FORMATS: readonly FormatName[] = ['hcl', 'json', 'yaml', 'toml'];

/** Wherever settings hold secrets, it is this one. */
const SECRET = 'Xq7!vK2-pW9!zJ4-tR8';
const CONNECTION = `redis://app:${SECRET}@redis.internal:6379`;

function withSecret({ key, written }: KeyRow): readonly [string, unknown] {
  if (key === 'redis.password') return [key, SECRET];
  if (key === 'server.tokens') return [key, [{ token: SECRET, scopes: ['read'] }]];
  const isConnection = typeof written === 'string' && written.startsWith('redis:');
  return [key, isConnection ? CONNECTION : written];
}

const rows = [...BLOCK_ROWS, ...OLDER_ROWS, ...CONTROLLER_ROWS].map(withSecret);
// What is a block in one row and a value in another cannot stand in one file: each file has some of the rows.
const someRows = fc.subarray(
  rows.filter(([key]) => !key.startsWith('cache.prefix')),
  { minLength: 1, maxLength: 12 },
);

/** What people and programs do to files. */
const mangle = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), from: fc.nat(4000), length: fc.nat(40) }),
  fc.record({
    kind: fc.constant('put' as const),
    from: fc.nat(4000),
    text: fc.constantFrom(
      '"',
      '{',
      '}',
      '\n',
      ':',
      '=',
      '${',
      '[',
      '#',
      '\0',
      '\u202e',
      'é',
      '- ',
      '  ',
      '__proto__ = 1\n',
      '<<EOF\n',
      '&a *a',
      "'''",
    ),
  }),
  fc.record({ kind: fc.constant('end' as const), from: fc.nat(4000) }),
  fc.record({ kind: fc.constant('swap' as const), from: fc.nat(4000) }),
);

function mangled(
  text: string,
  changes: readonly {
    readonly kind: string;
    readonly from: number;
    readonly length?: number;
    readonly text?: string;
  }[],
): string {
  let now = text;
  for (const { kind, from, length = 0, text: put = '' } of changes) {
    const at = now.length === 0 ? 0 : from % now.length;
    if (kind === 'cut') now = now.slice(0, at) + now.slice(at + length);
    else if (kind === 'put') now = now.slice(0, at) + put + now.slice(at);
    else if (kind === 'end') now = now.slice(0, at);
    else now = now.slice(0, at) + (now[at + 1] ?? '') + (now[at] ?? '') + now.slice(at + 2);
  }
  return now;
}

/** Six characters of a secret are as bad as all of it. */
const PIECES = Array.from({ length: SECRET.length - 5 }, (_, at) => SECRET.slice(at, at + 6).toUpperCase());

function hasSecret(text: string): boolean {
  const capitals = text.toUpperCase();
  return PIECES.some((piece) => capitals.includes(piece));
}

const expectNoSecret = (text: string): void => expect([hasSecret(text), text]).toEqual([false, text]);

async function judge(
  file: string,
  text: string,
  environment: Record<string, string>,
  flags: Record<string, unknown>,
): Promise<void> {
  const reading = await readSettingsText([{ name: file, bytes: Buffer.from(text) }], environment);
  if (!reading.ok) {
    expect(reading.problems.length).toBeGreaterThan(0);
    for (const problem of reading.problems) expect(problem.text).toMatch(/^conclave\.\w+(:\d+:\d+)?: ./);
    return expectNoSecret(JSON.stringify(reading.problems));
  }
  const { document } = reading;
  const { settings, origins, problems, notes } = composed({ file: document.value, environment, flags });
  // A secret that was put where a plain value stands, and looks like one, cannot be known to be one.
  const plain = shownSettings(settings, origins).filter(({ setting }) => setting !== 'store.name');
  if (plain.some(({ text: shown }) => hasSecret(shown))) return;
  const told = [...problems, ...notes].map((finding) => placedFinding(finding, document));
  for (const { origin, text: line } of told) {
    if (origin === null || origin.layer === 'default') continue;
    // Each says where: a line of the file, a variable, or a flag.
    expect(line.startsWith(origin.layer === 'file' ? `${file}:` : showOrigin(origin))).toBe(true);
    if (origin.layer === 'file') expect(origin.place?.line).toBeGreaterThan(0);
  }
  expectNoSecret(
    JSON.stringify([told, shownSettings(settings, origins), settings]) + inspect(settings, { depth: 9 }),
  );
}

describe('whatever is in the file, the environment and the flags', () => {
  const tree = fc.tuple(someRows, fc.constantFrom('conclave', 'honua', null)).map(([some, root]) => {
    const inside = nested(Object.fromEntries(some));
    return root === null ? inside : { [root]: inside };
  });
  const names = [
    ...rows.map(([key]) => key.replaceAll('.', '__')),
    ...FLAG_ROWS.map(([flag]) => variableOfFlag(flag)),
    'REDIS_CONNECTION_STRING',
    'POD_NAME',
  ];
  const word = fc.oneof(
    fc.constantFrom(
      CONNECTION,
      SECRET,
      'true',
      '30',
      '15s',
      '',
      ' ',
      '-1',
      '1e9',
      'null',
      '[]',
      'sqlite:x',
      'tcp://1.2.3.4:80',
    ),
    fc.string({ maxLength: 40 }).filter((text) => !text.includes('\0')),
  );
  const variable = fc.oneof(
    fc.constantFrom(...names),
    fc
      .tuple(fc.constantFrom(...names), fc.string({ minLength: 1, maxLength: 5 }))
      .map(([name, more]) => `${name}${more}`),
    fc
      .tuple(
        fc.constantFrom(...names),
        fc.constantFrom('__0', '__0__Token', '__', '__x__y', '__constructor', '____proto__'),
      )
      .map(([name, more]) => `${name}${more}`),
  );
  const environment = fc.dictionary(variable, word, { maxKeys: 6 });
  const flags = fc.dictionary(
    fc.constantFrom(...FLAG_ROWS.map(([flag]) => flag)),
    fc.oneof(word, fc.boolean()),
    { maxKeys: 4 },
  );

  test.prop([tree, fc.constantFrom(...FORMATS), fc.array(mangle, { maxLength: 4 }), environment, flags], {
    numRuns: 600,
  })(
    'there is an answer with places, and no secret in it',
    async (values, format, changes, variables, given) => {
      const text = mangled(writeConfig(values as Record<string, ConfigValue>, format), changes);
      await judge(`conclave.${format}`, text, variables, given);
    },
  );

  test.prop(
    [
      fc.jsonValue({ maxDepth: 4 }),
      fc.array(fc.constantFrom(...rows.map(([key]) => key)), { minLength: 1, maxLength: 6 }),
    ],
    { numRuns: 200 },
  )('any value may stand for any key', async (value, keys) => {
    const values = nested(
      Object.fromEntries(
        keys
          .filter(
            (key, index) =>
              !keys.slice(0, index).some((other) => key.startsWith(other) || other.startsWith(key)),
          )
          .map((key) => [key, value]),
      ),
    );
    await judge('conclave.json', JSON.stringify(values), {}, {});
  });
});
