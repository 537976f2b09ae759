import type { ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { ServedMember } from './app-options.ts';
import { eventStream, type StreamedEvent } from './event-stream.ts';
import { RETRY_AFTER_SECONDS, refusal } from './problem.ts';

/** Most readers of events at one time, of all kinds together. */
export const STREAMS_MAX = 64;
/** How long a reader may take for the end of its stream, in milliseconds; then it is cut off. */
const LAST_WORD_MS = 1000;

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
    const onEnd = (why: string, error?: unknown) => {
      this.#open -= 1;
      if (why === 'stalled') logger.warn({ path, why }, `A reader of events was dropped: ${why}`);
      if (why === 'failed') logger.error({ error, path, why }, `Events cannot be told: ${String(error)}`);
      if (why !== 'left') this.#cutOff(context);
    };
    const stream = eventStream(source, { clock, signal: lifecycle.draining, onEnd });
    return new Response(stream, { headers });
  }

  /** A reader that takes nothing would not take the end either, and a member that goes away would wait for it. */
  #cutOff({ env }: Context): void {
    const { outgoing } = (env ?? {}) as { readonly outgoing?: ServerResponse };
    // Mounted into something else than a server of Node, it is for that to end.
    if (typeof outgoing?.destroy !== 'function') return;
    const { clock } = this.#member;
    const timer = clock.setTimeout(() => outgoing.destroy(), LAST_WORD_MS);
    outgoing.once('close', () => clock.clearTimeout(timer));
  }
}
