import { hash } from 'node:crypto';
import type { Json } from './journal.ts';

/**
 * Canonical JSON: keys in the order of their UTF-16 code units, no white space, so that two equal values are the
 * same text and thus have the same digest. Numbers and strings are written as `JSON.stringify` writes them, which
 * ECMAScript fixes (the same choice as RFC 8785, JSON Canonicalization Scheme).
 *
 * @example
 * canonicalJson({ b: 1, a: [true, null] }); // '{"a":[true,null],"b":1}'
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) {
    let items = '';
    for (let at = 0; at < value.length; at += 1) {
      const item = canonicalJson(value[at] as Json);
      items += at === 0 ? item : `,${item}`;
    }
    return `[${items}]`;
  }
  let members = '';
  for (const key of sortedKeys(value)) {
    const member = value[key];
    // A key with `undefined` is no JSON; where a type lets one through, it is as absent as JSON.stringify has it.
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${quotedKey(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** Keys that were quoted before; records and charts have few. */
const quotedKeys = new Map<string, string>();
const QUOTED_KEYS_MAX = 1_000;

/** A key as JSON writes it. */
export function quotedKey(key: string): string {
  const before = quotedKeys.get(key);
  if (before !== undefined) return before;
  const text = JSON.stringify(key);
  if (quotedKeys.size < QUOTED_KEYS_MAX) quotedKeys.set(key, text);
  return text;
}

/** The keys of an object in canonical order; most objects of a chart have few and come sorted already. */
export function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  if (keys.length > INSERTION_MAX) return isSorted(keys) ? keys : keys.toSorted();
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at] as string;
    let to = at;
    for (; to > 0 && (keys[to - 1] as string) > key; to -= 1) keys[to] = keys[to - 1] as string;
    keys[to] = key;
  }
  return keys;
}

/** Up to so many keys are sorted in place faster than by the general sort. */
const INSERTION_MAX = 8;

function isSorted(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at += 1)
    if ((keys[at - 1] as string) > (keys[at] as string)) return false;
  return true;
}

/** Hexadecimal digits of a digest: 128 bits of SHA-256. */
export const DIGEST_HEX_LENGTH = 32;

/** The first 128 bits of SHA-256 over the UTF-8 of `text`, in hexadecimal. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, DIGEST_HEX_LENGTH);
}

/** `Array.isArray` that also narrows readonly arrays. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
