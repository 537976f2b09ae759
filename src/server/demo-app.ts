import { timingSafeEqual } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { ConclaveError } from '../errors.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { viewerApp } from './viewer-app.ts';

/**
 * The page of a demo: the viewer, live, with what can be done to members beside it. What changes something must come
 * from the page itself: it carries a token that was made for this run and that no other page can read, and names its
 * own origin.
 */

export interface DemoAppOptions {
  readonly token: string;
  readonly follow: (signal: AbortSignal) => AsyncIterable<JournalRecord>;
  /** How everything stands, as JSON. */
  readonly state: () => object;
  /** Calls back whenever that has changed; returns what ends it. */
  readonly watch: (changed: () => void) => () => void;
  /** What can be done to a member, and how. A `ConclaveError` is shown to whoever asked. */
  readonly acts: readonly string[];
  readonly act: (member: string, act: string) => Promise<void>;
  /** A journal in its travelling form; null if there is none of that name. */
  readonly saved: (name: string) => Promise<Uint8Array | null>;
  /** Writes the configuration that members share; null where that is not allowed. */
  readonly configure: ((text: string) => Promise<void>) | null;
}

/** Bytes that a configuration may have. */
const BODY_BYTES_MAX = 64 * 1024;

export function demoApp(options: DemoAppOptions): Hono {
  const { token, follow, state, watch, acts, act, saved, configure } = options;
  const app = viewerApp({ follow, told: { demo: { token } } });
  app.get('/demo/events', (context) =>
    streamSSE(context, async (stream) => {
      let changed = Promise.withResolvers<void>();
      const end = watch(() => changed.resolve());
      stream.onAbort(() => changed.resolve());
      try {
        while (!stream.aborted) {
          const wait = changed.promise;
          await stream.writeSSE({ event: 'state', data: JSON.stringify(state()) });
          await wait;
          changed = Promise.withResolvers<void>();
        }
      } finally {
        end();
      }
    }),
  );
  app.get('/demo/journals/:name', async (context) => {
    const name = context.req.param('name');
    const bytes = await saved(name);
    if (bytes === null) return context.text('There is no such journal.\n', 404);
    return context.body(Uint8Array.from(bytes).buffer, 200, {
      'content-type': 'application/jsonl',
      'content-disposition': `attachment; filename="${name.replaceAll(/[^\w.-]/g, '-')}"`,
    });
  });
  app.post('/demo/members/:name/:act', (context) =>
    changing(context, token, async () => {
      const wanted = context.req.param('act');
      if (!acts.includes(wanted)) return context.text(`What can be done is ${acts.join(', ')}.\n`, 404);
      await act(context.req.param('name'), wanted);
      return context.body(null, 204);
    }),
  );
  app.put('/demo/configuration', (context) =>
    changing(context, token, async () => {
      if (configure === null) return context.text('A scenario runs: it writes the configuration.\n', 409);
      const text = await textOf(context);
      if (text === null) return context.text(`A configuration has ${BODY_BYTES_MAX} bytes at most.\n`, 413);
      await configure(text);
      return context.body(null, 204);
    }),
  );
  return app;
}

/** Only for the page itself. Another page of the same browser has neither its origin nor its token. */
async function changing(context: Context, token: string, change: () => Promise<Response>): Promise<Response> {
  const { host, origin, 'x-conclave-demo': given = '' } = context.req.header();
  if (origin !== `http://${host ?? ''}` || !isSame(given, token))
    return context.text('Only the page of this demo may do that: load it again.\n', 403);
  try {
    return await change();
  } catch (error) {
    if (error instanceof ConclaveError) return context.text(`${error.message}\n`, 409);
    throw error;
  }
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The body, unless it is longer than it may be; no more of it is read than that. */
async function textOf(context: Context): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = context.req.raw.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
