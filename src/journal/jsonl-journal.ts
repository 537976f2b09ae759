import { createReadStream, statSync } from 'node:fs';
import { JournalError, SettingsError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { processIncarnation } from '../runtime/identity.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { holdLocally, newClaim, releaseLocally } from './durable-claim.ts';
import type { OnNotice } from './durable-notice.ts';
import { checkWritablePlace, readStart, realPath } from './durable-path.ts';
import type { JournalReader } from './durable-reader.ts';
import { checkedRetention } from './durable-retention.ts';
import { CLOSE_DEADLINE_MS, DurableWriter, within } from './durable-writer.ts';
import {
  GENESIS,
  type Journal,
  type JournalRecord,
  type JournalWriter,
  type ReadOptions,
  type StreamHead,
  type StreamHeader,
  type StreamSummary,
} from './journal.ts';
import { JsonlFile } from './jsonl-file.ts';
import { looksLikeJsonl } from './jsonl-format.ts';
import { JsonlIndex } from './jsonl-index.ts';
import { scanJsonl } from './jsonl-read.ts';

export interface JsonlJournalOptions {
  /** The file. Made if it is not there; its directory must be. */
  readonly path: string;
  /** Size in bytes beyond which the older half is dropped; default 64 MiB. */
  readonly bytesMax?: number;
  /** Told about what is worth a log line. */
  readonly onNotice?: OnNotice;
  /** Time; default the system's. */
  readonly clock?: Clock;
}

/** Records between two checkpoints, the places where a JSONL journal can be trimmed. */
const CHECKPOINT_EVERY = 256;

/**
 * Opens or makes a JSONL journal: one line a record, with its length and checksum. One process writes it; anybody may
 * read it at any time. A line that a dying process left unfinished is cut off; damage anywhere else is refused.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `JOURNAL_UNRECOGNIZED`, `SETTINGS_INVALID`
 * @example
 * await using journal = jsonlJournal({ path: 'orders.jsonl' });
 * const writer = journal.writer(header, await journal.head(header.stream));
 */
export function jsonlJournal(options: JsonlJournalOptions): Journal {
  return new JsonlJournal(options);
}

/** Opens a JSONL journal, live or exported, for reading. A file that is not there is an empty journal. */
export function readJsonlFile(path: string): JournalReader {
  return new JsonlReader(path);
}

class JsonlReader implements JournalReader {
  readonly kind = 'jsonl';
  protected readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async head(stream: string): Promise<StreamHead> {
    return (await this.#index()).head(stream);
  }

  async streams(): Promise<readonly StreamSummary[]> {
    return (await this.#index()).summaries();
  }

  async *read(stream: string, { from = 1, to = Infinity }: ReadOptions = {}): AsyncIterable<JournalRecord> {
    if (isMissing(this.path)) return;
    for await (const line of scanJsonl(createReadStream(this.path), this.path)) {
      if (line.type !== 'record' || line.record.stream !== stream) continue;
      const { seq } = line.record;
      if (seq >= from && seq <= to) yield line.record;
    }
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #index(): Promise<JsonlIndex> {
    const index = new JsonlIndex();
    if (isMissing(this.path)) return index;
    for await (const line of scanJsonl(createReadStream(this.path), this.path)) index.add(line);
    return index;
  }
}

/** No file, or one that somebody has just made for us to write to. */
function isMissing(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

const silent: OnNotice = () => {};

class JsonlJournal extends JsonlReader implements Journal {
  readonly #clock: Clock;
  readonly #onNotice: OnNotice;
  readonly #file: JsonlFile;
  readonly #writers = new Map<string, DurableWriter>();
  #holdsFile = false;
  #closing: Promise<void> | null = null;

  constructor({ path, bytesMax, onNotice = silent, clock = systemClock }: JsonlJournalOptions) {
    const retention = checkedRetention(bytesMax === undefined ? {} : { bytesMax });
    checkJsonlWritable(path);
    super(realPath(path));
    this.#clock = clock;
    this.#onNotice = onNotice;
    this.#file = new JsonlFile({
      path: this.path,
      bytesMax: retention.bytesMax,
      claim: newClaim(processIncarnation()),
      onNotice,
      isWritten: (stream) => this.#writers.has(stream),
    });
  }

  writer(header: StreamHeader, head: StreamHead = { seq: 0, chain: GENESIS }): JournalWriter {
    if (this.#closing !== null) {
      throw new JournalError('JOURNAL_CLOSED', `The journal ${this.path} is closed.`, { place: this.path });
    }
    const { stream } = header;
    if (this.#writers.has(stream)) throw this.#inUse(`The stream ${stream}`, stream);
    this.#hold();
    const file = this.#file;
    const writer = new DurableWriter({
      header,
      head,
      backend: {
        checkpointEvery: CHECKPOINT_EVERY,
        claim: () => file.claim(stream),
        append: (parcel) => file.append(stream, parcel),
        release: async () => {},
      },
      clock: this.#clock,
      onNotice: this.#onNotice,
      onClosed: () => this.#writers.delete(stream),
    });
    this.#writers.set(stream, writer);
    return writer;
  }

  async trim(stream: string, seq: number): Promise<void> {
    this.#hold();
    await this.#writers.get(stream)?.checkpoint();
    await this.#file.trim(stream, seq);
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const due = this.#clock.monotonicMs() + CLOSE_DEADLINE_MS;
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
    const left = Math.max(0, due - this.#clock.monotonicMs());
    const closed = this.#file.close().catch(() => {
      // Whatever did not reach the disk has been told by its writer.
    });
    await within(this.#clock, closed, left);
    if (this.#holdsFile) releaseLocally(this.path);
  }

  /** One journal of this process writes the file; other processes are kept off by its lock. */
  #hold(): void {
    if (this.#holdsFile) return;
    if (!holdLocally(this.path)) throw this.#inUse(`The journal ${this.path}`, this.path);
    this.#holdsFile = true;
  }

  #inUse(what: string, place: string): JournalError {
    return new JournalError(
      'JOURNAL_IN_USE',
      `${what} is being written by this process already. Give each actor a stream, and each journal a file of its own.`,
      { place },
    );
  }
}

function checkJsonlWritable(path: string): void {
  checkWritablePlace(path);
  if (isMissing(path) || looksLikeJsonl(readStart(path))) return;
  throw new SettingsError(
    'JOURNAL_UNRECOGNIZED',
    `${path} is there and is not a JSONL journal. It was left untouched; choose another path.`,
  );
}
