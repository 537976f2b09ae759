import { describe, expect, it } from 'vitest';
import { assign, createActor, emit, raise, setup } from 'xstate';
import {
  assertRecord,
  draftRecord,
  encodeEntry,
  hashRecord,
  RECORD_BYTES_MAX,
  recordFromLine,
  recordToLine,
  sealRecord,
} from '../../src/journal/codec.ts';
import type { Entry, JournalRecord, StreamHeader } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { verify } from '../../src/journal/verify.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all } from './runtime-charts.ts';

const header: StreamHeader = {
  stream: 's',
  machine: { id: 'm', version: null, hash: '0'.repeat(32) },
  runtime: 'r',
  boot: 'b',
  writer: 'w',
};
const entry = (event: Entry['event'], more: Partial<Entry> = {}): Entry => ({
  seq: 1,
  kind: 'event',
  mono: 1,
  wall: 2,
  event,
  source: 'external',
  before: null,
  after: null,
  effects: [],
  ...more,
});

const safe = setup({
  types: {
    context: {} as { password: string; known: boolean; users: Record<string, { key: string }> },
    events: {} as
      | { type: 'login'; password: string }
      | { type: 'add'; name: string; key: string }
      | { type: 'later'; password: string },
    emitted: {} as { type: 'asked'; password: string },
    input: {} as { password: string },
  },
  actions: { connect: (_, _params: { url: string; password: string; dsn: string }) => {} },
}).createMachine({
  id: 'safe',
  context: ({ input }) => ({ password: input.password, known: false, users: {} }),
  on: {
    login: {
      actions: [
        assign({ password: ({ event }) => event.password, known: true }),
        {
          type: 'connect',
          params: ({ event }) => ({ url: 'redis://u', password: event.password, dsn: event.password }),
        },
        emit(({ event }) => ({ type: 'asked' as const, password: event.password })),
        raise(({ event }) => ({ type: 'later' as const, password: event.password }), { delay: 10 }),
      ],
    },
    later: { actions: assign({ password: ({ event }) => event.password }) },
    add: {
      actions: assign({
        users: ({ context, event }) => ({ ...context.users, [event.name]: { key: event.key } }),
      }),
    },
  },
});

async function guarded(password: string, secretKey?: string): Promise<JournalRecord[]> {
  const journal = memoryJournal();
  const clock = new VirtualClock();
  const secrets = ['/context/password', '/password', '/input/password', '/context/users/*/key', '/key'];
  const logic = eventSourced(safe, {
    journal,
    stream: 's',
    secrets,
    ...(secretKey !== undefined && { secretKey }),
  });
  const actor = createActor(logic, { clock, input: { password: 'the first one' } }).start();
  actor.send({ type: 'login', password });
  clock.advance(20);
  actor.send({ type: 'add', name: 'ann', key: 'ann’s own key' });
  return all(journal.export());
}

