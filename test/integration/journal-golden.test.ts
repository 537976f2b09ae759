/** Journals that earlier versions wrote (test/journals) are read and replayed by this one. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { replay } from '../../src/journal/replay.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { verify } from '../../src/journal/verify.ts';
import { counter } from '../contracts/journal-entries.ts';
import { countAt, expectWhole, recordsOf } from '../contracts/journal.contract.ts';

const directory = fileURLToPath(new URL('../journals/', import.meta.url));
const journals = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));

test('there is one of the present format', () => {
  expect(journals).toContain('format-1.jsonl');
});

test.for(journals)('%s reads, verifies and replays', async (name) => {
  await using journal = openJournal(`${directory}${name}`);
  const streams = await journal.streams();
  expect(streams.map(({ stream, first, seq }) => [stream, first, seq])).toEqual([
    ['whole', 1, 30],
    ['trimmed', 20, 30],
  ]);
  for (const { stream } of streams) {
    const records = await recordsOf(journal, stream);
    expectWhole(records, await journal.head(stream));
    expect(await verify(records)).toMatchObject({ ok: true, findings: [] });
    expect(await replay(records, counter)).toMatchObject({ lastSeq: 30, divergence: null });
    if (stream === 'trimmed') expect(countAt(records[0])).toBe(143);
  }
});
