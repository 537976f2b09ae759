import { parse, TomlDate, TomlError } from 'smol-toml';
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
import { type TomlPlace, tomlPlaces } from './toml-places.ts';
import { hiddenOfUnread, Unreadable } from './unreadable.ts';

/** TOML. Dates and times become texts, as they would be in the other formats. */
export const tomlFormat: ConfigFormat = {
  name: 'toml',
  extensions: ['.toml'],
  read(source) {
    try {
      const value = parsed(source);
      return { node: nodeOf(value, tomlPlaces(source.text), source, 0), diagnostics: [] };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { node: null, diagnostics: [error.diagnostic(source, hiddenOfUnread(source, error.at))] };
    }
  },
};

function parsed(source: SourceText): unknown {
  try {
    return parse(source.text, { integersAsBigInt: true, maxDepth: DEPTH_MAX, useLegacyDate: true });
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(0);
    if (!(error instanceof TomlError)) throw error;
    // The first line is the library's own words, the others repeat the file.
    const offset = offsetOf(source.text, error.line, error.column);
    if (error.message.includes('excessively nested')) throw tooDeep(offset);
    const [words = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new Unreadable('SYNTAX', offset, sentence(words));
  }
}

function sentence(words: string): string {
  return `This is not TOML: ${words.replace(/[.\s]+$/, '')}.`;
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let count = 1; count < line; count += 1) {
    const end = text.indexOf('\n', start);
    if (end === -1) break;
    start = end + 1;
  }
  return Math.min(text.length, start + Math.max(0, column - 1));
}

function nodeOf(value: unknown, place: TomlPlace, source: SourceText, depth: number): ConfigNode {
  const { at, end } = place;
  if (depth > DEPTH_MAX) throw tooDeep(at);
  const spot = { source, at, end, secret: false };
  if (Array.isArray(value)) {
    const items = value.map((item, index) => nodeOf(item, place.items[index] ?? place, source, depth + 1));
    return { ...spot, kind: 'list', items };
  }
  if (value instanceof TomlDate) return { ...spot, kind: 'scalar', value: value.toISOString() };
  if (typeof value === 'object' && value !== null) {
    const members = new Map<string, Member>();
    for (const [key, each] of Object.entries(value)) {
      const member = place.members.get(key) ?? { key: place, value: place };
      if (key === FORBIDDEN_KEY) throw new Unreadable('VALUE', member.key.at, forbiddenKeyMessage);
      members.set(heldText(key, member.key.at), {
        key: { source, at: member.key.at, end: member.key.end },
        node: nodeOf(each, member.value, source, depth + 1),
      });
    }
    return { ...spot, kind: 'object', members };
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return { ...spot, kind: 'scalar', value: heldNumber(value, at) };
  }
  if (typeof value === 'string') return { ...spot, kind: 'scalar', value: heldText(value, at) };
  return { ...spot, kind: 'scalar', value: value === true };
}
