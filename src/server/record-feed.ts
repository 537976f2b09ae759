import type { Journal, JournalRecord } from '../journal/journal.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import { gap } from './config-feed.ts';
import type { StreamedEvent } from './event-stream.ts';
import { WaitingReaders } from './waiting-readers.ts';

/**
 * The records of a member, for readers that come and go: first what the journal holds, then what is written. While
 * anybody reads, one follower looks for new records on behalf of all, and keeps the last ones: a reader that comes again
 * soon goes on where it was. One that was away for too long is told so, and gets all of it anew; records are known by
 * their stream and number, so that having one twice does no harm.
 */

/** Records kept for readers that come again, and for those that are slow. */
export const FEED_RECORDS_MAX = 2000;
/** How often the journal is looked at, in milliseconds. */
const LOOK_MS = 250;

type Places = ReadonlyMap<string, number>;

export class RecordFeed {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #origin: string;
  readonly #waiting = new WaitingReaders();
  /** Records behind number `#base`, in the order they were found. */
  #kept: readonly JournalRecord[] = [];
  #base = 0;
  /** How far each stream was read, as of the last record that is kept. */
  #places = new Map<string, number>();
  #readers = 0;
  #looking: Promise<void> | null = null;
  #timer: TimerId;
  #failure: Error | null = null;

  /** @param origin a name that no other process has */
  constructor(journal: Journal, clock: Clock, origin: string) {
    this.#journal = journal;
    this.#clock = clock;
    this.#origin = origin;
  }

  /**
   * Records behind the one with this id; without one, all of them, or those from now on.
   *
   * @throws what the journal throws that cannot be read
   */
  async *after(
    lastId: string | null,
    signal: AbortSignal,
    { fromNow = false }: { readonly fromNow?: boolean } = {},
  ): AsyncGenerator<StreamedEvent, void, undefined> {
    this.#readers += 1;
    try {
      await this.#follow();
      this.#mustBeRead();
      const resumed = lastId === null ? null : this.#numberOf(lastId);
      if (lastId !== null && resumed === null)
        yield gap(`What came after that is not kept any more${fromNow ? '' : '; all of it follows'}.`);
      let place = resumed ?? this.#last;
      if (resumed === null) yield* this.#begin(place, signal, fromNow);
      while (!signal.aborted) {
        this.#mustBeRead();
        // Too slow for what is kept: it comes again, and begins anew.
        if (place < this.#base) return;
        const record = this.#kept[place - this.#base];
        if (record === undefined) await this.#waiting.more(signal);
        else {
          place += 1;
          yield this.#told(record, place);
        }
      }
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#clock.clearTimeout(this.#timer);
    }
  }

  #mustBeRead(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  get #last(): number {
    return this.#base + this.#kept.length;
  }

  /** What was before, and from where on the reader can come again: also if it is gone before the next record. */
  async *#begin(place: number, signal: AbortSignal, fromNow: boolean): AsyncGenerator<StreamedEvent> {
    const until: Places = new Map(this.#places);
    for (const [stream, to] of fromNow ? [] : until) {
      for await (const record of this.#journal.read(stream, { to })) {
        if (signal.aborted) return;
        yield { event: 'record', data: record };
      }
    }
    yield { event: 'current', id: `${this.#origin}:${place}`, data: { streams: until.size } };
  }

  #told(record: JournalRecord, number: number): StreamedEvent {
    return { event: 'record', id: `${this.#origin}:${number}`, data: record };
  }

  #numberOf(id: string): number | null {
    const prefix = `${this.#origin}:`;
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
    return number >= this.#base && number <= this.#last ? number : null;
  }

  /** Looks now, and again and again while there are readers. */
  async #follow(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    await this.#looking;
    this.#clock.clearTimeout(this.#timer);
    if (this.#readers > 0) this.#timer = this.#clock.setTimeout(() => void this.#follow(), LOOK_MS);
  }

  /** Never rejects: readers are told. */
  async #look(): Promise<void> {
    try {
      const streams = await this.#journal.streams();
      const fresh = streams.map(({ stream, seq, first }) => {
        const next = (this.#places.get(stream) ?? 0) + 1;
        const from = Math.max(next, first);
        return { stream, seq, from, lost: from - next, count: Math.max(0, seq - from + 1) };
      });
      const total = fresh.reduce((sum, { count, lost }) => sum + count + lost, 0);
      // Records may have been dropped from the journal while nobody read.
      if (total > FEED_RECORDS_MAX || fresh.some(({ lost }) => lost > 0)) this.#skip(fresh, total);
      else for (const each of fresh) if (each.count > 0) await this.#read(each.stream, each.from, each.seq);
      this.#failure = null;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
    this.#waiting.wake();
  }

  /** More than is kept, or not all that there was: nobody can go on from before. */
  #skip(streams: readonly { readonly stream: string; readonly seq: number }[], count: number): void {
    this.#base = this.#last + count;
    this.#kept = [];
    this.#places = new Map(streams.map(({ stream, seq }) => [stream, seq]));
  }

  async #read(stream: string, from: number, to: number): Promise<void> {
    for await (const record of this.#journal.read(stream, { from, to })) {
      this.#places.set(stream, record.seq);
      const kept = [...this.#kept, record];
      const excess = Math.max(0, kept.length - FEED_RECORDS_MAX);
      this.#base += excess;
      this.#kept = excess === 0 ? kept : kept.slice(excess);
    }
  }
}
