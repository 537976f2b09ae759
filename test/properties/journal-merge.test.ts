import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { mergeRecords } from '../../src/journal/merge.ts';

/** What a record needs to be merged. */
interface Sketch {
  readonly stream: string;
  readonly seq: number;
  readonly mono: number;
  readonly boot?: string;
  readonly wallAheadMs?: number;
  readonly token?: string;
  /** A token its event speaks of. */
  readonly sees?: string;
}

const WALL_AT_ZERO = 1_800_000_000_000;

const recordOf = ({ stream, seq, mono, boot = 'boot-1', wallAheadMs = 0, token, sees }: Sketch) =>
  ({
    stream,
    seq,
    mono,
    boot,
    wall: WALL_AT_ZERO + mono + wallAheadMs,
    token: token ?? null,
    event: { type: 'x', ...(sees !== undefined && { data: { token: sees } }) },
  }) as unknown as JournalRecord;

const placesOf = (records: readonly JournalRecord[]) =>
  mergeRecords(records).records.map(({ record }) => `${record.stream}@${record.seq}`);

describe('merged records', () => {
  property.prop([fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(50)), { maxLength: 40 })])(
    'are all there, in the order of each stream, and in time within one boot',
    (steps) => {
      const seqs = new Map<string, number>();
      const monos = new Map<string, number>();
      const records = steps.map(([stream, ms]) => {
        const seq = (seqs.get(stream) ?? 0) + 1;
        const mono = (monos.get(stream) ?? 0) + ms;
        seqs.set(stream, seq);
        monos.set(stream, mono);
        return recordOf({ stream, seq, mono });
      });
      const { records: merged, contradictions } = mergeRecords(records);
      expect(contradictions).toEqual([]);
      expect(new Set(merged.map(({ record }) => record))).toEqual(new Set(records));
      for (const stream of seqs.keys()) {
        const own = merged.filter(({ record }) => record.stream === stream);
        expect(own.map(({ record }) => record.seq)).toEqual(own.map((_, at) => at + 1));
      }
      for (const [at, { timeMs, record }] of merged.entries()) {
        expect(timeMs - WALL_AT_ZERO).toBeCloseTo(record.mono, 3);
        expect(timeMs).toBeGreaterThanOrEqual(merged[at - 1]?.timeMs ?? 0);
      }
    },
  );

  property.prop([fc.integer({ min: -60_000, max: 60_000 })])(
    'of two hosts follow their wall clocks, but never see a token before it was won',
    (aheadMs) => {
      const records = [
        recordOf({ stream: 'a', seq: 1, mono: 100, token: '7' }),
        recordOf({ stream: 'a', seq: 2, mono: 900, token: '7' }),
        recordOf({
          stream: 'b',
          seq: 1,
          mono: 5_200,
          boot: 'boot-2',
          wallAheadMs: aheadMs - 5_000,
          sees: '7',
        }),
        recordOf({ stream: 'a', seq: 3, mono: 2_000 }),
      ];
      const places = placesOf(records);
      expect(places.indexOf('a@1')).toBeLessThan(places.indexOf('b@1'));
      const [, other] = mergeRecords(records).clocks;
      // Seen 100 ms after it was won, by clocks that agree.
      expect(other?.movedMs).toBeCloseTo(Math.max(0, -100 - aheadMs), 3);
    },
  );
});

test('a token that was won and seen in turn by both bounds the clocks from both sides', () => {
  const skewed = { boot: 'boot-2', wallAheadMs: -9_000 };
  const places = placesOf([
    recordOf({ stream: 'a', seq: 1, mono: 100, token: '7' }),
    recordOf({ stream: 'b', seq: 1, mono: 110, ...skewed, sees: '7' }),
    recordOf({ stream: 'b', seq: 2, mono: 500, ...skewed, token: '9' }),
    recordOf({ stream: 'a', seq: 2, mono: 510, sees: '9' }),
  ]);
  expect(places).toEqual(['a@1', 'b@1', 'b@2', 'a@2']);
});

test('where no setting of the clocks agrees with all tokens, that is said', () => {
  const { contradictions } = mergeRecords([
    recordOf({ stream: 'a', seq: 1, mono: 1_000, token: '7' }),
    recordOf({ stream: 'a', seq: 2, mono: 1_100, sees: '9' }),
    recordOf({ stream: 'b', seq: 1, mono: 1_050, boot: 'boot-2', sees: '7' }),
    recordOf({ stream: 'b', seq: 2, mono: 9_000, boot: 'boot-2', token: '9' }),
  ]);
  expect(contradictions).toHaveLength(1);
  expect(contradictions[0]).toMatch(/a@2 speaks of token 9, which b@2 won 7850 ms later/);
});

test('after a restart under another boot a stream goes on in its own order', () => {
  expect(
    placesOf([
      recordOf({ stream: 'a', seq: 1, mono: 90_000 }),
      recordOf({ stream: 'a', seq: 2, mono: 10, boot: 'boot-2', wallAheadMs: 80_000 }),
      recordOf({ stream: 'a', seq: 3, mono: 20, boot: 'boot-2', wallAheadMs: 80_000 }),
    ]),
  ).toEqual(['a@1', 'a@2', 'a@3']);
});
