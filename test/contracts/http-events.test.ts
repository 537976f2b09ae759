/** Server-sent events: what is told, going on where one was, slow readers, many readers, the end. */
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { ConfigEvent } from '../../src/config/reload-events.ts';
import { memoryJournal } from '../../src/index.ts';
import type { Journal, ReadOptions } from '../../src/journal/journal.ts';
import { silentLogger } from '../../src/logger.ts';
import { ConfigFeed, FEED_EVENTS_MAX } from '../../src/server/config-feed.ts';
import { eventStream, HEARTBEAT_MS, STALLED_MS, type StreamedEvent } from '../../src/server/event-stream.ts';
import { STREAMS_MAX } from '../../src/server/event-streams.ts';
import { RecordFeed } from '../../src/server/record-feed.ts';
import { conclaveApp, Lifecycle } from '../../src/server.ts';
import { createTestElection, VirtualClock } from '../../src/testing.ts';
import { elapse, settle } from '../machines/elapse.ts';

interface Told {
  readonly event: string;
  readonly id: string | null;
  readonly data: Record<string, unknown>;
}

/** Reads a stream as a browser does. */
class Reader {
  readonly events: Told[] = [];
  comments = 0;
  isOver = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = '';

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Takes what there is, until nothing comes for a moment. */
  async take(): Promise<void> {
    const whole = this.#all();
    await Promise.race([whole, settle().then(settle)]);
  }

  async until(reached: (events: readonly Told[]) => boolean): Promise<void> {
    while (!reached(this.events) && !this.isOver) await this.#next();
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #all(): Promise<void> {
    while (!this.isOver) await this.#next();
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (done) return void (this.isOver = true);
    const blocks = (this.#rest + new TextDecoder().decode(value)).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#hear(block);
    return undefined;
  }

  #hear(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
    if (block.startsWith(':')) this.comments += 1;
    const event = field('event');
    if (event === null) return;
    this.events.push({ event, id: field('id'), data: JSON.parse(field('data') ?? 'null') as Told['data'] });
  }
}

const applied = (attempt: number): ConfigEvent => ({ type: 'reloadStarted', attempt, trigger: 'command' });

function feedOf(origin = 'm-1') {
  const events = new Subject<ConfigEvent>();
  return { events, feed: new ConfigFeed(events, origin, () => 0) };
}

async function taken(source: AsyncIterable<StreamedEvent>, count: number): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const event of source) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const attempts = (events: readonly StreamedEvent[]) =>
  events.map(({ event, data }) => (event === 'gap' ? 'gap' : (data as { attempt: number }).attempt));

describe('events of a configuration', () => {
  test('a reader that comes again goes on behind the last one it had', async () => {
    const { events, feed } = feedOf();
    for (let attempt = 1; attempt <= 5; attempt += 1) events.next(applied(attempt));
    const { signal } = new AbortController();
    expect(attempts(await taken(feed.after('m-1:2', signal), 3))).toEqual([3, 4, 5]);
    const waiting = taken(feed.after('m-1:5', signal), 1);
    events.next(applied(6));
    expect(attempts(await waiting)).toEqual([6]);
  });

  test.for(['m-0:2', 'm-1:99', 'nonsense', '', 'm-1:-1', 'm-1:1e3'])(
    'one that comes with the id %j is told that it missed something',
    async (id) => {
      const { events, feed } = feedOf();
      for (let attempt = 1; attempt <= 2; attempt += 1) events.next(applied(attempt));
      const told = await taken(feed.after(id, new AbortController().signal), 3);
      expect(attempts(told)).toEqual(['gap', 1, 2]);
    },
  );

  test('one that was away for longer than is kept is told so', async () => {
    const { events, feed } = feedOf();
    for (let attempt = 1; attempt <= FEED_EVENTS_MAX + 10; attempt += 1) events.next(applied(attempt));
    const told = await taken(feed.after('m-1:5', new AbortController().signal), 2);
    expect(told[0]).toMatchObject({ event: 'gap', data: { reason: '5 events are not kept any more.' } });
    expect(attempts(told)).toEqual(['gap', 11]);
  });

  test('the stream ends with the reload', async () => {
    const { events, feed } = feedOf();
    const all = taken(feed.after('m-1:0', new AbortController().signal), 10);
    await settle();
    events.next(applied(1));
    events.complete();
    expect(attempts(await all)).toEqual([1]);
  });

  test('one that is gone before the first event misses none by coming again', async () => {
    const { events, feed } = feedOf();
    const { signal } = new AbortController();
    events.next(applied(1));
    const [current] = await taken(feed.after(null, signal), 1);
    expect(current).toEqual({ event: 'current', id: 'm-1:1', data: {} });
    events.next(applied(2));
    expect(attempts(await taken(feed.after(current?.id ?? '', signal), 1))).toEqual([2]);
  });
});

