import { createHmac } from 'node:crypto';
import { canonicalJson, DIGEST_HEX_LENGTH, isList } from './canonical.ts';
import type { Json } from './journal.ts';

/**
 * Declared secrets leave a value before it is recorded and never enter a file. In their place stands a keyed hash,
 * `{"$secret":"hmac:…"}`: whether the value changed stays visible, the value does not, and the digest, computed over
 * the redacted form, still verifies in a replay of the redacted journal.
 *
 * Pointers are JSON pointers (RFC 6901); a segment `*` stands for every key or index. As a second net, a secret
 * string that turns up elsewhere in the same record is replaced there, too.
 */

/** Shorter strings are too common to be hunted through a record. */
const HUNTED_LENGTH_MIN = 6;

export interface Redaction {
  readonly json: Json;
  /** Pointers, with `*` resolved, of what was replaced. */
  readonly replaced: readonly string[];
}

/** Splits a JSON pointer into its segments; `''` is the whole value. */
export function pointerSegments(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Replaces secrets of one record; keep one for all parts of a record, so that the second net spans them. */
export class Redactor {
  readonly #pointers: readonly (readonly string[])[];
  readonly #key: string;
  readonly #found = new Set<string>();

  constructor(pointers: readonly string[], key: string) {
    this.#pointers = pointers.map(pointerSegments);
    this.#key = key;
  }

  /** Replaces what the pointers name in `json`. Nothing is changed in place. */
  byPointer(json: Json, at = ''): Redaction {
    const replaced: string[] = [];
    let result = json;
    for (const segments of this.#pointers) result = this.#follow(result, segments, at, replaced);
    return { json: result, replaced };
  }

  /** Replaces strings that `byPointer` found to be secret, wherever they are. */
  byValue(json: Json, at = ''): Redaction {
    if (this.#found.size === 0) return { json, replaced: [] };
    const replaced: string[] = [];
    return { json: this.#hunt(json, at, replaced), replaced };
  }

  #follow(json: Json, segments: readonly string[], at: string, replaced: string[]): Json {
    const [first, ...rest] = segments;
    if (first === undefined) {
      replaced.push(at);
      return this.#replace(json);
    }
    if (typeof json !== 'object' || json === null) return json;
    const keys = first === '*' ? Object.keys(json) : [first];
    const members = keys.filter((key) => Object.hasOwn(json, key));
    if (members.length === 0) return json;
    const copy = (isList(json) ? [...json] : { ...json }) as Record<string, Json>;
    for (const key of members) {
      copy[key] = this.#follow(
        copy[key] as Json,
        rest,
        `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        replaced,
      );
    }
    return copy;
  }

  #replace(json: Json): Json {
    if (isSecret(json)) return json;
    if (typeof json === 'string' && json.length >= HUNTED_LENGTH_MIN) this.#found.add(json);
    return { $secret: `hmac:${this.#hash(json)}` };
  }

  #hash(json: Json): string {
    return createHmac('sha256', this.#key)
      .update(canonicalJson(json))
      .digest('hex')
      .slice(0, DIGEST_HEX_LENGTH);
  }

  #hunt(json: Json, at: string, replaced: string[]): Json {
    if (typeof json === 'string') {
      if (!this.#found.has(json)) return json;
      replaced.push(at);
      return { $secret: `hmac:${this.#hash(json)}` };
    }
    if (typeof json !== 'object' || json === null) return json;
    if (isList(json)) return json.map((item, index) => this.#hunt(item, `${at}/${index}`, replaced));
    return Object.fromEntries(
      Object.entries(json).map(([key, member]) => [key, this.#hunt(member, `${at}/${key}`, replaced)]),
    );
  }
}

function isSecret(json: Json): boolean {
  return typeof json === 'object' && json !== null && !isList(json) && typeof json['$secret'] === 'string';
}
