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
  if (typeof value === 'string' || value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) {
    let items = '';
    for (const item of value) items += items === '' ? canonicalJson(item) : `,${canonicalJson(item)}`;
    return `[${items}]`;
  }
  let members = '';
  for (const key of sortedKeys(value)) {
    const member = value[key];
    // A key with `undefined` is no JSON; where a type lets one through, it is as absent as JSON.stringify has it.
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** The keys of an object in canonical order; most objects of a chart have few and come sorted already. */
export function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  for (let at = 1; at < keys.length; at += 1) {
    // eslint-disable-next-line typescript/no-non-null-assertion
    if (keys[at - 1]! > keys[at]!) return keys.toSorted();
  }
  return keys;
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
