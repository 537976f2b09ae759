/** The viewer's quick way through a line must tell what the slow one tells, or leave the line to it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { encodeFrame } from '../../src/journal/jsonl-frame.ts';
import { checkedUntil, readJournalFile } from '../../visualizations/viewer/journal-file.ts';
import { RecordScanner } from '../../visualizations/viewer/record-scan.ts';
import { slim, type SlimRecord } from '../../visualizations/viewer/slim.ts';
import { recordedElection } from './recorded-election.ts';

/** What the page looks at; the rest is read again when the record is chosen. */
function seen({ source: _, digest: __, prev: ___, cause: ____, effects, ...record }: SlimRecord) {
  return { ...record, effects: effects.map(({ type, params }) => ({ type, params })) };
}

const scanned = (text: string, scanner = new RecordScanner()): SlimRecord | null => {
  // Among others, as in a file.
  const before = Buffer.from('12 00000000 ');
  const bytes = Buffer.concat([before, Buffer.from(text), Buffer.from('\n13 ')]);
  return scanner.record(bytes, before.length, before.length + Buffer.byteLength(text));
};

async function records(): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for (const journal of await recordedElection({ members: 2, stores: 1 }))
    for (const { stream } of await journal.streams())
      for await (const record of journal.read(stream)) all.push(record);
  return all;
}

test('the scanner takes from every record what parsing it would give', async () => {
  const all = await records();
  expect(all.length).toBeGreaterThan(50);
  const scanner = new RecordScanner();
  for (const record of all) {
    const quick = scanned(JSON.stringify(record), scanner);
    expect(quick).not.toBeNull();
    expect(seen(quick as SlimRecord)).toEqual(seen(slim(record)));
  }
});

test('a number is the one that JSON.parse gives, to the last bit', async () => {
  const [record] = (await records()).slice(3);
  const scanner = new RecordScanner();
  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.stringMatching(/^(?:0|[1-9]\d{0,16})(?:\.\d{1,18})?(?:e[+-]?\d)?$/),
    // The fewer digits before the point, the more often the sum of both parts is not the nearest.
    fc.stringMatching(/^[1-9]\.\d{13,15}$/),
  );
  fc.assert(
    fc.property(numbers, (text) => {
      const line = JSON.stringify({ ...record, mono: 0 }).replace('"mono":0', `"mono":${text}`);
      expect(scanned(line, scanner)?.mono).toBe(JSON.parse(text));
    }),
    { numRuns: 2000 },
  );
});

const VARIANTS: readonly [string, (record: JournalRecord) => object][] = [
  ['a name in other letters', (record) => ({ ...record, stream: 'leadership/bücher/web-1' })],
  ['a quote and a backslash', (record) => ({ ...record, writer: 'a "b" \\', boot: '\\' })],
  ['data without a member', (record) => ({ ...record, event: { type: 'x', data: {} } })],
  ['data that is a list', (record) => ({ ...record, event: { type: 'x', data: [{ token: '9' }, '}'] } })],
  ['data with braces in its texts', (record) => ({ ...record, event: { type: 'x', data: { a: '}"]\\' } } })],
  ['a token deep inside', (record) => ({ ...record, event: { type: 'x', data: { a: { token: '9' } } } })],
  ['a token that is a number', (record) => ({ ...record, event: { type: 'x', data: { token: 9 } } })],
  ['a token that is last', (record) => ({ ...record, event: { type: 'x', data: { a: 1, token: '7' } } })],
  ['numbers of every form', (record) => ({ ...record, mono: 1e-7, wall: 1767225600000.125 })],
  ['a time before the epoch', (record) => ({ ...record, wall: -12.5 })],
  ['no token', (record) => ({ ...record, token: null })],
  [
    'what was trimmed away',
    (record) => ({ ...record, kind: 'trimmed', event: { type: 'x', data: { snapshot: 1 } } }),
  ],
  ['fields in another order', ({ seq, ...record }) => ({ ...record, seq })],
  ['a field more', (record) => ({ ...record, cause: 'web-1@3' })],
  [
    'effects of all kinds',
    (record) => ({
      ...record,
      effects: [
        { id: '1:0', type: 'own' },
        { id: '1:1', type: 'own', params: { a: ['}', { b: '"' }] } },
        { id: '1:2', type: 'xstate.raise', params: { event: { type: 'poke', data: 1 }, delay: 5 } },
        { id: '1:3', type: 'xstate.raise', params: { event: { type: 'poke' }, id: 'x' } },
        { id: '1:4', type: 'xstate.raise', params: { event: { type: 'poke' }, id: 'x', delay: 1234.5 } },
        { id: '1:5', type: 'xstate.emit', params: { event: { type: 'applied', generation: 3, sha: 'abc' } } },
        { id: '1:6', type: 'openTerm', params: { token: '1', number: 1 } },
        { id: '1:7', type: 'closeTerm' },
      ],
    }),
  ],
  [
    'an effect of XState that is not known',
    (record) => ({
      ...record,
      effects: [{ id: '1:0', type: 'xstate.sendTo', params: { event: { type: 'a' } } }],
    }),
  ],
];

test.each(VARIANTS)('%s is told as it is, or left to be parsed', async (_, change) => {
  const [record] = (await records()).slice(3);
  const text = JSON.stringify(change(record as JournalRecord));
  const quick = scanned(text);
  if (quick !== null) expect(seen(quick)).toEqual(seen(slim(JSON.parse(text) as JournalRecord)));
});

test('what a scanner remembers of some lines is not told of others', async () => {
  const all = (await records()).slice(0, 60);
  const scanner = new RecordScanner();
  const some = fc.tuple(fc.constantFrom(...all), fc.constantFrom(...VARIANTS.map(([, change]) => change)));
  fc.assert(
    fc.property(some, fc.constantFrom('', '1', '"', 'x'), ([record, change], tail) => {
      // Values that begin as others do, too.
      const text = JSON.stringify(change(record)).replace(/("(?:runtime|writer|token)":"[^"]*)/, `$1${tail}`);
      const quick = scanned(text, scanner);
      if (quick !== null) expect(seen(quick)).toEqual(seen(slim(JSON.parse(text) as JournalRecord)));
    }),
    { numRuns: 1000 },
  );
});

test('without checksums a file is read as far as those of another reader reach', async () => {
  const [first, ...rest] = (await records())
    .slice(0, 10)
    .map((record) => encodeFrame(JSON.stringify(record)));
  const header = encodeFrame(JSON.stringify({ conclave: 'journal', format: 1, form: 'live' }));
  const good = Buffer.concat([header, first as Buffer, ...rest]);
  const options = { checksums: false };
  expect(checkedUntil(good)).toBe(good.length);
  expect(readJournalFile('good', good, options)).toMatchObject({ problem: null, end: good.length });
  // A digit of the second record's number: still JSON, still a record.
  const changed = Buffer.from(good);
  changed[good.indexOf('"seq":', header.length) + 6] = 0x39;
  expect(checkedUntil(changed)).toBe(header.length);
  expect(readJournalFile('changed', changed, options).end).toBe(good.length);
  expect(() => readJournalFile('changed', changed, { checksums: true })).toThrow(/the checksum is not/);
  // Being written: half a line.
  const torn = good.subarray(0, good.length - 40);
  expect(readJournalFile('torn', torn, options).end).toBe(checkedUntil(torn));
});
