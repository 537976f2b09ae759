/** Settings of all shapes with a secret in them, and what people, programs and bad disks do to such files. */
import { fc } from '@fast-check/vitest';
import type { FormatName } from '../../src/config/formats/config-format.ts';
import { variableOfFlag } from '../../src/settings/catalogue.ts';
import { nested } from '../machines/settings-layers.ts';
import {
  BLOCK_ROWS,
  CONTROLLER_ROWS,
  FLAG_ROWS,
  type KeyRow,
  OLDER_ROWS,
} from '../machines/settings-table.ts';

export const FORMATS: readonly FormatName[] = ['hcl', 'json', 'yaml', 'toml'];

/** Wherever settings hold secrets, it is this one. */
export const SECRET = 'Xq7!vK2-pW9!zJ4-tR8';
export const CONNECTION = `redis://app:${SECRET}@redis.internal:6379`;

function withSecret({ key, written }: KeyRow): readonly [string, unknown] {
  if (key === 'redis.password') return [key, SECRET];
  if (key === 'server.tokens') return [key, [{ token: SECRET, scopes: ['read'] }]];
  const isConnection = typeof written === 'string' && written.startsWith('redis:');
  return [key, isConnection ? CONNECTION : written];
}

export const rows = [...BLOCK_ROWS, ...OLDER_ROWS, ...CONTROLLER_ROWS].map(withSecret);
// What is a block in one row and a value in another cannot stand in one file: each file has some of the rows.
const someRows = fc.subarray(
  rows.filter(([key]) => !key.startsWith('cache.prefix')),
  { minLength: 1, maxLength: 12 },
);

/** What people and programs do to files. */
export const mangle = fc.oneof(
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

export function mangled(
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

export function hasSecret(text: string): boolean {
  const capitals = text.toUpperCase();
  return PIECES.some((piece) => capitals.includes(piece));
}

export const tree = fc.tuple(someRows, fc.constantFrom('conclave', 'honua', null)).map(([some, root]) => {
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
export const variables = fc.dictionary(variable, word, { maxKeys: 6 });
export const givenFlags = fc.dictionary(
  fc.constantFrom(...FLAG_ROWS.map(([flag]) => flag)),
  fc.oneof(word, fc.boolean()),
  { maxKeys: 4 },
);
