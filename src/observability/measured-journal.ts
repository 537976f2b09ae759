import type {
  Entry,
  Journal,
  JournalWriter,
  ReadOptions,
  StreamHead,
  StreamHeader,
} from '../journal/journal.ts';
import type { Instruments } from './instruments.ts';
import { METRICS } from './metric-catalogue.ts';

const { journalRecords, journalFailures } = METRICS.process;

/** What journals of one kind have done. */
export class JournalBooks {
  records = 0;
  failures = 0;
}

/** Keeps books for each kind of journal, and has them observed. */
export function journalBooks(instruments: Instruments): {
  readonly of: (kind: Journal['kind']) => JournalBooks;
  readonly observing: Disposable;
} {
  const books = new Map<Journal['kind'], JournalBooks>();
  const observing = instruments.observe({ journalRecords, journalFailures }, (tell) => {
    for (const [journal, { records, failures }] of books) {
      tell(journalRecords, records, { journal });
      tell(journalFailures, failures, { journal });
    }
  });
  const of = (kind: Journal['kind']) => {
    const kept = books.get(kind) ?? new JournalBooks();
    books.set(kind, kept);
    return kept;
  };
  return { of, observing };
}

/** The same journal, whose records and failures are counted. */
export class MeasuredJournal implements Journal {
  readonly #journal: Journal;
  readonly #books: JournalBooks;

  constructor(journal: Journal, books: JournalBooks) {
    this.#journal = journal;
    this.#books = books;
  }

  get kind() {
    return this.#journal.kind;
  }

  writer(header: StreamHeader, head?: StreamHead): JournalWriter {
    const writer = new MeasuredWriter(this.#journal.writer(header, head), this.#books);
    // A journal goes from bad to good by telling null; each time it goes bad counts.
    writer.onFailure((failure) => (this.#books.failures += failure === null ? 0 : 1));
    return writer;
  }

  head(stream: string) {
    return this.#journal.head(stream);
  }

  streams() {
    return this.#journal.streams();
  }

  read(stream: string, options?: ReadOptions) {
    return this.#journal.read(stream, options);
  }

  trim(stream: string, seq: number) {
    return this.#journal.trim(stream, seq);
  }

  close() {
    return this.#journal.close();
  }

  [Symbol.asyncDispose]() {
    return this.#journal[Symbol.asyncDispose]();
  }
}

class MeasuredWriter implements JournalWriter {
  readonly #writer: JournalWriter;
  readonly #books: JournalBooks;
  readonly header: StreamHeader;

  constructor(writer: JournalWriter, books: JournalBooks) {
    this.#writer = writer;
    this.#books = books;
    this.header = writer.header;
  }

  get nextSeq() {
    return this.#writer.nextSeq;
  }

  record(entry: Entry): void {
    this.#books.records += 1;
    this.#writer.record(entry);
  }

  durable(seq: number) {
    return this.#writer.durable(seq);
  }

  onFailure(listener: (failure: Error | null) => void) {
    return this.#writer.onFailure(listener);
  }

  close(deadlineMs?: number) {
    return this.#writer.close(deadlineMs);
  }
}
