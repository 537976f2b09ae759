/**
 * The password of the ACL user of docs/security.md is rotated as that page says, with real members: leadership is handed
 * over once and never has to run out, and whatever anybody says meanwhile tells no password.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { conclave, Running } from './conclave-program.ts';
import { ledBefore } from './redis-led-before.ts';

const OLD = 'correct-horse';
const NEW = 'battery-staple';
const LEASE = '{conclave:leader:billing}:lease';

/** The line of the page, as arguments. */
function documentedRights(password: string): string[] {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const [, line = ''] = /^ACL SETUSER conclave (.*)$/m.exec(page) ?? [];
  return line.replace('>PASSWORD', `>${password}`).split(' ');
}

describeRedis('rotating the password of Redis', () => {
  test('hands leadership over once, in time, and tells no password', async () => {
    await using redis = await startRedis({ password: 'of-the-operator' });
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const said: string[] = [];
    const storeWith = (password: string) => `redis://conclave:${password}@127.0.0.1:${redis.port}`;
    const flags = ['--resource', 'billing', '--renew', '1s', '--port', '0', '--metrics-port', '0'];
    const up = (id: string, password: string) =>
      new Running(['up', '--id', id, ...flags], {
        cwd,
        env: { REDIS_CONNECTION_STRING: storeWith(password) },
      });
    const doctor = async (password: string) => {
      const ran = await conclave(['doctor', '--store', storeWith(password), '--resource', 'billing'], {
        cwd,
      });
      said.push(ran.stdout, ran.stderr);
      return ran;
    };
    const token = () => redis.cli('hget', LEASE, 'token');

    await redis.cli('acl', 'setuser', 'conclave', ...documentedRights(OLD));
    await ledBefore(storeWith(OLD), 'billing');
    expect((await doctor(OLD)).stdout).toMatch(/the user may do all that leases need/);
    await using before = up('web-1', OLD);
    await before.says(/Leadership acquired/);
    await using follower = up('web-2', OLD);
    await follower.says(/New leader observed: web-1/);

    await redis.cli('acl', 'setuser', 'conclave', `>${NEW}`);
    // Followers first, the leader last.
    follower.kill('SIGTERM');
    await follower.ended;
    await using after = up('web-3', NEW);
    await after.says(/New leader observed: web-1/);
    const first = await token();
    before.kill('SIGTERM');
    await after.says(/Leadership acquired \(term 3/);
    expect(await before.ended).toEqual({ code: 0, signal: null });
    const second = await token();
    expect(BigInt(second)).toBeGreaterThan(BigInt(first));

    await redis.cli('acl', 'setuser', 'conclave', `<${OLD}`);
    // Connections that stand are not touched; all of them made anew are let in with the new password.
    await redis.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    await redis.cli('client', 'kill', 'type', 'pubsub');
    const beat = await redis.cli('hget', LEASE, 'beat');
    await until('the leader renews over a new connection', async () => {
      return (await redis.cli('hget', LEASE, 'beat')) !== beat;
    });
    expect(await token()).toBe(second);

    const late = await doctor(OLD);
    expect(late.code).toBe(1);
    expect(late.stdout + late.stderr).toMatch(/WRONGPASS/);
    await using refused = up('web-4', OLD);
    await refused.says(/WRONGPASS|password/);
    const status = await conclave(['status', '--json'], { cwd });
    said.push(status.stdout, status.stderr);
    after.kill('SIGTERM');
    expect(await after.ended).toEqual({ code: 0, signal: null });

    for (const file of readdirSync(join(cwd, '.conclave/journal')).filter((name) => name.endsWith('.db'))) {
      const { stdout, stderr } = await conclave(['journal', 'export', join(cwd, '.conclave/journal', file)], {
        cwd,
      });
      expect(stdout).toContain('billing');
      said.push(stdout, stderr, readFileSync(join(cwd, '.conclave/journal', file), 'latin1'));
    }
    for (const member of [before, follower, after, refused]) said.push(member.stdout, member.stderr);
    const all = said.join('\n');
    expect(all).toContain('***');
    for (const secret of [OLD, NEW, 'of-the-operator']) expect(all).not.toContain(secret);
  });
});
