/** The commands on a Redis: whoever competes there, nobody learns its password. */
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { conclave, Running } from './conclave-program.ts';
import { ledBefore } from './redis-led-before.ts';

describeRedis.concurrent('on a Redis', () => {
  test('members in several directories compete, and status and resign find them without telling a password', async () => {
    await using redis = await startRedis({ password: 'hunter2' });
    using here = temporaryDirectory();
    using elsewhere = temporaryDirectory();
    const store = `127.0.0.1:${redis.port},password=hunter2`;
    await ledBefore(`redis://:hunter2@127.0.0.1:${redis.port}`, 'billing');
    const up = ['up', '--resource', 'billing', '--store', store];
    await using first = new Running([...up, '--id', 'web-1'], { cwd: here.path });
    await first.says(/Leadership acquired/);
    await using second = new Running([...up, '--id', 'web-2', '--json'], { cwd: elsewhere.path });
    await second.says(/web-1/);
    const url = `redis://:hunter2@127.0.0.1:${redis.port}`;
    const status = ['status', '--resource', 'billing'];

    const known = await conclave([...status, '--store', url, '--json'], { cwd: elsewhere.path });
    expect(known.code).toBe(0);
    expect(JSON.parse(known.stdout)).toMatchObject({
      store: `redis://:***@127.0.0.1:${redis.port}`,
      leader: expect.stringMatching(/^web-1-/) as unknown,
      members: [{ name: 'web-2', role: 'follower' }],
    });
    const unknown = await conclave(status, { cwd: here.path });
    expect(unknown.code).toBe(0);
    expect(unknown.stdout).toMatch(/its password is not known here; give it by --store\nleader {4}web-1-/);

    const resigned = await conclave(['resign', '--store', url, '--json'], { cwd: here.path });
    expect(resigned.code).toBe(0);
    expect(JSON.parse(resigned.stdout)).toMatchObject({
      leader: expect.stringMatching(/^web-2-/) as unknown,
    });
    const all = [known, unknown, resigned, first, second]
      .map(({ stdout, stderr }) => stdout + stderr)
      .join('');
    expect(all).not.toContain('hunter2');
  });

  test('a command runs while its member leads', async () => {
    await using redis = await startRedis();
    using directory = temporaryDirectory();
    await ledBefore(redis.url, 'backup');
    const run = ['run', '--resource', 'backup', '--store', redis.url, '--once', '--'];
    const show = 'console.log(`token ${process.env.CONCLAVE_LEASE_TOKEN}`)';
    const { code, stdout } = await conclave([...run, process.execPath, '-e', show], { cwd: directory.path });
    expect(code).toBe(0);
    expect(stdout).toMatch(/token \d{13}/);
    expect(await redis.cli('hget', '{conclave:leader:backup}:lease', 'holder')).toBe('');
  });
});
