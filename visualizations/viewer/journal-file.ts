import type { JournalRecord } from '../../src/journal/journal.ts';
import { JOURNAL_FORMAT } from '../../src/journal/journal.ts';
import { crc32c } from '../../src/journal/durable-crc32c.ts';
import { RecordScanner } from './record-scan.ts';
import { slim, type SlimRecord } from './slim.ts';

/** Reads a JSONL journal in the browser: line by line, each checked against its length and checksum. */

/** A file that cannot be shown, in words that say where and what to do. */
export class FileRefused extends Error {}

/** A line of the file that holds a record; its text is decoded again when somebody wants to see it whole. */
export interface Line {
  readonly record: SlimRecord;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface JournalFile {
  readonly lines: readonly Line[];
  /** What is not as it should be and does no harm to the lines that precede it. */
  readonly problem: string | null;
  /** Offset behind the last line that was read. */
  readonly end: number;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const [LETTER_A, LETTER_F] = [0x61, 0x66];
const CHECKSUM_DIGITS = 8;
/** Of the length of a line. */
const LENGTH_DIGITS_MAX = 9;
const decoder = new TextDecoder();

/**
 * All records of a file; of a damaged one those before the damage.
 *
 * @param checksums Whether they are compared here; where another does it, its word has to be waited for.
 * @throws FileRefused for what is no journal, is damaged from its beginning, or is of a newer format
 */
export function readJournalFile(
  name: string,
  bytes: Uint8Array,
  { checksums }: { readonly checksums: boolean },
): JournalFile {
  const lines: Line[] = [];
  const scanner = new RecordScanner();
  let header: { readonly form?: unknown } | null = null;
  let ended = false;
  let number = 0;
  let at = 0;
  for (; at < bytes.length; number += 1) {
    const frame = frameAt(bytes, at, checksums);
    if (typeof frame !== 'string' && header !== null) {
      const record = scanner.record(bytes, frame.start, frame.end);
      if (record !== null) {
        lines.push({ record, bytes, start: frame.start, end: frame.end });
        at = frame.next;
        continue;
      }
    }
    const place = `${name}, line ${number + 1}, byte ${at}`;
    if (typeof frame === 'string') {
      if (header === null) throw new FileRefused(notAJournal(name, bytes));
      // A journal that is being written may end in half a line.
      if (header.form === 'live' && !hasNewline(bytes, at)) return { lines, problem: null, end: at };
      return damaged(`${place}: ${frame}`, lines, at);
    }
    const value = parse(bytes, frame, place);
    if (header === null) header = checkHeader(value, name, bytes);
    else if (value['conclave'] === 'end') ended = true;
    else if (value['conclave'] === undefined) {
      if (!isRecord(value)) return damaged(`${place}: the line is no record`, lines, at);
      lines.push({ record: slim(checkRecord(value, place)), bytes, start: frame.start, end: frame.end });
    }
    at = frame.next;
  }
  if (header === null) throw new FileRefused(`${name} is empty.`);
  const cut = header.form === 'export' && !ended;
  return {
    lines,
    problem: cut
      ? `${name} is an export without its last line: its end is missing. Shown are the ${lines.length} records that are there; copy it again.`
      : null,
    end: Math.min(at, bytes.length),
  };
}

function damaged(place: string, lines: readonly Line[], end: number): JournalFile {
  const said = `The journal is damaged at ${place}.`;
  if (lines.length === 0) throw new FileRefused(`${said} There is no record before. Copy it again.`);
  const before = lines.length === 1 ? 'one record' : `${lines.length} records`;
  return { lines, problem: `${said} Shown is only what precedes, ${before}. Copy it again.`, end };
}

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/** Offset of the first line that has not the checksum it should have, or is none; the length if all are good. */
export function checkedUntil(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at, true);
    if (typeof frame === 'string') return at;
    at = frame.next;
  }
  return bytes.length;
}

