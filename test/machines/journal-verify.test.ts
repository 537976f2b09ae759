/** What `verify` says of records that are missing. */
import { expect, test } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { type JournalRecord, memoryJournal, verify } from '../../src/journal/index.ts';
import { eventSourced } from '../../src/runtime/index.ts';

async function recorded(events: number): Promise<JournalRecord[]> {
  const journal = memoryJournal();
  const meter = createMachine({ id: 'meter', on: { tick: {} } });
  const actor = createActor(eventSourced(meter, { journal, stream: 'meter/1' })).start();
  for (let n = 0; n < events; n++) actor.send({ type: 'tick' });
  actor.stop();
  return Array.fromAsync(journal.read('meter/1'));
}

/** As a writer leaves it whose backlog was full: a cut in the place of the last record it gave up. */
const givenUp = (records: readonly JournalRecord[], from: number, to: number): JournalRecord[] =>
  records.flatMap((record) => {
    if (record.seq < from || record.seq > to) return [record];
    const data = { actor: 'meter/1', chain: records[record.seq]?.prev ?? '' };
    return record.seq < to
      ? []
      : [{ ...record, kind: 'trimmed' as const, from: null, event: { type: 'conclave.trimmed', data } }];
  });

test('records that are simply not there are damage', async () => {
  const records = (await recorded(8)).filter(({ seq }) => seq !== 4);
  const { ok, findings, dropped } = await verify(records);
  expect(ok).toBe(false);
  expect(findings).toMatchObject([{ place: 'meter/1@5', problem: 'a gap: 3 is followed by 5' }]);
  expect(dropped).toEqual([]);
});

test('records that their writer gave up are told of, and are no damage', async () => {
  const records = givenUp(await recorded(8), 3, 6);
  const { ok, findings, dropped } = await verify(records);
  expect(findings).toEqual([]);
  expect(ok).toBe(true);
  expect(dropped).toEqual([{ stream: 'meter/1', from: 3, to: 5 }]);
});
