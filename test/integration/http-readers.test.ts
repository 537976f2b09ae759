/** Readers of events as they are at the other end of a socket: those that take nothing. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { memoryJournal } from '../../src/index.ts';
import type { Journal, JournalRecord } from '../../src/journal/journal.ts';
import { serveConclave } from '../../src/server.ts';

/** More than any socket on the way holds. */
const RECORDS = 1000;
const TEXT = 'x'.repeat(50_000);

function crowdedJournal(): Journal {
  const journal = memoryJournal();
  return Object.assign(Object.create(journal) as Journal, {
    kind: 'memory',
    streams: async () => [{ stream: 'crowded', seq: RECORDS, first: 1 }],
    async *read(stream: string) {
      for (let seq = 1; seq <= RECORDS; seq += 1)
        yield { stream, seq, text: TEXT } as unknown as JournalRecord;
    },
  });
}

test('one that takes nothing keeps no member from going away', async () => {
  const server = await serveConclave({ journal: crowdedJournal(), port: 0 });
  const stuck = connect(server.port, '127.0.0.1').on('error', () => {});
  stuck.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(stuck, 'readable');
  expect(await server.drain(20_000)).toBe(0);
  await server.close();
  stuck.destroy();
});
