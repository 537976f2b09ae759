/** The demo on a Redis, with all its faults. */
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { conclave } from './conclave-program.ts';

describeRedis('on a Redis', () => {
  test('the demo fails over there as it does on a file', async () => {
    await using redis = await startRedis();
    using directory = temporaryDirectory();
    const demo = [
      'demo',
      '--store',
      redis.url,
      '--scenario',
      'failover',
      '--for',
      '1ms',
      '--lease',
      '1s',
      '--json',
    ];
    const { code, stdout, stderr } = await conclave(demo, { cwd: directory.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/"kind":"kill"|"fault":"kill/);
    expect(await redis.cli('keys', '{conclave:leader:demo-*')).toMatch(
      /^\{conclave:leader:demo-\w{16}\}:lease$/,
    );
  });
});