describe('secrets', () => {
  it('never enter a record: not by the event, the context, an effect or a timer', async () => {
    const text = JSON.stringify(await guarded('correct horse'));
    expect(text).not.toMatch(/correct horse|the first one|ann’s own key/);
  });

  it('are found by their value, too, where no pointer leads; short ones only by pointer', async () => {
    const paramsOf = ([, login]: JournalRecord[]) => login?.effects[0]?.params as Record<string, unknown>;
    const secret = { $secret: expect.any(String) as string };
    expect(paramsOf(await guarded('correct horse'))).toEqual({
      url: 'redis://u',
      password: secret,
      dsn: secret,
    });
    expect(paramsOf(await guarded('abc'))).toEqual({ url: 'redis://u', password: secret, dsn: 'abc' });
  });

  it('are found in a state, too, where they were copied to', async () => {
    const copying = setup({ types: { context: {} as { copies: string[] } } }).createMachine({
      id: 'copying',
      context: { copies: [] },
      on: { take: { actions: assign({ copies: ({ event }) => [event['password'] as string] }) } },
    });
    const journal = memoryJournal();
    const actor = createActor(eventSourced(copying, { journal, secrets: ['/password'] })).start();
    actor.send({ type: 'take', password: 'correct horse' });
    const records = await all(journal.export());
    // What a replay makes of the redacted event is just what was recorded.
    expect(replayAll(records, copying).divergence).toBeNull();
  });

  it('leave records that verify and replay to the same digests', async () => {
    const records = await guarded('correct horse');
    expect((await verify(records)).findings).toEqual([]);
    expect(replayAll(records, safe)).toMatchObject({ divergence: null, matched: 4 });
  });

  it('stay apart: whether one changed is visible, what it was is not', async () => {
    const hashOf = ([, login]: JournalRecord[]) =>
      JSON.stringify((login?.event.data as { password: unknown } | undefined)?.password);
    const [one, same, other, otherKey] = [
      await guarded('correct horse', 'k'),
      await guarded('correct horse', 'k'),
      await guarded('battery staple', 'k'),
      await guarded('correct horse', 'l'),
    ].map(hashOf);
    expect(one).toMatch(/^\{"\$secret":"hmac:[0-9a-f]{32}"\}$/);
    expect(one).toBe(same);
    expect(one).not.toBe(other);
    expect(one).not.toBe(otherKey);
  });

  it('are named by the record they were taken from', async () => {
    const [, login] = await guarded('correct horse');
    expect(login?.redacted).toEqual(
      expect.arrayContaining([
        '/event/data/password',
        '/state/context/password',
        '/effects/0/params/password',
      ]),
    );
  });

  it('are not in a cut either', async () => {
    const journal = memoryJournal({ limit: 1 });
    const logic = eventSourced(safe, {
      journal,
      stream: 's',
      secrets: ['/context/password', '/context/users/*/key', '/password', '/input/password', '/key'],
    });
    const actor = createActor(logic, {
      clock: new VirtualClock(),
      input: { password: 'the first one' },
    }).start();
    actor.send({ type: 'login', password: 'correct horse' });
    actor.send({ type: 'add', name: 'x', key: 'the key' });
    actor.send({ type: 'add', name: 'y', key: 'zzz' });
    const records = await all(journal.export());
    expect(records.map(({ kind }) => kind)).toEqual(['trimmed', 'event']);
    expect(JSON.stringify(records)).not.toMatch(/correct horse|the key|zzz/);
    expect(replayAll(records, safe).divergence).toBeNull();
  });
});

describe('a record', () => {
  it('survives the journey through a line, its hash with it', async () => {
    for (const record of await guarded('x'.repeat(8))) {
      const line = recordToLine(record);
      expect(line).not.toContain('\n');
      expect(recordFromLine(line)).toEqual(record);
      expect(hashRecord(recordFromLine(line))).toBe(hashRecord(record));
    }
  });

  it('is drafted here and may be sealed in another thread', () => {
    const drafted = draftRecord(header, entry({ type: 'e', at: new Date(0) } as never));
    const sealed = sealRecord(structuredClone(drafted), 'genesis');
    expect(sealed).toEqual(encodeEntry(header, entry({ type: 'e', at: new Date(0) } as never), 'genesis'));
    expect(sealed).toMatchObject({
      event: { data: { at: { $date: '1970-01-01T00:00:00.000Z' } } },
      digest: '',
      prev: 'genesis',
    });
  });

  it('that would be larger than any journal takes keeps its place, and says what it lost', () => {
    const big = entry({ type: 'big', text: 'x'.repeat(RECORD_BYTES_MAX) } as never, {
      effects: [{ type: 'e', params: 1 }],
    });
    const record = encodeEntry(header, big, 'genesis');
    expect(recordToLine(record).length).toBeLessThan(2_000);
    expect(record.event.data).toEqual({
      $refused: expect.stringMatching(/^\d+ bytes; a record may have 1048576$/) as string,
    });
    expect(record.effects).toEqual([
      { id: '1:0', type: 'e', params: { $refused: expect.any(String) as string } },
    ]);
  });

  it.each([
    ['not JSON', '{"v":1', 'JOURNAL_CORRUPT', 'Not JSON at f:3'],
    ['no object', '[1]', 'JOURNAL_CORRUPT', 'A record is an object'],
    ['a format of the future', '{"v":2}', 'JOURNAL_FORMAT_NEWER', 'Record format 2 at f:3 is newer than 1'],
  ])('is refused if it is %s', (_, line, code, message) => {
    expect(() => recordFromLine(line, 'f:3')).toThrow(expect.objectContaining({ code, place: 'f:3' }));
    expect(() => recordFromLine(line, 'f:3')).toThrow(message);
  });

  it.each([
    'stream',
    'seq',
    'kind',
    'machine',
    'event',
    'effects',
    'digest',
    'prev',
    'token',
    'source',
    'redacted',
  ])('is refused if its %s is not what it must be, by the name of the field', async (field) => {
    const [record] = await guarded('secret');
    expect(() => assertRecord({ ...record, [field]: { wrong: [] } })).toThrow(`The field \`${field}\``);
  });
});

