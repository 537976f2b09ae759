/** Goes through JSON in bytes, making only what is asked for; what was met lately is known again by its bytes alone. */

/** The bytes are not as expected here. */
export class Unusual extends Error {}

const [QUOTE, BACKSLASH, COMMA, DOT, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x2e, 0x30, 0x39];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const [LETTER_E, CAPITAL_E] = [0x65, 0x45];
/** Every integer below is exact. */
const DIGITS_MAX = 15;
const POWERS = Array.from({ length: DIGITS_MAX + 1 }, (_, power) => 10 ** power);
const WORD = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes to be compared with, four at a time: of a journal most is the same in every line. */
export class Pattern {
  readonly length: number;
  /** The last word ends where the bytes do, so it may overlap with the one before. */
  readonly words: Int32Array;

  /** @param bytes At least four. */
  constructor(bytes: Uint8Array) {
    const { length } = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    this.length = length;
    this.words = new Int32Array(Math.ceil(length / WORD));
    for (let at = 0; at < this.words.length; at += 1)
      this.words[at] = view.getInt32(Math.min(at * WORD, length - WORD), true);
  }
}

export const literal = (text: string): Pattern => new Pattern(encoder.encode(text));

/** What pieces of lines come to, of which there are many of a few kinds: each is made once and shared. */
export class Pieces<T extends object | string> {
  /** Those that came last are tried before anything is read. */
  static readonly #RECENT = 16;
  /** Texts that are never the same twice must not fill the memory. */
  static readonly #MAX = 8192;
  readonly #recent: { readonly pattern: Pattern; readonly value: T }[] = [];
  readonly #known = new Map<string, T>();
  readonly #skip: (cursor: ByteCursor) => void;
  readonly #make: (text: string) => T;

  /**
   * @param skip Goes from the beginning of a piece to its end, which must be told by the bytes in between.
   * @param make The value of a piece.
   */
  constructor(skip: (cursor: ByteCursor) => void, make: (text: string) => T) {
    this.#skip = skip;
    this.#make = make;
  }

  /** The value of the piece that comes; the cursor is behind it then. */
  take(cursor: ByteCursor): T {
    const recent = this.#recent;
    for (let at = 0; at < recent.length; at += 1) {
      const one = recent[at] as (typeof recent)[number];
      if (!cursor.has(one.pattern)) continue;
      for (let to = at; to > 0; to -= 1) recent[to] = recent[to - 1] as typeof one;
      recent[0] = one;
      return one.value;
    }
    const start = cursor.at;
    this.#skip(cursor);
    const bytes = cursor.since(start);
    const text = decoder.decode(bytes);
    const value = this.#known.get(text) ?? this.#make(text);
    if (this.#known.size < Pieces.#MAX) this.#known.set(text, value);
    recent.unshift({ pattern: new Pattern(bytes), value });
    if (recent.length > Pieces.#RECENT) recent.pop();
    return value;
  }
}

/**
 * A whole number and a decimal fraction as the one double nearest to both. The fraction lies between two doubles, and
 * if the sums with either round to the same, so does the true one. Null if they do not, or of too many digits.
 */
function sum(whole: number, fraction: number, digits: number): number | null {
  const power = POWERS[digits];
  if (power === undefined || digits === 0) return null;
  const about = fraction / power;
  const least = whole + (about - Number.EPSILON);
  return least === whole + (about + Number.EPSILON) ? least : null;
}

export class ByteCursor {
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(new ArrayBuffer());
  #at = 0;
  #end = 0;

  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.#bytes) this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
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

  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#at);
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
    return JSON.parse(decoder.decode(this.skipValue().since(start))) as unknown;
  }

  skip(count: number): this {
    this.#at += count;
    return this;
  }

  has({ length, words }: Pattern): boolean {
    const view = this.#view;
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) return false;
    const last = words.length - 1;
    for (let at = 0; at < last; at += 1)
      if (view.getInt32(start + at * WORD, true) !== words[at]) return false;
    if (view.getInt32(end - WORD, true) !== words[last]) return false;
    this.#at = end;
    return true;
  }

  /** @throws Unusual if something else comes */
  take(expected: Pattern): this {
    if (!this.has(expected)) throw new Unusual();
    return this;
  }

  number(): number {
    const start = this.#at;
    const whole = this.#digits();
    const dot = this.#at;
    let value: number | null = whole;
    if (this.next === DOT) {
      this.#at = dot + 1;
      value = sum(whole, this.#digits(), this.#at - dot - 1);
    }
    const { next } = this;
    const isPlain = dot > start && dot - start <= DIGITS_MAX && next !== LETTER_E && next !== CAPITAL_E;
    if (value !== null && isPlain) return value;
    const parsed = this.back(start).parse();
    if (typeof parsed !== 'number') throw new Unusual();
    return parsed;
  }

  /** The digits to come as a number, which is exact up to `DIGITS_MAX` of them. */
  #digits(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let value = 0;
    for (let digit = bytes[at] ?? 0; digit >= ZERO && digit <= NINE; digit = bytes[at] ?? 0) {
      value = value * 10 + (digit - ZERO);
      at += 1;
    }
    this.#at = at;
    return value;
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