describe('records of a member', () => {
  test('all of them come, then new ones, and none is missed or doubled by coming again', async () => {
    const journal = memoryJournal();
    await using election = createTestElection({ journal });
    const lifecycle = new Lifecycle();
    const app = conclaveApp({ election, journal, readsNeedToken: false, lifecycle });
    await election.start();
    const open = async (headers: Record<string, string> = {}) => {
      const response = await app.request('/events', { headers });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      return new Reader(response.body as ReadableStream<Uint8Array>);
    };
    const first = await open();
    await first.until((events) => events.some(({ event }) => event === 'current'));
    await election.lead();
    await first.until((events) => events.some(({ data }) => JSON.stringify(data).includes('openTerm')));
    const lastId = first.events.findLast(({ id }) => id !== null)?.id ?? '';
    await first.cancel();

    await election.lose();
    const second = await open({ 'last-event-id': lastId });
    await second.until((events) => events.some(({ data }) => JSON.stringify(data).includes('closeTerm')));
    const seqs = [...first.events, ...second.events]
      .filter(({ event }) => event === 'record')
      .map(({ data }) => data['seq']);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1));

    const third = await open({ 'last-event-id': 'another-process:7' });
    await third.until((events) => events.some(({ event }) => event === 'record'));
    expect(third.events[0]?.event).toBe('gap');

    lifecycle.drain();
    await second.take();
    expect(second.isOver).toBe(true);
    expect(second.events.at(-1)?.event).toBe('end');
    expect(second.events.at(-1)?.data['reason']).toContain('ends the stream');
    await third.cancel();
  });
});

describe('records that were dropped while nobody read', () => {
  test('are a gap for a reader that comes again, and nothing for one that is new', async () => {
    let [first, last] = [1, 3];
    const journal = {
      streams: async () => [{ stream: 'orders', seq: last, first }],
      async *read(stream: string, { from = 1, to = last }: ReadOptions = {}) {
        for (let seq = Math.max(from, first); seq <= to; seq += 1) yield { stream, seq };
      },
    } as unknown as Journal;
    const feed = new RecordFeed(journal, new VirtualClock(), 'm-1');
    const { signal } = new AbortController();
    const all = await taken(feed.after(null, signal), 4);
    expect(all.map(({ event }) => event)).toEqual(['record', 'record', 'record', 'current']);
    [first, last] = [8, 10];
    const again = await taken(feed.after(all.at(-1)?.id ?? '', signal), 5);
    expect(again.map(({ event }) => event)).toEqual(['gap', 'record', 'record', 'record', 'current']);
    const [place] = await taken(feed.after(null, signal, { fromNow: true }), 1);
    last = 11;
    for (const id of [again.at(-1)?.id, place?.id])
      expect(await taken(feed.after(id ?? '', signal), 1)).toMatchObject([
        { event: 'record', data: { seq: 11 } },
      ]);
  });
});

describe('readers', () => {
  async function* endless(): AsyncGenerator<StreamedEvent> {
    for (let number = 1; ; number += 1)
      yield { event: 'tick', id: String(number), data: { text: 'x'.repeat(1000) } };
  }

  test('a slow one has nothing piled up for it, and is dropped with the reason in the end', async () => {
    const clock = new VirtualClock();
    const ends: string[] = [];
    let made = 0;
    async function* counted(): AsyncGenerator<StreamedEvent> {
      for await (const event of endless()) {
        made += 1;
        yield event;
      }
    }
    const { signal } = new AbortController();
    const stream = eventStream(counted, { clock, signal, onEnd: (why) => ends.push(why) });
    const reader = new Reader(stream);
    await elapse(clock, STALLED_MS - 1);
    expect(made).toBeLessThan(3);
    expect(ends).toEqual([]);
    await elapse(clock, 2);
    expect(ends).toEqual(['stalled']);
    await reader.take();
    expect(reader.events.at(-1)?.data['reason']).toContain('Nothing was taken');
    expect(reader.isOver).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('one that waits is told now and then that the stream still stands', async () => {
    const clock = new VirtualClock();
    const { feed } = feedOf();
    const ends: string[] = [];
    const { signal } = new AbortController();
    const stream = eventStream((over) => feed.after(null, over), {
      clock,
      signal,
      onEnd: (why) => ends.push(why),
    });
    const reader = new Reader(stream);
    const reading = reader.take();
    await elapse(clock, 10 * HEARTBEAT_MS);
    await reading;
    expect(reader.comments).toBe(10);
    await reader.cancel();
    await settle();
    expect(ends).toEqual(['left']);
    expect(clock.pending).toBe(0);
  });

  test('what cannot be told ends the stream, and is told in the log alone', async () => {
    const logged: string[] = [];
    const note = (_: object, message: string) => void logged.push(message);
    const logger = { ...silentLogger, error: note };
    const journal = {
      streams: async () => Promise.reject(new Error('the password is hunter2')),
    } as unknown as Journal;
    const response = await conclaveApp({ journal, readsNeedToken: false, logger }).request('/events');
    const reader = new Reader(response.body as ReadableStream<Uint8Array>);
    await reader.until(() => false);
    expect(reader.events).toMatchObject([
      {
        event: 'end',
        data: { reason: expect.stringContaining('The log of this member says why') as string },
      },
    ]);
    expect(JSON.stringify(reader.events)).not.toContain('hunter2');
    expect(logged).toEqual(['Events cannot be told: Error: the password is hunter2']);
  });

  test('there are so many and no more; places become free again', async () => {
    const journal = memoryJournal();
    const app = conclaveApp({ journal, readsNeedToken: false });
    const open = Array.from({ length: STREAMS_MAX }, async () => app.request('/events'));
    const responses = await Promise.all(open);
    const full = await app.request('/events');
    expect(full.status).toBe(503);
    expect(await full.json()).toMatchObject({ code: 'TOO_MANY_STREAMS' });
    for (let many = 0; many < 3; many += 1)
      expect((await app.request('/events', { method: 'HEAD' })).status).toBe(200);
    await responses[0]?.body?.cancel();
    const again = await app.request('/events');
    expect(again.status).toBe(200);
    for (const response of [...responses.slice(1), again]) await response.body?.cancel();
  });
});
