import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { type Belief, beliefsOf, overlapsOf, successionsOf } from '../../src/election/beliefs.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';

type Step = readonly [mono: number, effect: string, params?: Record<string, unknown>];

function recordsOf(
  member: string,
  steps: readonly Step[],
  boot = 'boot-1',
  stream = `leadership/shop/billing/${member}`,
): JournalRecord[] {
  return steps.map(
    ([mono, type, params = {}], index) =>
      ({
        stream,
        seq: index + 1,
        kind: 'event',
        mono,
        boot,
        effects: type === '' ? [] : [{ id: `${index + 1}:0`, type, params }],
      }) as unknown as JournalRecord,
  );
}

const opened = (mono: number, token: string, validUntil: number): Step => [
  mono,
  'openTerm',
  { token, number: Number(token), validUntil },
];
const extended = (mono: number, validUntil: number): Step => [mono, 'extendTerm', { validUntil }];
const closed = (mono: number): Step => [mono, 'closeTerm', { cause: 'released' }];

describe('a belief', () => {
  test('lasts from the record that opens the term to the record that closes it', () => {
    const records = recordsOf('a-1', [[5, ''], opened(10, '7', 100), extended(50, 150), closed(120)]);
    expect(beliefsOf(records)).toEqual([
      {
        stream: 'leadership/shop/billing/a-1',
        resource: 'shop/billing',
        member: 'a-1',
        token: '7',
        term: 7,
        boot: 'boot-1',
        from: 10,
        until: 120,
        end: 'closed',
      },
    ]);
  });

  test('ends at the last validUntil when the record that closes it comes late, after a freeze', () => {
    const records = recordsOf('a-1', [opened(10, '7', 100), extended(50, 150), closed(900)]);
    expect(beliefsOf(records)).toMatchObject([{ until: 150, end: 'lapsed' }]);
  });

  test('ends at the last validUntil when no record closes it, and earlier if the process is known to be dead', () => {
    const records = recordsOf('a-1', [opened(10, '7', 100)]);
    expect(beliefsOf(records)).toMatchObject([{ until: 100, end: 'lapsed' }]);
    const killedAt = new Map([['leadership/shop/billing/a-1', 60]]);
    expect(beliefsOf(records, { killedAt })).toMatchObject([{ until: 60, end: 'killed' }]);
  });

  test('is told by the win alone, if nothing came after it: the record of the beginning died with the process', () => {
    const term = { token: '7', number: 3, validUntil: 100 };
    const won: Step = [10, 'awaitJournal', { term }];
    expect(beliefsOf(recordsOf('a-1', [won]))).toMatchObject([
      { from: 10, until: 100, token: '7', term: 3, end: 'lapsed' },
    ]);
    expect(beliefsOf(recordsOf('a-1', [won, [20, '']]))).toEqual([]);
    expect(beliefsOf(recordsOf('a-1', [won, opened(11, '7', 100), closed(50)]))).toMatchObject([
      { from: 11, until: 50 },
    ]);
  });

  test('that began before the journal was trimmed is taken from the state at the cut', () => {
    const cut = {
      ...recordsOf('a-1', [[40, '']])[0],
      kind: 'trimmed',
      to: { leader: 'held' },
      event: {
        type: 'x',
        data: { snapshot: { context: { term: { token: '7', number: 3, validUntil: 90 } } } },
      },
    } as unknown as JournalRecord;
    expect(beliefsOf([cut, ...recordsOf('a-1', [extended(80, 170)])])).toMatchObject([
      { token: '7', term: 3, from: 40, until: 170 },
    ]);
  });

  test('of another chart is no belief', () => {
    const other = recordsOf('a-1', [opened(10, '7', 100)], 'boot-1', 'configuration/billing/a-1');
    expect(beliefsOf(other)).toEqual([]);
  });
});

describe('members', () => {
  const first = recordsOf('a-1', [opened(10, '1', 100)]);

  test('that believe at the same time overlap, by how long', () => {
    const beliefs = beliefsOf([...first, ...recordsOf('b-1', [opened(90, '2', 200)])]);
    expect(overlapsOf(beliefs)).toMatchObject([
      { first: { member: 'a-1' }, second: { member: 'b-1' }, forMs: 10 },
    ]);
    expect(successionsOf(beliefs)).toMatchObject([{ gapMs: -10 }]);
  });

  test('that follow each other do not', () => {
    const beliefs = beliefsOf([...recordsOf('b-1', [opened(103, '2', 200)]), ...first]);
    expect(overlapsOf(beliefs)).toEqual([]);
    expect(successionsOf(beliefs)).toMatchObject([
      { before: { member: 'a-1' }, after: { member: 'b-1' }, gapMs: 3 },
    ]);
  });

  test('of different boots are not compared', () => {
    const beliefs = beliefsOf([...first, ...recordsOf('b-1', [opened(50, '2', 200)], 'boot-2')]);
    expect(overlapsOf(beliefs)).toEqual([]);
    expect(successionsOf(beliefs)).toEqual([]);
  });

  const instants = fc.nat({ max: 30 });
  const someBeliefs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), instants, instants), {
    maxLength: 8,
  });

  property.prop([someBeliefs])('overlap exactly if at some instant two of them believe', (drawn) => {
    const beliefs = drawn.map(([stream, from, lasts]) => ({
      ...({ stream, resource: 'r', boot: 'b' } as Belief),
      from,
      until: from + lasts,
    }));
    const sometimeTwo = Array.from({ length: 61 }, (_, half) => half + 0.5).some((instant) => {
      const believers = beliefs.filter(({ from, until }) => from < instant && instant < until);
      return new Set(believers.map(({ stream }) => stream)).size > 1;
    });
    expect(overlapsOf(beliefs).length > 0).toBe(sometimeTwo);
  });
});
