/** Goes through JSON in bytes, making only what is asked for; equal bytes give the same value, made once. */

/** The bytes are not as expected here. */
export class Unusual extends Error {}

const [QUOTE, BACKSLASH, COMMA, DOT, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x2e, 0x2d, 0x30, 0x39];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const LETTER_E = 0x65;
/** Every integer below is exact. */
const DIGITS_MAX = 15;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const literal = (text: string): Uint8Array => encoder.encode(text);

/** A value for each text, made when it is first met. */
export class Shared<T> {
  /** Texts that are never the same twice must not fill the memory. */
  static readonly #MAX = 8192;
  readonly #known = new Map<number, { readonly text: string; readonly value: T }>();
  readonly #make: (text: string) => T;
  readonly repeats: boolean;

  constructor(make: (text: string) => T, { repeats = false }: { readonly repeats?: boolean } = {}) {
    this.#make = make;
    this.repeats = repeats;
  }

  /** The text that came last, as bytes, and its value, where the same is likely to come again. */
  lastBytes: Uint8Array | null = null;
  lastValue: T | null = null;

  at(bytes: Uint8Array, start: number, end: number): T {
    let hash = end - start;
    for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    const known = this.#known.get(hash);
    if (known !== undefined && isText(known.text, bytes, start, end)) return known.value;
    const text = decoder.decode(bytes.subarray(start, end));
    const value = this.#make(text);
    // Only of ASCII are characters and bytes the same.
    if (known === undefined && this.#known.size < Shared.#MAX && text.length === end - start)
      this.#known.set(hash, { text, value });
    return value;
  }
}

function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = start; at < end; at += 1) if (text.charCodeAt(at - start) !== bytes[at]) return false;
  return true;
}

export class ByteCursor {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;

  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The byte to come. */
  get next(): number | undefined {
    return this.#bytes[this.#at];
  }

  get at(): number {
    return this.#at;
  }

  back(at: number): this {
    this.#at = at;
    return this;
  }

  /** @throws Unusual if another byte comes */
  expect(byte: number | undefined): void {
    if (this.next !== byte) throw new Unusual();
    this.#at += 1;
  }

  /** A value, made. */
  parse(): unknown {
    const start = this.#at;
    this.skipValue();
    return JSON.parse(decoder.decode(this.#bytes.subarray(start, this.#at))) as unknown;
  }

  skip(count: number): this {
    this.#at += count;
    return this;
  }

  has(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    for (let at = 0; at < expected.length; at += 1) if (bytes[start + at] !== expected[at]) return false;
    this.#at = start + expected.length;
    return true;
  }

  /** @throws Unusual if something else comes */
  take(expected: Uint8Array): this {
    if (!this.has(expected)) throw new Unusual();
    return this;
  }

  /** What is left of a string whose opening quote was taken; one with escapes is unusual. */
  string<T>(shared: Shared<T>): T {
    if (shared.lastBytes !== null && this.has(shared.lastBytes)) return shared.lastValue as T;
    const start = this.#at;
    const bytes = this.#bytes;
    let end = start;
    for (let byte = bytes[end]; byte !== QUOTE; byte = bytes[end]) {
      if (byte === BACKSLASH || end >= this.#end) throw new Unusual();
      end += 1;
    }
    this.#at = end + 1;
    const value = shared.at(bytes, start, end);
    if (shared.repeats) {
      shared.lastBytes = bytes.subarray(start, end + 1);
      shared.lastValue = value;
    }
    return value;
  }

  value<T>(shared: Shared<T>): T {
    const start = this.#at;
    this.skipValue();
    return shared.at(this.#bytes, start, this.#at);
  }

  number(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let value = 0;
    for (let digit = bytes[at] ?? 0; digit >= ZERO && digit <= NINE; digit = bytes[at] ?? 0) {
      value = value * 10 + (digit - ZERO);
      at += 1;
    }
    const next = bytes[at];
    const isWhole = next !== DOT && next !== MINUS && (next ?? 0) !== LETTER_E && at > start;
    if (isWhole && at - start <= DIGITS_MAX) {
      this.#at = at;
      return value;
    }
    const parsed = this.parse();
    if (typeof parsed !== 'number') throw new Unusual();
    return parsed;
  }

  /** To behind the closing quote of a string whose opening one was taken. */
  skipString(): this {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) at += 1;
    }
    if (at >= end) throw new Unusual();
    this.#at = at + 1;
    return this;
  }

  /** To behind a value of any kind. */
  skipValue(): this {
    const bytes = this.#bytes;
    const end = this.#end;
    let depth = 0;
    while (this.#at < end) {
      const byte = bytes[this.#at];
      if (byte === COMMA || byte === CLOSE || byte === CLOSE_LIST) {
        if (depth === 0) return this;
        if (byte !== COMMA) depth -= 1;
        this.#at += 1;
        if (depth === 0 && byte !== COMMA) return this;
        continue;
      }
      this.#at += 1;
      if (byte === QUOTE) this.skipString();
      else if (byte === OPEN || byte === OPEN_LIST) depth += 1;
    }
    throw new Unusual();
  }
}
