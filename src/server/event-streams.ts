import type { Context } from 'hono';
import type { ServedMember } from './app-options.ts';
import { eventStream, type StreamedEvent } from './event-stream.ts';
import { RETRY_AFTER_SECONDS, refusal } from './problem.ts';

/** Most readers of events at one time, of all kinds together. */
export const STREAMS_MAX = 64;

/** All streams of one server. */
export class EventStreams {
  readonly #member: ServedMember;
  #open = 0;

  constructor(member: ServedMember) {
    this.#member = member;
  }

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** Answers with events; to a HEAD with the headers alone. */
  answer(context: Context, source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>): Response {
    const { clock, lifecycle, logger } = this.#member;
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    if (context.req.method === 'HEAD') return new Response(null, { headers });
    if (this.#open >= STREAMS_MAX)
      throw refusal('TOO_MANY_STREAMS', `${STREAMS_MAX} readers of events are the most, and all are there.`, {
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    this.#open += 1;
    const { path } = context.req;
    const onEnd = (why: string) => {
      this.#open -= 1;
      if (why === 'stalled' || why === 'failed')
        logger.warn({ path, why }, `A reader of events was dropped: ${why}`);
    };
    const stream = eventStream(source, { clock, signal: lifecycle.draining, onEnd });
    return new Response(stream, { headers });
  }
}
