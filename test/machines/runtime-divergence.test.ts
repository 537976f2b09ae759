import { describe, expect, it } from 'vitest';
import { assign, createActor, setup, type AnyStateMachine } from 'xstate';
import { formatDivergence } from '../../src/journal/divergence.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replay, replayAll } from '../../src/journal/replay.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { all } from './runtime-charts.ts';

interface Variant {
  readonly limit?: number;
  readonly step?: number;
  readonly effect?: string;
  readonly extra?: boolean;
  readonly guard?: string;
  readonly gone?: boolean;
  readonly throws?: boolean;
}

/** One chart, and what a later version of it might have changed. */
function chart({
  limit = 3,
  step = 1,
  effect = 'ring',
  extra = false,
  guard = 'below',
  gone = false,
  throws = false,
}: Variant = {}): AnyStateMachine {
  const below = ({ context }: { context: { n: number } }) => {
    if (throws && context.n === 1) throw new Error('cannot tell');
    return context.n < limit;
  };
  return setup({
    types: { context: {} as { n: number }, events: {} as { type: 'up' } | { type: 'reset' } },
    guards: { below, under: below },
    actions: {
      ring: (_, _params: { n: number }) => {},
      buzz: (_, _params: { n: number }) => {},
      more: () => {},
    },
  }).createMachine({
    id: 'meter',
    version: '1.0.0',
    context: { n: 0 },
    initial: 'low',
    states: {
      low: {
        on: {
          up: [
            {
              guard,
              actions: [
                assign({ n: ({ context }: { context: { n: number } }) => context.n + step }),
                { type: effect, params: ({ context }: { context: { n: number } }) => ({ n: context.n }) },
                ...(extra ? ['more'] : []),
              ],
            },
            { target: gone ? 'low' : 'high' },
          ],
        },
      },
      ...(!gone && { high: { on: { reset: 'low' } } }),
    },
  } as never) as unknown as AnyStateMachine;
}

async function recorded(): Promise<JournalRecord[]> {
  const journal = memoryJournal();
  const actor = createActor(eventSourced(chart(), { journal, stream: 'meters/1', tokenOf: () => '7' }), {
    clock: new VirtualClock(),
  });
  actor.start();
  for (let n = 0; n < 5; n += 1) actor.send({ type: 'up' });
  return all(journal.export());
}

