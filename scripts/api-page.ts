/** The API reference in docs/api: one page for each entry point, made from the declarations and their comments. */
import { readFileSync } from 'node:fs';
import { type Declaration, exportsOf, type Kind } from './api-declarations.ts';
import { commentBefore, type DocComment, parseComment, summaryOf } from './doc-comment.ts';

export interface EntryPoint {
  /** As it is imported: `conclave/redis`. */
  readonly specifier: string;
  /** Its declarations, in a build. */
  readonly file: string;
  /** Its source, which opens with what it is about; the compiler does not always keep that. */
  readonly source: string;
}

interface Entry {
  readonly declaration: Declaration;
  readonly comment: DocComment;
  /** The page and the heading where it is described. */
  readonly page: string;
  readonly anchor: string;
}

interface Page {
  readonly specifier: string;
  readonly name: string;
  readonly about: string;
  readonly entries: readonly Entry[];
}

const HEADER = '<!-- Made from the declarations by `npm run generate`. Do not edit. -->';
const GROUPS: readonly (readonly [Kind, string])[] = [
  ['function', 'Functions'],
  ['class', 'Classes'],
  ['constant', 'Constants'],
  ['type', 'Types'],
];
/** A constant whose type the compiler wrote out says less the longer it is. */
const CONSTANT_MAX_LENGTH = 600;

/** Names of exports that nothing is said about, with where they are declared. */
export function uncommented(entryPoints: readonly EntryPoint[]): string[] {
  const bare = entryPoints.flatMap(({ specifier, file }) =>
    [...exportsOf(file).values()].flatMap((each) =>
      parseComment(each.comment ?? '').text === '' ? [`${specifier}: ${each.name}`] : [],
    ),
  );
  return [...new Set(bare)];
}

/** The pages, by the names of their files. */
export function apiPages(entryPoints: readonly EntryPoint[]): Map<string, string> {
  const described = new Map<string, Entry>();
  const pages = entryPoints.map((entryPoint) => pageOf(entryPoint, described));
  return new Map([
    ['README.md', indexPage(pages)],
    ...pages.map((page) => [page.name, pageText(page)] as const),
  ]);
}

/** What an earlier page has described already is named there, and only linked here. */
function pageOf({ specifier, file, source }: EntryPoint, described: Map<string, Entry>): Page {
  const name = `${specifier.replace('/', '-')}.md`;
  const anchors = new Map<string, number>();
  const entries = GROUPS.flatMap(([kind]) =>
    [...exportsOf(file).values()]
      .filter((each) => each.kind === kind)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((declaration) => {
        const key = `${declaration.file} ${declaration.name}`;
        const before = described.get(key);
        if (before !== undefined) return before;
        const slug = declaration.name.toLowerCase().replaceAll(/[^\w-]/g, '');
        const count = anchors.get(slug) ?? 0;
        anchors.set(slug, count + 1);
        const comment = parseComment(declaration.comment ?? '');
        const entry = { declaration, comment, page: name, anchor: count === 0 ? slug : `${slug}-${count}` };
        described.set(key, entry);
        return entry;
      }),
  );
  const text = readFileSync(source, 'utf8');
  const about = text.startsWith('/**') ? (commentBefore(text, text.indexOf('*/') + 2) ?? '') : '';
  return { specifier, name, about: parseComment(about).text, entries };
}

function indexPage(pages: readonly Page[]): string {
  const rows = pages.map(
    ({ specifier, name, about, entries }) =>
      `| [\`${specifier}\`](${name}) | ${cell(summaryOf(parseComment(about)))} | ${entries.length} |`,
  );
  return [
    '# API reference',
    '',
    HEADER,
    '',
    'Everything that can be imported, with its declaration and what is promised of it. Errors have a page of their own:',
    '[errors.md](../errors.md).',
    '',
    '| import | what it is | exports |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function pageText({ specifier, name, about, entries }: Page): string {
  const lines = [`# \`${specifier}\``, '', HEADER, ''];
  if (about !== '') lines.push(about, '');
  for (const [kind, title] of GROUPS) {
    const group = entries.filter(({ declaration }) => declaration.kind === kind);
    if (group.length === 0) continue;
    lines.push(`**${title}**`, '');
    for (const { declaration, comment, page, anchor } of group) {
      const summary = summaryOf(comment);
      lines.push(
        `- [\`${declaration.name}\`](${page === name ? '' : page}#${anchor})${summary === '' ? '' : `: ${summary}`}`,
      );
    }
    lines.push('');
  }
  for (const entry of entries) if (entry.page === name) lines.push(...entryLines(entry));
  return `${lines.join('\n').trimEnd()}\n`;
}

function entryLines({ declaration: { name, kind, texts }, comment }: Entry): string[] {
  const { text, params, throws, returns, examples } = comment;
  const facts = [
    ...params.map((param) => `- \`${param.name}\`: ${param.text}`),
    ...(returns === null ? [] : [`- returns ${returns}`]),
    ...throws.map((each) => `- throws ${each}`),
  ];
  return [
    `## \`${name}\``,
    '',
    ...(text === '' ? [] : [text, '']),
    ...(facts.length === 0 ? [] : [...facts, '']),
    '```ts fragment',
    ...texts.map((each) => signature(each, kind)),
    '```',
    '',
    ...examples.flatMap((example) => ['Example:', '', '```ts fragment', example, '```', '']),
  ];
}

/** A declaration as people read it: nothing private, no paths of imports, two spaces a step. */
function signature(text: string, kind: Kind): string {
  const plain = text
    .replaceAll(/import\("[^"]+"\)\.?/g, '')
    .replaceAll(/^ +(?:#private|private\b[^\n]*);\n/gm, '')
    .replaceAll(/^ +/gm, (spaces) => ' '.repeat(Math.floor(spaces.length / 4) * 2 + (spaces.length % 4)));
  if (kind !== 'constant' || plain.length <= CONSTANT_MAX_LENGTH) return plain;
  return `${/^[^<{(]+/.exec(plain)?.[0] ?? plain}<…>;`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
