/** The examples, run as a user runs them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { linesOf, WORK } from './example-programs.ts';

const anywhere: Record<string, readonly unknown[]> = {
  ...WORK,
  'fencing-sql.ts': [
    'first leader: booked',
    'second leader: booked',
    'late write of the first: refused',
    'in the database: sent by the second',
  ],
  'fencing-http.ts': [
    'first leader: 204',
    'second leader: 204',
    expect.stringMatching(/^late request of the first: 412 Fencing token 1 is of an earlier term/),
    expect.stringMatching(/^without a token: 428 /),
    'price: 20',
  ],
  'xstate-app.ts': [
    'the election: leader',
    'the application: sent',
    'after resigning: standby',
    'replays as recorded: true',
    'xstate.init: null → "standby"',
    'becameLeader: "standby" → "sending"',
    'xstate.done.actor.0.invoicing.sending: "sending" → "sent"',
    'lostLeadership: "sent" → "standby"',
  ],
  'http-mount.ts': [
    'invoices: 200 {"token":"1"}',
    'leads: 200',
    'ready: 200',
    'live: 200',
    'after it has handed over: 421 {"leader":null}',
  ],
  'nest-lifecycle.ts': ['term 1 begins, writes carry token 1', 'term 1 is over', 'leads: false'],
  'fastify-plugin.ts': [
    'first: 200 {"sent":true,"token":"1"}',
    'second: 421 {"leader":first}',
    'second, after the first has closed: 200 {"sent":true,"token":"2"}',
  ],
};

test.concurrent.for(Object.entries(anywhere))('%s does what it says', async ([example, lines]) => {
  expect(await linesOf(example)).toEqual(lines);
});

const needRedis = 'fencing-redis.ts';

describeRedis('with a Redis', () => {
  test(`${needRedis} does what it says`, async () => {
    await using redis = await startRedis();
    process.env['REDIS_URL'] = redis.url;
    try {
      expect(await linesOf(needRedis)).toEqual([
        'first leader: written',
        'second leader: written',
        expect.stringMatching(/^late write of the first: refused: Nothing was changed/),
        'in Redis: one, two',
      ]);
    } finally {
      delete process.env['REDIS_URL'];
    }
  });
});

test('none is left out', () => {
  expect(readdirSync(join(root, 'examples')).toSorted()).toEqual(
    [...Object.keys(anywhere), needRedis].toSorted(),
  );
});
