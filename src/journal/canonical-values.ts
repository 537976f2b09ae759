import { actorIdOf } from '../runtime/xstate-shapes.ts';
import { canonicalJson, quotedKey, sortedKeys } from './canonical.ts';
import { encodeValue, type EncodeOptions } from './values.ts';

/**
 * The canonical text of a value: `canonicalJson(encodeValue(value))`, written in one go for what nearly all states are
 * made of. Digests are made of it, of every record that is written and every record that is replayed.
 */
export function canonicalValue(value: unknown, options: EncodeOptions = {}): string {
  return plainText(value, 0) ?? canonicalJson(encodeValue(value, options));
}

/** Deeper values are left to the codec, which watches for cycles and limits. */
const PLAIN_DEPTH_MAX = 8;

/** The text of plain objects, arrays and scalars; null as soon as there is anything else in it. */
function plainText(value: unknown, depth: number): string | null {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? String(value) : null;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth === PLAIN_DEPTH_MAX) return null;
      return Array.isArray(value) ? listText(value, depth) : objectText(value, depth);
    default:
      return null;
  }
}

function listText(list: readonly unknown[], depth: number): string | null {
  let text = '[';
  for (let at = 0; at < list.length; at += 1) {
    // A hole reads as undefined, which is not plain.
    const item = plainText(list[at], depth + 1);
    if (item === null) return null;
    text += at === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function objectText(value: object, depth: number): string | null {
  if (Object.getPrototypeOf(value) !== Object.prototype || actorIdOf(value) !== null) return null;
  const keys = sortedKeys(value);
  if (keys.length === 1 && keys[0]?.startsWith('$') === true) return null;
  if (Object.getOwnPropertySymbols(value).length > 0) return null;
  let text = '{';
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] as string;
    const member = plainText((value as Record<string, unknown>)[key], depth + 1);
    if (member === null) return null;
    text += `${at === 0 ? '' : ','}${quotedKey(key)}:${member}`;
  }
  return `${text}}`;
}
