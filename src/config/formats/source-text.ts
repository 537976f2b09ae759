/** The text of one configuration file, and where in it an offset lies. */

/** Larger files are refused unread. */
export const FILE_BYTES_MAX = 1024 * 1024;

/** Where something stands; lines and columns count from 1, a column is one character (code point). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Offsets are those of JavaScript strings (UTF-16 code units) and exclude a byte order mark. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: readonly number[] | null = null;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  place(offset: number): Place {
    const starts = this.#starts();
    const line = lineIndexOf(starts, offset);
    const column = charactersOf(this.text.slice(starts[line], offset)).length + 1;
    return { file: this.file, line: line + 1, column };
  }

  /** Offset of the first character of the line that `offset` is on, and of the end of that line. */
  line(offset: number): readonly [start: number, end: number] {
    const starts = this.#starts();
    const index = lineIndexOf(starts, offset);
    const next = starts[index + 1];
    const end = next === undefined ? this.text.length : next - 1;
    const isCrLf = end > 0 && this.text[end - 1] === '\r' && next !== undefined;
    return [starts[index] ?? 0, isCrLf ? end - 1 : end];
  }

  #starts(): readonly number[] {
    if (this.#lineStarts !== null) return this.#lineStarts;
    const starts = [0];
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1))
      starts.push(at + 1);
    this.#lineStarts = starts;
    return starts;
  }
}

/** The characters of a text, each a code point. */
export function charactersOf(text: string): readonly string[] {
  return Array.from(text);
}

function lineIndexOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What keeps bytes from being text, and at which byte. */
export interface NotText {
  readonly code: 'LIMIT' | 'ENCODING';
  readonly message: string;
}

/** Decodes a file: UTF-8, with or without a byte order mark, at most {@link FILE_BYTES_MAX} bytes. */
export function decodeText(file: string, bytes: Uint8Array): SourceText | NotText {
  if (bytes.byteLength > FILE_BYTES_MAX) {
    return {
      code: 'LIMIT',
      message: `The file has ${bytes.byteLength} bytes; ${FILE_BYTES_MAX} are allowed. Split it into several files.`,
    };
  }
  const bad = invalidUtf8At(bytes);
  if (bad !== -1) {
    if (bad === bytes.byteLength) {
      return {
        code: 'ENCODING',
        message: 'The file ends in the middle of a character; it may have been cut off.',
      };
    }
    const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe;
    return {
      code: 'ENCODING',
      message:
        `The file is not UTF-8: the byte at offset ${bad} does not belong there. ` +
        (utf16 ? 'It looks like UTF-16; save it as UTF-8.' : 'Save it as UTF-8.'),
    };
  }
  return new SourceText(file, new TextDecoder().decode(bytes));
}

/** Offset of the first byte that is not UTF-8, or -1. Decoding a prefix tells: a bisection finds where it stops working. */
function invalidUtf8At(bytes: Uint8Array): number {
  if (isUtf8Start(bytes, true)) return -1;
  if (isUtf8Start(bytes, false)) return bytes.byteLength;
  let low = 0;
  let high = bytes.byteLength;
  // Invariant: the first `low` bytes can begin valid text, the first `high` cannot.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isUtf8Start(bytes.subarray(0, middle), false)) low = middle;
    else high = middle;
  }
  return low;
}

function isUtf8Start(bytes: Uint8Array, complete: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !complete });
    return true;
  } catch {
    return false;
  }
}
