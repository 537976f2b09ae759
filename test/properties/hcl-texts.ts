import { fc } from '@fast-check/vitest';

/** Texts in HCL, made at random: everything that means the same to HashiCorp's parser and to ours. */

const blank = fc.constantFrom('', '', ' ', '  ', '\t', ' /* a } " */ ');
const lineEnd = fc.constantFrom('\n', '\n', '\n\n', ' # it\'s "so"\n', ' // ${x}\n', '\n  \n');

const name = fc.constantFrom('a', 'b', 'c_1', 'd-e', 'Straße', '_x', 'for_', 'true_', 'key', 'port', 'n0');

const plainText = fc.string({
  unit: fc.constantFrom('a', 'Z', ' ', '$', '%', '{', '}', 'é', '😀', '#', '/', "'", '~'),
});

const quotedPiece = fc.oneof(
  plainText.map((text) => text.replaceAll('{', '')),
  fc.constantFrom(
    '\\n',
    '\\t',
    '\\r',
    '\\"',
    '\\\\',
    '\\u00e9',
    '\\U0001F600',
    '$${x}',
    '%%{if}',
    '$$',
    '%',
    '{',
  ),
  fc.constantFrom('${1}', '${ "in" }', '${true}', '${\n2.5\n}', '${"a${3}b"}'),
);

const quoted = fc.array(quotedPiece, { maxLength: 4 }).map((pieces) => `"${joined(pieces)}"`);

/** Pieces side by side must not make a `${` that none of them has. */
function joined(pieces: readonly string[]): string {
  return pieces.reduce(
    (text, piece) => text + (/[$%]$/.test(text) && /^[{$%]/.test(piece) ? ' ' : '') + piece,
    '',
  );
}

const number = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map(String),
  fc.constantFrom('0', '1.5', '1e3', '2.5E-2', '012', '9007199254740991', '- 7', '0.1'),
);

const heredocLine = fc
  .tuple(fc.constantFrom('', ' ', '   ', '\t', '  '), fc.array(heredocPiece(), { maxLength: 3 }))
  .map(([indent, pieces]) => `${indent}${joined(pieces)}\n`);

function heredocPiece() {
  return fc.constantFrom(
    'text',
    '"',
    '\\n',
    '$${x}',
    '%%{x}',
    '${1}',
    '${"s"}',
    '$',
    '%',
    '# no comment',
    'é',
    ' ',
    '😀',
  );
}

const heredoc = fc
  .tuple(
    fc.constantFrom('<<', '<<-'),
    fc.array(heredocLine, { maxLength: 4 }),
    fc.constantFrom('', '  ', '\t'),
  )
  .map(([opening, lines, indent]) => `${opening}EOT\n${lines.join('')}${indent}EOT\n`);

const scalar = fc.oneof(quoted, number, fc.constantFrom('true', 'false', 'null', '!true'));

const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc
      .tuple(fc.array(tie('value'), { maxLength: 3 }), blank, fc.boolean(), fc.boolean())
      .map(([items, space, lines, trailing]) => list(items, space, lines, trailing)),
    fc
      .tuple(
        fc.uniqueArray(fc.tuple(key(), fc.constantFrom(' = ', ': ', '='), tie('value')), {
          maxLength: 3,
          selector: ([each]) => each.replaceAll('"', ''),
        }),
        fc.constantFrom(', ', '\n', ',\n', '\n\n'),
        fc.boolean(),
      )
      .map(([entries, between, trailing]) => object(entries, between, trailing)),
  ),
}));

function key() {
  return fc.oneof(name, fc.constantFrom('"quoted key"', '"a.b"', '7', 'null', 'forx', '""'));
}

function list(items: readonly string[], space: string, lines: boolean, trailing: boolean): string {
  const between = lines ? `,${space}\n` : `,${space}`;
  return `[${space}${items.join(between)}${trailing && items.length > 0 ? ',' : ''}${lines ? '\n' : ''}]`;
}

function object(
  entries: readonly (readonly [string, string, string])[],
  between: string,
  trailing: boolean,
): string {
  const inside = entries.map(([each, sign, text]) => `${each}${sign}${text}`).join(between);
  return `{${inside}${trailing && entries.length > 0 ? between : ''}}`;
}

interface Item {
  readonly name: string;
  readonly text: string;
}

const attribute: fc.Arbitrary<Item> = fc
  .tuple(name, blank, blank, fc.oneof(value, value, heredoc), lineEnd)
  .map(([called, before, after, text, end]) => ({
    name: called,
    text: `${called}${before}=${after}${text}${text.endsWith('EOT\n') ? '' : end}`,
  }));

const label = fc.constantFrom('"l1"', '"l 2"', 'bare', '"é"');

const { body } = fc.letrec<{ body: string; block: Item }>((tie) => ({
  body: fc
    .uniqueArray(fc.oneof({ weight: 3, arbitrary: attribute }, { weight: 1, arbitrary: tie('block') }), {
      maxLength: 5,
      selector: ({ name: called }) => called,
    })
    .map((items) => items.map(({ text }) => text).join('')),
  block: fc
    .tuple(
      fc.constantFrom('blk', 'server'),
      fc.array(label, { maxLength: 2 }),
      fc.array(tie('body'), { minLength: 1, maxLength: 2 }),
    )
    .map(([called, labels, bodies]) => ({
      name: called,
      text: bodies.map((inside) => `${[called, ...labels].join(' ')} {\n${inside}}\n`).join(''),
    })),
}));

export const hclText: fc.Arbitrary<string> = body;

/** A text with one character more, less or other, or cut off. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const inserted = fc.constantFrom(
    ...Array.from('"${}[]()=:,.#/*\\<>-+!?&|%~^;\n\t\'ax0 9é'),
    '<<',
    '${',
    '%{',
    '...',
  );
  return fc
    .tuple(text, fc.nat(), fc.constantFrom('insert', 'remove', 'replace', 'cut'), inserted)
    .map(([whole, at, how, what]) => {
      const characters = Array.from(whole);
      const where = at % (characters.length + 1);
      if (how === 'cut') return characters.slice(0, where).join('');
      return characters
        .toSpliced(where, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [what]))
        .join('');
    });
}
