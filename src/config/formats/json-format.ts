import { createScanner, type Node, type ParseError, parseTree } from 'jsonc-parser';
import type { ConfigFormat } from './config-format.ts';
import {
  type ConfigNode,
  DEPTH_MAX,
  FORBIDDEN_KEY,
  forbiddenKeyMessage,
  type Member,
} from './config-node.ts';
import { heldNumber, heldText, tooDeep } from './plain-scalar.ts';
import type { SourceText } from './source-text.ts';
import { hiddenOfUnread, Unreadable } from './unreadable.ts';

/** JSON. Comments and trailing commas are taken in files of both names, because files of both names have them. */
export const jsonFormat: ConfigFormat = {
  name: 'json',
  extensions: ['.json', '.jsonc'],
  read(source) {
    try {
      refuseDepth(source.text);
      const errors: ParseError[] = [];
      const root = parseTree(source.text, errors, { allowTrailingComma: true });
      const [first] = errors;
      if (first !== undefined || root === undefined) throw syntaxError(first);
      return { node: nodeOf(root, source), diagnostics: [] };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { node: null, diagnostics: [error.diagnostic(source, hiddenOfUnread(source, error.at))] };
    }
  },
};

// The values of jsonc-parser's const enums, which cannot be imported where each file is compiled by itself.
const opening = new Set([1, 3]);
const closing = new Set([2, 4]);
const endOfText = 17;

/** The parser calls itself for each level, so the levels are counted before. */
function refuseDepth(text: string): void {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (;;) {
    const token: number = scanner.scan();
    if (token === endOfText) return;
    if (opening.has(token)) depth += 1;
    else if (closing.has(token)) depth -= 1;
    if (depth > DEPTH_MAX) throw tooDeep(scanner.getTokenOffset());
  }
}

const messages: Readonly<Record<number, string>> = {
  1: 'This has no meaning in JSON. Texts go in double quotes.',
  2: 'This is not how a number is written.',
  3: 'A key in double quotes is missing here.',
  4: 'A value is missing here.',
  5: 'A colon is missing here.',
  6: 'A comma is missing here.',
  7: 'A closing } is missing here.',
  8: 'A closing ] is missing here.',
  9: 'The configuration ended before this; nothing may follow.',
  11: 'This comment is not closed. End it with */.',
  12: 'This text is not closed on its line. End it with a double quote.',
  13: 'This number is not complete.',
  14: 'This is not how a character is written by its number: \\uNNNN.',
  15: 'There is no such escape. Write \\\\ for a backslash.',
  16: 'This character must be escaped in a text, as \\n for a line break or \\t for a tab.',
};

function syntaxError(error: ParseError | undefined): Unreadable {
  if (error === undefined) return new Unreadable('SYNTAX', 0, 'There is no value in this file.');
  return new Unreadable('SYNTAX', error.offset, messages[error.error] ?? 'This is not JSON.');
}

function nodeOf(node: Node, source: SourceText): ConfigNode {
  const at = node.offset;
  const spot = { source, at, end: at + node.length, secret: false };
  if (node.type === 'array') {
    return { ...spot, kind: 'list', items: (node.children ?? []).map((child) => nodeOf(child, source)) };
  }
  if (node.type === 'object') {
    const members = new Map<string, Member>();
    for (const property of node.children ?? []) addMember(members, property, source);
    return { ...spot, kind: 'object', members };
  }
  const value: unknown = node.value;
  if (typeof value === 'number') return { ...spot, kind: 'scalar', value: heldNumber(value, at) };
  if (typeof value === 'string') return { ...spot, kind: 'scalar', value: heldText(value, at) };
  return { ...spot, kind: 'scalar', value: typeof value === 'boolean' ? value : null };
}

function addMember(members: Map<string, Member>, property: Node, source: SourceText): void {
  const [keyNode, valueNode] = property.children ?? [];
  if (keyNode === undefined || valueNode === undefined) throw syntaxError(undefined);
  const at = keyNode.offset;
  const key = heldText(String(keyNode.value), at);
  if (key === FORBIDDEN_KEY) throw new Unreadable('VALUE', at, forbiddenKeyMessage);
  const first = members.get(key);
  if (first !== undefined) throw definedTwice(source, at, first);
  members.set(key, { key: { source, at, end: at + keyNode.length }, node: nodeOf(valueNode, source) });
}

/** The same key a second time in one object. */
export function definedTwice(source: SourceText, at: number, first: Member): Unreadable {
  const { line } = source.place(first.key.at);
  return new Unreadable(
    'DUPLICATE_KEY',
    at,
    `This key was already defined on line ${line}. Remove one of the two.`,
  );
}