/** The frame at an offset, or what is wrong with the bytes there. */
function frameAt(bytes: Uint8Array, at: number, checksums: boolean): Frame | string {
  let start = at;
  let length = 0;
  for (; isDigit(bytes[start]) && start < at + LENGTH_DIGITS_MAX; start += 1)
    length = length * 10 + (bytes[start] as number) - ZERO;
  const checksum = hexAt(bytes, start + 1);
  const body = start + 1 + CHECKSUM_DIGITS + 1;
  if (length === 0 || bytes[start] !== SPACE || checksum === null || bytes[body - 1] !== SPACE)
    return 'no line of a journal begins there';
  const end = body + length;
  if (end > bytes.length) return 'the line is cut short';
  if (end < bytes.length && bytes[end] !== NEWLINE) return 'the line is longer than it says';
  if (checksums && crc32c(bytes.subarray(body, end)) !== checksum)
    return 'the checksum is not that of the line';
  return { start: body, end, next: end + 1 };
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= ZERO + 9;

/** The number that eight lower-case hexadecimal digits stand for. */
function hexAt(bytes: Uint8Array, from: number): number | null {
  let value = 0;
  for (let at = from; at < from + CHECKSUM_DIGITS; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isDigit(byte)) value = value * 16 + (byte - ZERO);
    else if (byte >= LETTER_A && byte <= LETTER_F) value = value * 16 + (byte - LETTER_A + 10);
    else return null;
  }
  return value;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

const hasNewline = (bytes: Uint8Array, from: number): boolean => bytes.indexOf(NEWLINE, from) >= 0;

/** The JSON between two offsets. */
export function jsonAt({ bytes, start, end }: Pick<Line, 'bytes' | 'start' | 'end'>): unknown {
  return JSON.parse(decoder.decode(bytes.subarray(start, end))) as unknown;
}

function parse(bytes: Uint8Array, frame: Frame, place: string): Record<string, unknown> {
  try {
    const value = jsonAt({ bytes, ...frame });
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new FileRefused(`The journal is damaged at ${place}: the line is no JSON object.`);
}

function checkHeader(
  value: Record<string, unknown>,
  name: string,
  bytes: Uint8Array,
): { readonly form?: unknown } {
  if (value['conclave'] !== 'journal') throw new FileRefused(notAJournal(name, bytes));
  const format = Number(value['format']);
  if (format > JOURNAL_FORMAT) throw new FileRefused(newer(name, format));
  return value;
}

/**
 * A value that has what the timeline needs of a record.
 *
 * @throws FileRefused if it has not, or is of a format of the future
 */
export function checkRecord(value: unknown, place: string): JournalRecord {
  if (!isRecord(value)) throw new FileRefused(`What came is no record (${place}).`);
  if (value.v > JOURNAL_FORMAT) throw new FileRefused(newer(place, value.v));
  return value;
}

function isRecord(value: unknown): value is JournalRecord {
  const record = value as JournalRecord | null;
  return (
    typeof record?.stream === 'string' &&
    typeof record.seq === 'number' &&
    typeof record.mono === 'number' &&
    typeof record.wall === 'number' &&
    typeof record.machine?.id === 'string' &&
    typeof record.event?.type === 'string' &&
    Array.isArray(record.effects)
  );
}

const newer = (what: string, format: number): string =>
  `${what} has format ${format}; this page reads up to ${JOURNAL_FORMAT}. Open it with the version of conclave that wrote it, or a later one.`;

/** What the file is instead, as far as its first bytes tell. */
function notAJournal(name: string, bytes: Uint8Array): string {
  const start = ascii(bytes, 0, Math.min(16, bytes.length));
  const what = start.startsWith('SQLite format 3')
    ? 'is a SQLite journal, which a browser cannot read. Export it: conclave journal export FILE --out run.jsonl, or open it with conclave inspect FILE'
    : 'is no journal of conclave. A journal is written by conclave journal export, or saved by conclave demo --keep';
  return `${name} ${what}.`;
}
