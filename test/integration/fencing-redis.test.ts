/** The guard in Redis itself, on a real server. */
import { fencedScript, runFenced } from 'conclave/fencing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';

describeRedis('a script under a fence', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
  });
  beforeEach(() => client.flushall());
  afterAll(async () => {
    client.disconnect();
    await server[Symbol.asyncDispose]();
  });

  const append = (token: bigint, value: string) =>
    runFenced(client, {
      fence: '{a}:fence',
      token,
      script: `return redis.call('RPUSH', KEYS[1], ARGV[1])`,
      keys: ['{a}:lines'],
      args: [value],
    });

  test('runs for tokens that never fall, and changes nothing for a smaller one', async () => {
    expect(await append(7n, 'one')).toBe(1);
    expect(await append(7n, 'two')).toBe(2);
    expect(await append(8n, 'three')).toBe(3);
    await expect(append(7n, 'late')).rejects.toMatchObject({
      code: 'LEASE_LOST',
      message: 'Nothing was changed: token 7 is of an earlier term, 8 was at {a}:fence.',
    });
    expect(await client.lrange('{a}:lines', 0, -1)).toEqual(['one', 'two', 'three']);
  });

  test.each([
    [9n, 10n],
    [99n, 1763697600123n],
    [2n ** 53n, 2n ** 53n + 1n],
    [10n ** 29n, 10n ** 29n + 1n],
  ])('knows that %s is smaller than %s', async (smaller, larger) => {
    await append(smaller, 'early');
    await append(larger, 'later');
    await expect(append(smaller, 'late')).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });

  test('returns what the script returns, and null for nothing', async () => {
    const run = (script: string) => runFenced(client, { fence: 'f', token: 1n, script });
    expect(await run(`return {'a', 1}`)).toEqual(['a', 1]);
    expect(await run(`return nil`)).toBeNull();
    expect(await run(`return redis.call('GET', 'nothing')`)).toBeNull();
    expect(await run(`return #KEYS + #ARGV`)).toBe(0);
  });

  test('keeps the fence when the script itself fails', async () => {
    const failing = { fence: 'f', token: 5n, script: `return redis.call('NO SUCH COMMAND')` };
    await expect(runFenced(client, failing)).rejects.toThrow();
    expect(await client.get('f')).toBe('5');
  });

  test('can be loaded once and called by its digest', async () => {
    const lua = fencedScript(`return redis.call('SET', KEYS[1], ARGV[1])`);
    const sha = (await client.script('LOAD', lua)) as string;
    expect(await client.evalsha(sha, 2, 'f', 'value', '3', 'x')).toEqual([1, 'OK']);
    expect(await client.evalsha(sha, 2, 'f', 'value', '2', 'y')).toEqual([0, '3']);
    expect(await client.get('value')).toBe('x');
  });

  describe('that many leaders run at once', () => {
    test('is admitted in the order of tokens, whatever the order of arrival', async () => {
      const arriving = Array.from({ length: 200 }, (_, n) => BigInt((n * 37) % 50));
      await Promise.allSettled(arriving.map((token) => append(token, String(token))));
      const written = (await client.lrange('{a}:lines', 0, -1)).map(Number);
      expect(written).toEqual(written.toSorted((a, b) => a - b));
      expect(written.at(-1)).toBe(49);
    });
  });
});
