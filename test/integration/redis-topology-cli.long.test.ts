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
    const lines = stdout.trim().split('\n');
    const report = JSON.parse(lines.at(-1) ?? '') as { checks: { what: string; held: boolean }[] };
    // What depends on a busy machine's timing alone is tried in failover.test.ts.
    const isTimed = ({ what }: { what: string }) => what.startsWith('a successor within');
    expect(report.checks.filter((check) => !check.held && !isTimed(check))).toEqual([]);
    expect(code, stderr).toBe(report.checks.every(({ held }) => held) ? 0 : 1);
    expect(stdout).toMatch(/"kind":"kill"|"fault":"kill/);
    expect(await redis.cli('keys', '{conclave:leader:demo-*')).toMatch(
      /^\{conclave:leader:demo-\w{16}\}:lease$/,
    );
  });
});
