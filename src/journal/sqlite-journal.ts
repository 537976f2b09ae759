import { JournalError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { runtimeVersion } from '../runtime/identity.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { holdLocally, newClaim, releaseLocally } from './durable-claim.ts';
import type { OnNotice } from './durable-notice.ts';
import { realPath } from './durable-path.ts';
import { checkedRetention, type Retention } from './durable-retention.ts';
import { CLOSE_DEADLINE_MS, DurableWriter, within, type DurableBackend } from './durable-writer.ts';
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
import { SqliteClient } from './sqlite-client.ts';
import { readPages } from './sqlite-read.ts';
import { checkSqliteWritable } from './sqlite-schema.ts';

/**
 * The durable journal: one file `journal.db`, written by a worker thread, so that no wait for the disk ever delays
 * the thread that renews leases.
 *
 * What it promises: a record for which `durable(seq)` has resolved survives the death of the process and, as far as
 * the disk keeps its word, of the host (write-ahead log, synchronous FULL). One stream has one writer; other
 * processes may read at any time. What it does not: it never holds up its actor. While the disk fails, records wait
 * in memory, and beyond `PENDING_ENTRIES_MAX` the oldest are given up; the stream then goes on from the state there.
 */
export interface SqliteJournalOptions {
  /** The file. Made if it is not there; its directory must be, on a local disk. */
  readonly path: string;
  /** What is kept: 64 MiB and 14 days unless told otherwise. */
  readonly retention?: Retention;
  /** Told about what is worth a log line. */
  readonly onNotice?: OnNotice;
  /** Time; default the system's. */
  readonly clock?: Clock;
}

/**
 * Opens or makes a SQLite journal.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `JOURNAL_UNRECOGNIZED`, `STORE_NOT_A_DATABASE`, `SETTINGS_INVALID`
 * @throws JournalError `JOURNAL_FORMAT_NEWER`
 * @example
 * await using journal = sqliteJournal({ path: '/var/lib/billing/journal.db' });
 * const writer = journal.writer(header, await journal.head(header.stream));
 */
export function sqliteJournal(options: SqliteJournalOptions): Journal {
  return new SqliteJournal(options);
}

const silent: OnNotice = () => {};

class SqliteJournal implements Journal {
  readonly kind = 'sqlite';
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onNotice: OnNotice;
  readonly #client: SqliteClient;
  readonly #writers = new Map<string, DurableWriter>();
  #closing: Promise<void> | null = null;

  constructor({ path, retention, onNotice = silent, clock = systemClock }: SqliteJournalOptions) {
    const limits = checkedRetention(retention);
    checkSqliteWritable(path);
    this.#path = realPath(path);
    this.#clock = clock;
    this.#onNotice = onNotice;
    this.#client = new SqliteClient(
      { path: this.#path, runtime: runtimeVersion(), retention: limits },
      onNotice,
    );
  }

  writer(header: StreamHeader, head: StreamHead = { seq: 0, chain: GENESIS }): JournalWriter {
    this.#refuseClosed();
    const { stream } = header;
    const name = `${this.#path}\n${stream}`;
    if (!holdLocally(name)) {
      throw new JournalError(
        'JOURNAL_IN_USE',
        `The stream ${stream} is being written by this process already. Give each actor a stream of its own.`,
        { place: stream },
      );
    }
    const writer = new DurableWriter({
      header,
      head,
      backend: this.#backend(header),
      clock: this.#clock,
      onNotice: this.#onNotice,
      onClosed: () => {
        this.#writers.delete(stream);
        releaseLocally(name);
      },
    });
    this.#writers.set(stream, writer);
    return writer;
  }

  head(stream: string): Promise<StreamHead> {
    return this.#client.call('head', { stream });
  }

  streams(): Promise<readonly StreamSummary[]> {
    return this.#client.call('streams', {});
  }

  read(stream: string, options: ReadOptions = {}): AsyncIterable<JournalRecord> {
    return readPages(this.#path, stream, options, (from, to) =>
      this.#client.call('page', { stream, from, to }),
    );
  }

  async trim(stream: string, seq: number): Promise<void> {
    // Cutting needs the state at the cut; the writer knows the newest.
    await this.#writers.get(stream)?.checkpoint();
    await this.#client.call('trim', { stream, seq });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const due = this.#clock.monotonicMs() + CLOSE_DEADLINE_MS;
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
    const left = Math.max(0, due - this.#clock.monotonicMs());
    await within(this.#clock, this.#client.close(), left);
    this.#client.abandon();
  }

  #backend({ stream, writer }: StreamHeader): DurableBackend {
    const claim = newClaim(writer);
    const client = this.#client;
    return {
      // A checkpoint with every commit lets a stream be trimmed to its last record, whenever its writer died.
      checkpointEvery: 1,
      claim: () => client.call('claim', { stream, claim }),
      append: async (parcel) => {
        const wall = this.#clock.wallMs();
        await client.call('append', { stream, claimId: claim.id, parcel: JSON.stringify(parcel), wall });
      },
      release: async () => {
        await client.call('release', { stream, claimId: claim.id });
      },
    };
  }

  #refuseClosed(): void {
    if (this.#closing === null) return;
    throw new JournalError('JOURNAL_CLOSED', `The journal ${this.#path} is closed.`, { place: this.#path });
  }
}
