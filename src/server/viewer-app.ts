import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { JournalRecord } from '../journal/journal.ts';
import { viewerPage } from './viewer-page.ts';

/**
 * Serves the viewer: the page itself, the journals it is to open, and, where something runs, its records as they are
 * made. Only for whom it was started: it answers to its own name alone, so that no other page of a browser can reach
 * it by a name of its own that leads here.
 */

export interface ViewerAppOptions {
  /** Journals to open, by the name they are shown under; each read anew when it is asked for. */
  readonly journals?: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>;
  /** All records from the beginning, then new ones as they are made, until the signal is aborted. */
  readonly follow?: (signal: AbortSignal) => AsyncIterable<JournalRecord>;
  /** What else the page is told, in `viewer.json`. */
  readonly told?: Readonly<Record<string, unknown>>;
}

/** Names by which a page of this host may be asked for. */
const OWN_NAMES = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export function viewerApp({ journals = new Map(), follow, told }: ViewerAppOptions): Hono {
  const app = new Hono();
  const page = viewerPage();
  app.use(async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!OWN_NAMES.test(host)) return context.text(`This page is not served under the name ${host}.\n`, 421);
    await next();
    context.header('cache-control', 'no-store');
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    // The page says the rest itself; this it cannot say.
    context.header('content-security-policy', "frame-ancestors 'none'");
    context.header('x-frame-options', 'DENY');
    context.header('cross-origin-resource-policy', 'same-origin');
    return undefined;
  });
  app.get('/', (context) => context.html(page));
  app.get('/viewer.json', (context) => {
    const files = [...journals.keys()].map((name) => `journals/${encodeURIComponent(name)}`);
    return context.json({ files, live: follow !== undefined, ...told });
  });
  app.get('/journals/:name', (context) => {
    const journal = journals.get(context.req.param('name'));
    if (journal === undefined) return context.notFound();
    return context.body(ReadableStream.from(journal()), 200, {
      'content-type': 'application/jsonl',
    });
  });
  if (follow !== undefined)
    app.get('/events', (context) =>
      streamSSE(context, async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        for await (const record of follow(gone.signal)) {
          const { stream: name, seq } = record;
          await stream.writeSSE({ event: 'record', id: `${name}@${seq}`, data: JSON.stringify(record) });
        }
      }),
    );
  return app;
}
