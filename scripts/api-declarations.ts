/** What an entry point exports, read off the declarations that the compiler writes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { commentBefore } from './doc-comment.ts';

export type Kind = 'function' | 'class' | 'constant' | 'type';

export interface Declaration {
  readonly name: string;
  readonly kind: Kind;
  /** Where it is declared; with the name, what makes two exports the same one. */
  readonly file: string;
  /** As declared; overloads, and a type of the same name, are several. */
  readonly texts: readonly string[];
  readonly comment: string | null;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}
interface Named extends Node {
  readonly id: { readonly name: string } | null;
  readonly declarations?: readonly { readonly id: { readonly name: string } }[];
}
interface Statement extends Node {
  readonly declaration?: Named | null;
  readonly specifiers?: readonly {
    readonly local: { readonly name: string };
    readonly exported: { readonly name: string };
  }[];
  readonly source?: { readonly value: string } | null;
  readonly exported?: { readonly name: string } | null;
}

const KINDS: Readonly<Record<string, Kind>> = {
  TSDeclareFunction: 'function',
  FunctionDeclaration: 'function',
  ClassDeclaration: 'class',
  VariableDeclaration: 'constant',
};

/** The exports of a declaration file, those of other files that it passes on included, by their names. */
export function exportsOf(file: string): Map<string, Declaration> {
  const source = readFileSync(file, 'utf8');
  const { body } = parseAst(source, { lang: 'dts' }, file) as unknown as { body: readonly Statement[] };
  const found = new Map<string, Declaration>();
  for (const statement of body) {
    if (statement.type === 'ExportAllDeclaration') {
      const target = targetOf(file, statement);
      if (target !== null) for (const [name, each] of exportsOf(target)) found.set(name, each);
      continue;
    }
    if (statement.type !== 'ExportNamedDeclaration') continue;
    if (statement.declaration) add(found, declared(source, file, statement, statement.declaration));
    else passOn(found, file, statement);
  }
  return found;
}

function passOn(found: Map<string, Declaration>, file: string, statement: Statement): void {
  const target = targetOf(file, statement);
  if (target === null) return;
  const theirs = exportsOf(target);
  for (const { local, exported } of statement.specifiers ?? []) {
    const each = theirs.get(local.name);
    if (each === undefined) throw new Error(`${file} exports ${local.name}, which ${target} does not.`);
    found.set(exported.name, { ...each, name: exported.name });
  }
}

function declared(source: string, file: string, statement: Statement, declaration: Named): Declaration {
  const name = declaration.id?.name ?? declaration.declarations?.[0]?.id.name ?? '';
  const text = source.slice(declaration.start, declaration.end).replace(/^declare /, '');
  const kind = KINDS[declaration.type] ?? 'type';
  return { name, kind, file, texts: [text], comment: commentBefore(source, statement.start) };
}

/** Overloads are one function; a constant and a type of one name are one export. */
function add(found: Map<string, Declaration>, one: Declaration): void {
  const before = found.get(one.name);
  if (before === undefined) return void found.set(one.name, one);
  const comment = before.comment ?? one.comment;
  found.set(one.name, { ...before, comment, texts: [...before.texts, ...one.texts] });
}

/** The declaration file a statement names; null for one of another package. */
function targetOf(file: string, { source }: Statement): string | null {
  if (source === undefined || source === null || !source.value.startsWith('.')) return null;
  const path = join(dirname(file), source.value.replace(/\.[jt]s$/, '.d.ts'));
  if (!existsSync(path)) throw new Error(`${file} names ${source.value}, which is not there.`);
  return path;
}
