import type { Clock, TimerId } from '../runtime/clock.ts';

/**
 * Server-sent events to one reader. Nothing piles up for one that is slow: the next event is asked of its source only
 * when the one before was taken. One that takes nothing for too long is dropped, and told so, for it holds a place that
 * others may need.
 */

/** Without an event for this long a comment is sent, so that nobody on the way takes the stream for dead; milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** A reader that took nothing for this long is dropped, in milliseconds. */
export const STALLED_MS = 60_000;
/** What a client waits for before it comes again, in milliseconds. */
const RETRY_MS = 2000;

export interface StreamedEvent {
  readonly event: string;
  /** What a reader that comes again goes on behind; none for what is about the stream itself. */
  readonly id?: string;
  readonly data: unknown;
}

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called once, with the reason: `ended`, `left`, `stalled`, `failed`; of what failed, with its error. */
  readonly onEnd: (why: string, error?: unknown) => void;
}

/** Events until the source ends or the signal is aborted; the source is given a signal that says when to end. */
export function eventStream(
  source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const stream = new EventStream(source, options);
  return new ReadableStream(
    {
      start: (controller) => stream.start(controller),
      pull: (controller) => stream.pull(controller),
      cancel: () => stream.end('left'),
    },
    { highWaterMark: 1 },
  );
}

type Controller = ReadableStreamDefaultController<Uint8Array>;

const encoder = new TextEncoder();

class EventStream {
  readonly #options: EventStreamOptions;
  readonly #over = new AbortController();
  readonly #events: AsyncIterator<StreamedEvent>;
  /** The event that was asked of the source and has not come yet. */
  #next: Promise<IteratorResult<StreamedEvent>> | null = null;
  #stall: TimerId;
  #ended = false;

  constructor(source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>, options: EventStreamOptions) {
    this.#options = options;
    this.#events = source(this.#over.signal)[Symbol.asyncIterator]();
  }

  start(controller: Controller): void {
    controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
    const { signal } = this.#options;
    const close = () => this.#close(controller, 'ended');
    if (signal.aborted) return close();
    signal.addEventListener('abort', close, { once: true });
    this.#over.signal.addEventListener('abort', () => signal.removeEventListener('abort', close));
    this.#watch(controller);
    return undefined;
  }

  /** Called when the reader has taken what there was. */
  async pull(controller: Controller): Promise<void> {
    this.#options.clock.clearTimeout(this.#stall);
    try {
      const text = await this.#text();
      if (this.#ended) return;
      if (text === null) return this.#close(controller, 'ended');
      controller.enqueue(encoder.encode(text));
      this.#watch(controller);
    } catch (error) {
      this.#close(controller, 'failed', error);
    }
  }

  end(why: string, error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.clock.clearTimeout(this.#stall);
    this.#over.abort();
    // A source that waits ends by the signal; one that has not begun is told so here.
    this.#events.return?.().catch(() => {});
    this.#options.onEnd(why, error);
  }

  #watch(controller: Controller): void {
    this.#stall = this.#options.clock.setTimeout(() => this.#close(controller, 'stalled'), STALLED_MS);
  }

  #close(controller: Controller, why: 'ended' | 'stalled' | 'failed', error?: unknown): void {
    if (this.#ended) return;
    this.end(why, error);
    const data = { reason: REASONS[why] };
    controller.enqueue(encoder.encode(textOf({ event: 'end', data })));
    controller.close();
  }

  /** The next event as text, or a comment if none comes for a while; null: there are no more. */
  async #text(): Promise<string | null> {
    const { clock } = this.#options;
    this.#next ??= this.#events.next();
    const { promise: beat, resolve } = Promise.withResolvers<null>();
    const timer = clock.setTimeout(() => resolve(null), HEARTBEAT_MS);
    const ended = () => resolve(null);
    this.#over.signal.addEventListener('abort', ended, { once: true });
    try {
      const result = await Promise.race([this.#next, beat]);
      if (result === null) return ': still here\n\n';
      this.#next = null;
      return result.done === true ? null : textOf(result.value);
    } finally {
      clock.clearTimeout(timer);
      this.#over.signal.removeEventListener('abort', ended);
    }
  }
}

const REASONS = {
  ended: 'This member ends the stream. Come again, here or at another member.',
  stalled: `Nothing was taken from the stream for ${STALLED_MS / 1000} s. Come again with Last-Event-ID.`,
  failed: 'What there is to tell cannot be read. The log of this member says why.',
} as const;

/** JSON has no line breaks, so that data is one line. */
function textOf({ event, id, data }: StreamedEvent): string {
  const named = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${named}data: ${JSON.stringify(data)}\n\n`;
}
