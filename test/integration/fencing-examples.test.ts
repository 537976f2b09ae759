/** The examples of fencing, run as a user runs them: each ends with the late write refused and the data as it was. */
import { expect, test } from 'vitest';
import { root, run } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';

async function linesOf(example: string): Promise<string[]> {
  const { code, stdout, stderr } = await run(
    process.execPath,
    ['--conditions=conclave-source', example],
    root,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim().split('\n');
}

test.concurrent('SQL refuses the late write', async () => {
  expect(await linesOf('examples/fencing-sql.ts')).toEqual([
    'first leader: booked',
    'second leader: booked',
    'late write of the first: refused',
    'in the database: sent by the second',
  ]);
});

test.concurrent('an HTTP service answers 412 to the late request', async () => {
  expect(await linesOf('examples/fencing-http.ts')).toEqual([
    'first leader: 204',
    'second leader: 204',
    expect.stringMatching(/^late request of the first: 412 Fencing token 1 is of an earlier term/),
    expect.stringMatching(/^without a token: 428 /),
    'price: 20',
  ]);
});

describeRedis('with a Redis', () => {
  test('a script refuses the late write', async () => {
    await using redis = await startRedis();
    process.env['REDIS_URL'] = redis.url;
    try {
      expect(await linesOf('examples/fencing-redis.ts')).toEqual([
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