describe('verification', () => {
  const changed = async (change: (records: Record<string, unknown>[]) => void): Promise<string[]> => {
    const records = structuredClone(await guarded('secret')) as unknown as Record<string, unknown>[];
    change(records);
    const { findings, ok } = await verify(records as never);
    expect(ok).toBe(findings.length === 0);
    return findings.map(({ place, problem }) => `${place}: ${problem}`);
  };

  it('passes what was written', async () => {
    expect(await changed(() => {})).toEqual([]);
    expect(await verify([])).toMatchObject({ ok: true, records: 0, streams: 0, findings: [] });
  });

  it.each<[string, (records: Record<string, unknown>[]) => void, string | RegExp]>([
    ['a record that is missing', (records) => void records.splice(2, 1), 's@4: a gap: 2 is followed by 4'],
    [
      'a beginning that is missing',
      (records) => void records.shift(),
      's@2: the stream begins at 2 without a cut: records 1 to 1 are missing',
    ],
    [
      'a record twice',
      (records) => void records.splice(1, 0, records[1] ?? {}),
      's@2: the sequence goes back from 2 to 2',
    ],
    [
      'any change of a record',
      (records) => void Object.assign(records[1] ?? {}, { wall: 1 }),
      's@3: the chain is broken',
    ],
    [
      'a digest that is none',
      (records) => void Object.assign(records[3] ?? {}, { digest: 'abc' }),
      's@4: the digest "abc" is none',
    ],
    [
      'a second writer',
      (records) => void Object.assign(records[3] ?? {}, { writer: 'other' }),
      's@4: a second writer',
    ],
    [
      'a clock that went back',
      (records) => void Object.assign(records[3] ?? {}, { mono: -1 }),
      's@4: the monotonic clock went back',
    ],
    [
      'effect ids out of order',
      (records) => void Object.assign(records[3] ?? {}, { effects: [{ id: '4:1', type: 'x' }] }),
      's@4: effect 0 has the id "4:1" instead of "4:0"',
    ],
    [
      'another format',
      (records) => void Object.assign(records[3] ?? {}, { v: 0 }),
      's@4: format 0 where 1 was expected',
    ],
    [
      'a token that is no number',
      (records) => void Object.assign(records[3] ?? {}, { token: '1e3' }),
      's@4: the token "1e3" is no decimal number',
    ],
  ])('finds %s', async (_, change, problem) => {
    expect((await changed(change))[0]).toContain(problem);
  });

  it('finds a token that fell, even after a time without one', async () => {
    const tokens = ['9', '10', null, '9'];
    const found = await changed((records) =>
      records.forEach((record, at) => Object.assign(record, { token: tokens[at] })),
    );
    expect(found).toContainEqual('s@4: the token fell from 10 (at 2) to 9');
  });

  it('takes mixed streams apart', async () => {
    const one = await guarded('secret');
    const two = one.map((record) =>
      Object.assign(structuredClone(record), { stream: 't', prev: record.prev }),
    );
    const { streams, findings } = await verify(
      one.flatMap((record, at) => [record, two[at] as JournalRecord]),
    );
    expect(streams).toBe(2);
    // Their chain was not written for that name.
    expect(new Set(findings.map(({ stream }) => stream))).toEqual(new Set(['t']));
  });
});

describe('the memory journal', () => {
  it('holds as many records as it is told, and then begins with the state at the cut', async () => {
    const journal = memoryJournal({ limit: 5 });
    const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
      id: 'n',
      context: { n: 0 },
      on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
    });
    const actor = createActor(eventSourced(machine, { journal, stream: 's' })).start();
    for (let n = 0; n < 20; n += 1) actor.send({ type: 'up' });
    const records = await all(journal.export());
    expect(records.map(({ seq, kind }) => `${seq} ${kind}`)).toEqual([
      '16 trimmed',
      '17 event',
      '18 event',
      '19 event',
      '20 event',
      '21 event',
    ]);
    expect(records[0]?.event.data).toMatchObject({
      actor: 's',
      snapshot: { value: {}, context: { n: 15 } },
      timers: [],
    });
    expect((await verify(records)).findings).toEqual([]);
    expect(replayAll(records, machine)).toMatchObject({ divergence: null, snapshot: { context: { n: 20 } } });
    expect(await journal.head('s')).toEqual({ seq: 21, chain: hashRecord(records.at(-1) as JournalRecord) });
  });

  it('refuses a limit that is none', () => {
    expect(() => memoryJournal({ limit: 0 }).writer(header)).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }),
    );
  });
});
