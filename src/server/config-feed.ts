import type { Observable } from 'rxjs';
import type { ConfigEvent } from '../config/reload-events.ts';
import type { StreamedEvent } from './event-stream.ts';
import { WaitingReaders } from './waiting-readers.ts';

/**
 * What a configuration tells, for readers that come and go. The last events are kept, so that one that comes again
 * misses none as long as it is not away for too long; if it was, it is told that there is a gap. Events are numbered
 * within one process: an id of an earlier one is a gap, too.
 */

/** Events that are kept for readers that come again. */
export const FEED_EVENTS_MAX = 1000;

interface Kept {
  readonly number: number;
  readonly at: number;
  readonly event: ConfigEvent;
}

export class ConfigFeed {
  readonly #origin: string;
  #kept: readonly Kept[] = [];
  #last = 0;
  #isOver = false;
  readonly #waiting = new WaitingReaders();

  /** @param origin a name that no other process has */
  constructor(events: Observable<ConfigEvent>, origin: string, wallMs: () => number) {
    this.#origin = origin;
    events.subscribe({
      next: (event) => {
        this.#last += 1;
        this.#kept = [...this.#kept, { number: this.#last, at: wallMs(), event }].slice(-FEED_EVENTS_MAX);
        this.#waiting.wake();
      },
      complete: () => {
        this.#isOver = true;
        this.#waiting.wake();
      },
      error: () => {
        this.#isOver = true;
        this.#waiting.wake();
      },
    });
  }

  /** Events behind the one with this id; without one, those from now on. */
  async *after(lastId: string | null, signal: AbortSignal): AsyncGenerator<StreamedEvent, void, undefined> {
    let place = lastId === null ? this.#last : this.#numberOf(lastId);
    // Who is gone before the first event comes again all the same.
    if (lastId === null) yield { event: 'current', id: `${this.#origin}:${this.#last}`, data: {} };
    if (place === null) {
      yield gap('The events before were those of another process.');
      place = 0;
    }
    while (!signal.aborted) {
      const [first] = this.#kept;
      if (first !== undefined && place < first.number - 1) {
        yield gap(`${first.number - 1 - place} events are not kept any more.`);
        place = first.number - 1;
      }
      const behind: number = place;
      const next = this.#kept.find(({ number }) => number > behind);
      if (next !== undefined) {
        place = next.number;
        const { type, ...told } = next.event;
        const at = new Date(next.at).toISOString();
        yield { event: type, id: `${this.#origin}:${next.number}`, data: { at, ...told } };
      } else if (this.#isOver) return;
      else await this.#waiting.more(signal);
    }
  }

  /** Null: of another process, or no id of ours. */
  #numberOf(id: string): number | null {
    const prefix = `${this.#origin}:`;
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : null;
    return number === null || number > this.#last ? null : number;
  }
}

/** Something was missed: what is told of before must be asked for anew. */
export const gap = (reason: string): StreamedEvent => ({ event: 'gap', data: { reason } });
