import { historyOf, type Merged } from './history.ts';
import { bytesOf, readFiles } from './file-reading.ts';
import { checkedUntil, FileRefused } from './journal-file.ts';
import type { Detail, Reply, Request } from './model.ts';
import { type Held, StreamContexts } from './contexts.ts';
import { type Stream, Streams, wholeRecord } from './streams.ts';

/** The part of the viewer that reads: off the page's thread, so that a large journal holds up nobody. */

/** `id#hash` of the charts whose code is in this page; put there when it is made. */
declare const SHIPPED_CHARTS: readonly string[];

/** Contexts this near are told at once. */
const NEAR = 500;
/** How long is folded before the next message is looked at. */
const SLICE_MS = 25;

const streams = new Streams();
const contexts = new WeakMap<Stream, StreamContexts>();
let shown: Pick<Merged, 'streams' | 'places'> & { readonly all: readonly Stream[] } = {
  streams: new Uint16Array(),
  places: new Uint32Array(),
  all: [],
};

function history(): Extract<Reply, { type: 'history' }>['history'] {
  const { notices, problems } = streams;
  const all = streams.all;
  const merged = historyOf(all, new Set(SHIPPED_CHARTS), { notices, problems });
  shown = { streams: merged.streams, places: merged.places, all };
  return merged.history;
}

function contextsOf(stream: Stream): StreamContexts {
  const known = contexts.get(stream) ?? new StreamContexts(stream.records[0]?.machine.id ?? '');
  contexts.set(stream, known);
  return known;
}

const heldOf = (stream: Stream): Held => ({
  first: stream.dropped,
  recordAt: (index) => wholeRecord(stream, index - stream.dropped),
});

/** What is known of a row: its record, and its context if that is near, or if it may take a while. */
function detail(row: number, { patient }: { readonly patient: boolean }): Detail | null {
  const stream = shown.all[shown.streams[row] ?? 0];
  const at = shown.places[row] ?? 0;
  const held = stream?.records[at];
  if (stream === undefined || held === undefined) return null;
  const record = wholeRecord(stream, at);
  const { id, hash } = held.machine;
  const told = (why: string | null, contextLater = false) => ({ record, context: null, why, contextLater });
  if (!SHIPPED_CHARTS.includes(`${id}#${hash}`))
    return told(
      `Another version of the chart "${id}" wrote this: only the digest of its context is known here.`,
    );
  const own = contextsOf(stream);
  const place = stream.dropped + at;
  if (!patient && own.distance(place) > NEAR)
    return told('Computing it from the beginning of the stream…', true);
  try {
    const context = own.change(heldOf(stream), place);
    if (context !== null) return { ...told(null), context };
    return told('The beginning of this stream is not here.');
  } catch (error) {
    return told(`It cannot be computed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What another worker says of the checksums of files, by the number of what loads them. */
const checks = new Map<number, PromiseWithResolvers<readonly number[]>>();

function checkOf(id: number): PromiseWithResolvers<readonly number[]> {
  const check = checks.get(id) ?? Promise.withResolvers<readonly number[]>();
  checks.set(id, check);
  return check;
}

async function answer(request: Exclude<Request, { type: 'context' | 'checked' }>): Promise<Reply> {
  const { id } = request;
  try {
    switch (request.type) {
      case 'detail':
        return { id, type: 'detail', detail: detail(request.row, { patient: false }) };
      case 'check': {
        const until: number[] = [];
        for (const content of request.contents) until.push(checkedUntil(await bytesOf(content)));
        return { id, type: 'checked', until };
      }
      case 'load':
        streams.add(await readFiles(request.files, request.isChecked ? checkOf(id).promise : null));
        checks.delete(id);
        break;
      case 'append':
        streams.append(request.lines);
        break;
      case 'clear':
        streams.clear();
    }
    return { id, type: 'history', history: history() };
  } catch (error) {
    const message = error instanceof FileRefused ? error.message : `This cannot be shown: ${String(error)}`;
    return { id, type: 'refused', message };
  }
}

function send(reply: Reply): void {
  const buffers =
    reply.type === 'history'
      ? [reply.history.columns, reply.history.phases].flatMap((columns) =>
          Object.values(columns).map(({ buffer }) => buffer as ArrayBuffer),
        )
      : [];
  (postMessage as (message: Reply, transfer: Transferable[]) => void)(reply, buffers);
}

/** The context that is wanted and not near yet. */
let wanted: Extract<Request, { type: 'context' }> | null = null;

function dismiss(): void {
  if (wanted !== null) send({ id: wanted.id, type: 'detail', detail: null });
  wanted = null;
}

/** Goes on folding the stream that is wanted, a slice at a time, so that messages come in between. */
function walk(): void {
  if (wanted === null) return;
  const { id, row } = wanted;
  const stream = shown.all[shown.streams[row] ?? 0];
  if (stream === undefined) return dismiss();
  const own = contextsOf(stream);
  const end = performance.now() + SLICE_MS;
  const place = stream.dropped + (shown.places[row] ?? 0);
  try {
    while (own.distance(place) > NEAR && own.walk(heldOf(stream), place, () => performance.now() > end))
      if (performance.now() > end) return later();
  } catch {
    // What is wrong is told below, with the record it is wrong at.
  }
  wanted = null;
  send({ id, type: 'detail', detail: detail(row, { patient: true }) });
}

const { port1, port2 } = new MessageChannel();
port1.addEventListener('message', walk);
port1.start();
const later = (): void => port2.postMessage(null);

/** Whether nobody waits any more for the context that is wanted. */
const isElsewhere = (request: Request): boolean =>
  request.type === 'detail'
    ? request.row !== wanted?.row
    : request.type === 'context' || request.type === 'load' || request.type === 'clear';

let done: Promise<void> = Promise.resolve();

onmessage = ({ data }: MessageEvent<Request>) => {
  if (isElsewhere(data)) dismiss();
  if (data.type === 'checked') checkOf(data.id).resolve(data.until);
  else if (data.type === 'context') {
    wanted = data;
    later();
  } else if (data.type === 'detail') void answer(data).then(send);
  // What changes the streams is done in the order in which it was asked for.
  else done = done.then(() => answer(data)).then(send);
};
