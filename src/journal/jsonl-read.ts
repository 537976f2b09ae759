import { createHash } from 'node:crypto';
import { JournalError } from '../errors.ts';
import { assertRecord } from './codec.ts';
import { JOURNAL_FORMAT, type JournalRecord } from './journal.ts';
import { FrameDamage, FrameScanner, type Frame } from './jsonl-frame.ts';
import type { JsonlCheckpoint, JsonlFooter, JsonlHeader } from './jsonl-format.ts';

/** Where the bytes come from: all at once, or in chunks as a file or standard input gives them. */
export type JsonlSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** One line, read and checked. */
export type JsonlLine =
  | { readonly type: 'header'; readonly header: JsonlHeader; readonly frame: Frame }
  | { readonly type: 'record'; readonly record: JournalRecord; readonly frame: Frame }
  | { readonly type: 'checkpoint'; readonly line: JsonlCheckpoint; readonly frame: Frame };

/** How a journal ended. */
export interface JsonlTail {
  /** Offset behind the last whole line. */
  readonly end: number;
  /** Bytes of a line that was never finished, behind `end`. */
  readonly torn: number;
  /** Whether the last line is whole but for its newline. */
  readonly unterminated: boolean;
}

/** A journal that has been opened for reading. */
export interface JsonlReading {
  readonly header: JsonlHeader;
  /** Can be iterated once. Throws `JOURNAL_CORRUPT` or `JOURNAL_TRUNCATED` with the place. */
  readonly records: AsyncIterable<JournalRecord>;
}

/**
 * Reads JSONL in a stream: nothing but one line is held in memory.
 *
 * An export is either whole, byte for byte, or refused: every change of a byte anywhere gives `JOURNAL_CORRUPT`,
 * a missing end gives `JOURNAL_TRUNCATED`. A live journal may end in a line that was being written; that is left out.
 *
 * @param name What to call the source in errors, for example its path.
 * @throws JournalError `JOURNAL_CORRUPT`, `JOURNAL_TRUNCATED`, `JOURNAL_FORMAT_NEWER`
 * @example
 * const { header, records } = await readJsonl(createReadStream('run.jsonl'), 'run.jsonl');
 * for await (const record of records) console.log(record.seq, record.event.type);
 */
export async function readJsonl(source: JsonlSource, name = 'the journal'): Promise<JsonlReading> {
  const lines = scanJsonl(source, name);
  const first = await lines.next();
  // The scan itself refuses a source without a header, so that a first line is one.
  const { header } = first.value as Extract<JsonlLine, { type: 'header' }>;
  return { header, records: onlyRecords(lines) };
}

async function* onlyRecords(lines: AsyncIterable<JsonlLine>): AsyncGenerator<JournalRecord> {
  for await (const line of lines) if (line.type === 'record') yield line.record;
}

/** All lines but the footer; returns how the journal ended. */
export async function* scanJsonl(source: JsonlSource, name: string): AsyncGenerator<JsonlLine, JsonlTail> {
  const scan = new JsonlScan(name);
  const chunks = source instanceof Uint8Array ? [source] : source;
  for await (const chunk of chunks) yield* scan.lines(chunk);
  yield* scan.end();
  return scan.tail();
}

/** The checks, line by line; synchronous, so that any source can drive it. */
class JsonlScan {
  readonly #name: string;
  readonly #frames = new FrameScanner();
  readonly #digest = createHash('sha256');
  readonly #seqs = new Map<string, number>();
  #header: JsonlHeader | null = null;
  #records = 0;
  #footer = false;
  #behind = 'at the beginning';
  /** Set where a live journal stops making sense: its torn end, unless a newline follows. */
  #suspect: FrameDamage | null = null;
  #unterminated = false;

  constructor(name: string) {
    this.#name = name;
  }

