import { crc32cHex } from './durable-crc32c.ts';

/**
 * One line of a JSONL journal: `<length> <crc32c> <json>\n`, where length counts the bytes of the JSON. Parsing
 * is strict, so that there is exactly one way to write a given line and no byte of it can change unnoticed:
 * no leading zero, lower-case hexadecimal, single blanks, no carriage return.
 */

/** No line is longer. It bounds what a reader holds in memory and what one event may carry. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const LENGTH_DIGITS_MAX = String(LINE_BYTES_MAX).length;

/** A whole, undamaged line and where it stands in the file. */
export interface Frame {
  readonly json: string;
  /** The bytes of the whole line, its newline included where there is one. */
  readonly raw: Uint8Array;
  /** Byte offset of the first byte of the line. */
  readonly offset: number;
  /** Line number, from 1. */
  readonly line: number;
  /** Offset behind the line, its newline included where there is one. */
  readonly end: number;
}

/** Why the bytes at a place cannot be a line. The reader turns it into an error that names the file. */
export class FrameDamage extends Error {
  readonly offset: number;
  readonly line: number;
  constructor(reason: string, offset: number, line: number) {
    super(reason);
    this.offset = offset;
    this.line = line;
  }
}

/** Encodes one line. Throws a RangeError for JSON longer than `LINE_BYTES_MAX`. */
export function encodeFrame(json: string): Buffer {
  const body = Buffer.from(json, 'utf8');
  if (body.length > LINE_BYTES_MAX) {
    throw new RangeError(`A line of ${body.length} bytes is over the limit of ${LINE_BYTES_MAX}.`);
  }
  return Buffer.concat([Buffer.from(`${body.length} ${crc32cHex(body)} `), body, Buffer.from([NEWLINE])]);
}

/** Cuts a byte stream into lines: `push` what has arrived, then call `next` until it returns null. */
export class FrameScanner {
  #pending: Buffer = Buffer.alloc(0);
  #offset = 0;
  #line = 1;

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  /** The next whole line, or null when more bytes are needed. Throws `FrameDamage`. */
  next(): Frame | null {
    const head = this.#head();
    if (head === null || this.#pending.length <= head.end) {
      this.#refuseNewlineBefore(head?.end ?? Number.POSITIVE_INFINITY);
      return null;
    }
    this.#refuseNewlineBefore(head.end);
    if (this.#pending[head.end] !== NEWLINE) this.#damage(lineEndReason(this.#pending[head.end]));
    return this.#take(head, head.end + 1);
  }

  /** The last line of a file, whole but for its newline; null if what is left does not begin with that. */
  unterminated(): Frame | null {
    const head = this.#head();
    return head !== null && this.#pending.length >= head.end ? this.#take(head, head.end) : null;
  }

  /** What has not been taken yet: where it begins, how long it is, whether it holds a newline. */
  rest(): { offset: number; line: number; bytes: number; newline: boolean } {
    const newline = this.#pending.includes(NEWLINE);
    return { offset: this.#offset, line: this.#line, bytes: this.#pending.length, newline };
  }

  #take(head: Head, consumed: number): Frame {
    const body = this.#pending.subarray(head.start, head.end);
    if (crc32cHex(body) !== head.crc)
      this.#damage(`the checksum says ${head.crc}, the bytes say ${crc32cHex(body)}`);
    const frame = {
      json: body.toString('utf8'),
      raw: this.#pending.subarray(0, consumed),
      offset: this.#offset,
      line: this.#line,
      end: this.#offset + consumed,
    };
    this.#pending = this.#pending.subarray(consumed);
    this.#offset += consumed;
    this.#line += 1;
    return frame;
  }

  /** Reads `<length> <crc> `; null when it is not all there yet. */
  #head(): Head | null {
    const bytes = this.#pending;
    let at = 0;
    while (at < bytes.length && at < LENGTH_DIGITS_MAX && isDigit(bytes[at])) at++;
    if (at === bytes.length) return null;
    if (at === 0 || bytes[0] === 0x30 || bytes[at] !== SPACE) this.#damage(headReason(bytes, this.#offset));
    const length = Number(bytes.toString('latin1', 0, at));
    if (length > LINE_BYTES_MAX) this.#damage(`a length of ${length} is over the limit of ${LINE_BYTES_MAX}`);
    const crcEnd = at + 9;
    for (let i = at + 1; i < Math.min(crcEnd, bytes.length); i++) {
      if (!isLowerHex(bytes[i])) this.#damage('the checksum is not eight lower-case hexadecimal digits');
    }
    if (bytes.length <= crcEnd) return null;
    if (bytes[crcEnd] !== SPACE) this.#damage('there is no blank behind the checksum');
    return { crc: bytes.toString('latin1', at + 1, crcEnd), start: crcEnd + 1, end: crcEnd + 1 + length };
  }

  /** A newline inside a line means that the length is wrong: JSON written here never contains one. */
  #refuseNewlineBefore(end: number): void {
    const newline = this.#pending.indexOf(NEWLINE);
    if (newline >= 0 && newline < end)
      this.#damage(`the line ends after ${newline} bytes, before its length`);
  }

  #damage(reason: string): never {
    throw new FrameDamage(reason, this.#offset, this.#line);
  }
}

interface Head {
  readonly crc: string;
  /** Where the JSON begins and ends within the pending bytes. */
  readonly start: number;
  readonly end: number;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isLowerHex(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && byte >= 0x61 && byte <= 0x66);
}

function headReason(bytes: Buffer, offset: number): string {
  if (offset === 0 && bytes[0] === 0xef) return 'the file begins with a byte order mark; copy it as binary';
  return 'the line does not begin with a length and a blank';
}

function lineEndReason(byte: number | undefined): string {
  if (byte === 0x0d)
    return 'the line ends in a carriage return: line endings were converted; copy it as binary';
  return 'the line does not end where its length says';
}