describe('a replay', () => {
  it('by the same chart finds nothing', async () => {
    const records = await recorded();
    expect(await replay(records, chart())).toMatchObject({
      stream: 'meters/1',
      matched: 6,
      lastSeq: 6,
      divergence: null,
      judgement: { verdict: 'fine', differences: [] },
      snapshot: { value: 'high', context: { n: 3 } },
    });
    expect(await replay(records, eventSourced(chart()))).toMatchObject({ matched: 6, divergence: null });
  });

  it('stops where it is told to', async () => {
    expect(await replay(await recorded(), chart(), { to: 3 })).toMatchObject({
      lastSeq: 3,
      snapshot: { context: { n: 2 } },
    });
  });

  it.each([
    { what: 'a guard decides otherwise', variant: { limit: 2 }, seq: 4, part: 'effects', verdict: 'fine' },
    { what: 'the state is another', variant: { limit: 4 }, seq: 5, part: 'state', verdict: 'fine' },
    {
      what: 'an effect has another name',
      variant: { effect: 'buzz' },
      seq: 2,
      part: 'effects',
      verdict: 'risky',
    },
    { what: 'there is one effect more', variant: { extra: true }, seq: 2, part: 'effects', verdict: 'risky' },
    {
      what: 'a guard was renamed and decides otherwise',
      variant: { guard: 'under', limit: 1 },
      seq: 3,
      part: 'effects',
      verdict: 'risky',
    },
    { what: 'a state is gone', variant: { gone: true }, seq: 5, part: 'state', verdict: 'impossible' },
    { what: 'processing throws', variant: { throws: true }, seq: 3, part: 'fault', verdict: 'fine' },
  ])('stops at the first difference: $what', async ({ variant, seq, part, verdict }) => {
    const { divergence, matched, lastSeq } = replayAll(await recorded(), chart(variant));
    expect(divergence).toMatchObject({
      stream: 'meters/1',
      seq,
      part: expect.stringMatching(part === 'effects' ? /effects|state/ : part) as string,
      verdict,
      matched: seq - 1,
    });
    expect({ matched, lastSeq }).toEqual({ matched: seq - 1, lastSeq: seq - 1 });
  });

  it('finds a context that differs by its digest alone, and says how if the chart that wrote it is at hand', async () => {
    const silent = (step: number) =>
      setup({ types: { context: {} as { n: number; deep: { at: number[] } } } }).createMachine({
        id: 'silent',
        context: { n: 0, deep: { at: [] } },
        on: {
          up: {
            actions: assign({
              n: ({ context }) => context.n + step,
              deep: ({ context }) => ({ at: [...context.deep.at, step] }),
            }),
          },
        },
      });
    const journal = memoryJournal();
    createActor(eventSourced(silent(1), { journal }))
      .start()
      .send({ type: 'up' });
    const records = await all(journal.export());
    const { divergence } = replayAll(records, silent(2));
    expect(divergence).toMatchObject({
      part: 'context',
      contextDifferences: null,
      replayed: { context: { n: 2, deep: { at: [2] } } },
    });
    expect(replayAll(records, silent(2), { digests: false })).toMatchObject({ divergence: null, matched: 2 });
    const both = replayAll(records, silent(2), { recordedBy: silent(1) });
    expect(both.divergence?.contextDifferences).toEqual([
      { path: '/deep/at/0', recorded: 1, replayed: 2 },
      { path: '/n', recorded: 1, replayed: 2 },
    ]);
  });

  it('compares what effects were asked with', async () => {
    const [start, up, ...rest] = (await recorded()) as [JournalRecord, JournalRecord, ...JournalRecord[]];
    const effects = [{ id: '2:0', type: 'ring', params: { n: 2 } }];
    const { divergence } = replayAll([start, { ...up, effects }, ...rest], chart());
    expect(divergence).toMatchObject({
      seq: 2,
      part: 'effects',
      replayed: { effects: [{ params: { n: 1 } }] },
    });
  });

  it('stops at a value that no journal could hold, and says so', async () => {
    const journal = memoryJournal();
    const actor = createActor(eventSourced(chart(), { journal })).start();
    actor.send({ type: 'up', callback: () => {} });
    const { divergence } = replayAll(await all(journal.export()), chart());
    expect(divergence).toMatchObject({
      seq: 2,
      part: 'unreadable',
      event: { data: { callback: { $refused: 'a function' } } },
    });
  });

  it('notices a record that is missing', async () => {
    const records = await recorded();
    const { divergence } = replayAll([...records.slice(0, 4), ...records.slice(5)], chart());
    expect(divergence).toMatchObject({ seq: 6, part: 'before' });
  });

  it('refuses records of several streams, and a beginning without a state', async () => {
    const records = await recorded();
    const foreign = { ...records[1], stream: 'meters/2' } as JournalRecord;
    expect(() => replayAll([records[0] as JournalRecord, foreign], chart())).toThrow(/one stream at a time/);
    expect(() => replayAll(records.slice(1), chart())).toThrow(/without a state to begin from/);
  });
});

describe('the report of a divergence', () => {
  it('shows recorded and replayed side by side, marks the first difference, and leads on', async () => {
    const { divergence } = replayAll(await recorded(), chart({ effect: 'buzz' }), { source: 'run.jsonl' });
    const report = formatDivergence(divergence as NonNullable<typeof divergence>)
      .replaceAll(/#[0-9a-f]{8}/g, '#hash')
      .replaceAll(/conclave@\S+ xstate@\S+/g, 'RUNTIME');
    expect(report).toBe(
      [
        '✗ diverged at meters/1@2   (1 record matches)',
        '  recorded by  RUNTIME  meter@1.0.0#hash  2026-01-01T00:00:00.000Z  token 7',
        '  replayed by  RUNTIME  meter@1.0.0#hash  (chart: RISKY)',
        '  event        up',
        '  because      the chart asks for other effects',
        '               recorded                                 replayed',
        '  state        low                                      low',
        '  effects      ring {"n":1}                             buzz {"n":1}                               ← first difference',
        '  chart        risky: meter.low: on no longer has up [below] / xstate.assign, ring',
        '  chart        risky: meter.low: on now has up [below] / xstate.assign, buzz',
        '  next         conclave journal show run.jsonl @2 --stream meters/1',
        '               conclave journal log run.jsonl --to @2 --stream meters/1',
      ].join('\n'),
    );
  });

  it('puts what is too wide below each other', async () => {
    const wide = chart({ effect: 'buzz' });
    const records = await recorded();
    const [effect] = records[1]?.effects ?? [];
    const long = {
      ...records[1],
      effects: [{ ...effect, params: { text: 'x'.repeat(60) } }],
    } as JournalRecord;
    const { divergence } = replayAll([records[0] as JournalRecord, long], wide);
    expect(formatDivergence(divergence as NonNullable<typeof divergence>)).toMatch(
      /recorded ring \{"text":"x+"\}\n +replayed buzz \{"n":1\} +← first difference/,
    );
  });
});
