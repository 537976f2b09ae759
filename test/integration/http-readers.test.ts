/** Clients that hold a place and do nothing with it: readers that take no event, callers that never say whom they trust. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { memoryJournal } from '../../src/index.ts';
import type { Journal, JournalRecord } from '../../src/journal/journal.ts';
import { conclaveApp, serveConclave } from '../../src/server.ts';
import { listen } from '../../src/server/listen.ts';
import { makeCertificates } from '../redis/certificates.ts';

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

test('one that connects for HTTPS and does not shake hands is let go as soon as one that sends no headers', async () => {
  using certificates = await makeCertificates();
  const { cert, key } = certificates.server;
  await using secure = await listen(conclaveApp({}), {
    certificates: { cert: readFileSync(cert), key: readFileSync(key) },
    limits: { headersMs: 300 },
  });
  const silent = connect(secure.port, '127.0.0.1').on('error', () => {});
  await once(silent.resume(), 'close');
});