  *lines(chunk: Uint8Array): Generator<JsonlLine> {
    this.#frames.push(chunk);
    for (;;) {
      if (this.#suspect !== null) return this.#doubt(this.#suspect);
      const frame = this.#next();
      if (frame === null) {
        if (this.#suspect !== null) continue;
        return;
      }
      const line = this.#read(frame);
      if (line !== null) yield line;
    }
  }

  *end(): Generator<JsonlLine> {
    const last = this.#header?.form === 'live' ? this.#whole() : null;
    if (last !== null) {
      this.#unterminated = true;
      const line = this.#read(last);
      if (line !== null) yield line;
    }
    if (this.#header === null) this.#truncated('its first line is not whole');
    if (this.#header.form === 'export' && !this.#footer) {
      this.#truncated(`it is an export without its last line, after ${this.#records} records`);
    }
    const { bytes } = this.#frames.rest();
    if (this.#footer && bytes > 0) this.#corrupt(`${bytes} bytes follow the last line`, this.#frames.rest());
  }

  tail(): JsonlTail {
    const { offset, bytes } = this.#frames.rest();
    return { end: offset, torn: bytes, unterminated: this.#unterminated };
  }

  /** The next line; null when more is needed or, in a live journal, when `#suspect` has been set. */
  #next(): Frame | null {
    try {
      return this.#frames.next();
    } catch (error) {
      if (!(error instanceof FrameDamage)) throw error;
      if (this.#header?.form !== 'live') this.#corrupt(error.message, error);
      this.#suspect = error;
      return null;
    }
  }

  /** The unterminated last line; damaged, it is a torn one. */
  #whole(): Frame | null {
    try {
      return this.#frames.unterminated();
    } catch (error) {
      if (error instanceof FrameDamage) return null;
      throw error;
    }
  }

  /** A line that is torn is the last there is. A newline behind it proves that more was written: damage. */
  #doubt(suspect: FrameDamage): void {
    if (this.#frames.rest().newline) this.#corrupt(suspect.message, suspect);
  }

  #read(frame: Frame): JsonlLine | null {
    const value = this.#parse(frame);
    if (this.#footer) this.#corrupt('there is a line behind the last one', frame);
    if (this.#header === null) return { type: 'header', header: this.#readHeader(value, frame), frame };
    if (value['conclave'] === 'end') return this.#readFooter(value as unknown as JsonlFooter, frame);
    if (this.#header.form === 'export') this.#digest.update(frame.raw);
    if (value['conclave'] === 'checkpoint') {
      return { type: 'checkpoint', line: value as unknown as JsonlCheckpoint, frame };
    }
    return { type: 'record', record: this.#readRecord(value, frame), frame };
  }

  #parse(frame: Frame): Record<string, unknown> {
    let value: unknown = null;
    try {
      value = JSON.parse(frame.json);
    } catch (error) {
      this.#corrupt('the line is not JSON', frame, error);
    }
    if (typeof value !== 'object' || value === null) this.#corrupt('the line is not an object', frame);
    return value as Record<string, unknown>;
  }

  #readHeader(value: Record<string, unknown>, frame: Frame): JsonlHeader {
    const header = value as unknown as JsonlHeader;
    if (header.conclave !== 'journal' || !Number.isInteger(header.format)) {
      this.#corrupt('the first line is not the header of a journal', frame);
    }
    this.#refuseNewer(header.format, `${this.#name} has`);
    if (header.form !== 'export' && header.form !== 'live')
      this.#corrupt('the header names no known form', frame);
    this.#header = header;
    if (header.form === 'export') this.#digest.update(frame.raw);
    return header;
  }

  #readRecord(value: Record<string, unknown>, frame: Frame): JournalRecord {
    const record = assertRecord(value, this.#placeOf(frame));
    const before = this.#seqs.get(record.stream);
    if (
      before !== undefined &&
      record.seq !== before + 1 &&
      !(record.kind === 'trimmed' && record.seq > before)
    ) {
      this.#corrupt(`${record.stream} #${before} is followed by #${record.seq}`, frame);
    }
    this.#seqs.set(record.stream, record.seq);
    this.#records += 1;
    this.#behind = `behind ${record.stream} #${record.seq}`;
    return record;
  }

  #readFooter(footer: JsonlFooter, frame: Frame): null {
    if (this.#header?.form !== 'export')
      this.#corrupt('a journal that is being written has a last line', frame);
    if (footer.records !== this.#records) {
      this.#corrupt(`the last line counts ${footer.records} records, there are ${this.#records}`, frame);
    }
    if (footer.digest !== this.#digest.digest('hex')) {
      this.#corrupt('the digest of the last line is not that of the file', frame);
    }
    this.#footer = true;
    return null;
  }

  #refuseNewer(format: number, what: string): void {
    if (format <= JOURNAL_FORMAT) return;
    throw new JournalError(
      'JOURNAL_FORMAT_NEWER',
      `${what} format ${format}; this version reads up to ${JOURNAL_FORMAT}. Use the version that wrote it, or a later one.`,
      { place: this.#name },
    );
  }

  #placeOf({ offset, line }: { readonly offset: number; readonly line: number }): string {
    return `${this.#name}, byte ${offset}, line ${line}, ${this.#behind}`;
  }

  #corrupt(reason: string, at: { readonly offset: number; readonly line: number }, cause?: unknown): never {
    const place = this.#placeOf(at);
    throw new JournalError(
      'JOURNAL_CORRUPT',
      `The journal is damaged at ${place}: ${reason}. It was left untouched; restore it from a copy.`,
      { place, ...(cause === undefined ? {} : { cause }) },
    );
  }

  #truncated(reason: string): never {
    const place = this.#placeOf(this.#frames.rest());
    throw new JournalError(
      'JOURNAL_TRUNCATED',
      `The journal ends too early at ${place}: ${reason}. Copy it again.`,
      {
        place,
      },
    );
  }
}
