/**
 * The deployments of docs/operations.md, each started with the settings that stand there: an edit reaches every member.
 * The Redis has the one user of docs/security.md, with no more rights than that page gives.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { conclave } from './conclave-program.ts';
import { agreed, DocumentedMember, documentedSettings, writeLevel } from './documented-members.ts';

const NAMES = ['web-1', 'web-2', 'web-3'];

async function redisOfThePage() {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const [, line = ''] = /^ACL SETUSER conclave (.*)$/m.exec(page) ?? [];
  const server = await startRedis({ acl: [`user conclave ${line.replace('>PASSWORD', '>secret')}`] });
  return { server, url: `redis://conclave:secret@127.0.0.1:${server.port}` };
}

describeRedis.concurrent('three members and a Redis', () => {
  test('with shared storage: one edit is seen by all', async () => {
    const { server, url } = await redisOfThePage();
    await using _ = server;
    using directory = temporaryDirectory();
    const place = join(directory.path, 'billing');
    mkdirSync(place);
    writeLevel(place, 'info');
    const settings = documentedSettings('**Shared storage.**').replace('/mnt/config/billing', place);
    await using stack = new AsyncDisposableStack();
    const members = await Promise.all(
      NAMES.map((id) => DocumentedMember.start({ id, cwd: join(directory.path, id), settings, redis: url })),
    );
    for (const member of members) stack.use(member);
    const before = await agreed(members, '');
    writeLevel(place, 'debug');
    await agreed(members, before);
    const told = await conclave(['config', 'status', '--store', url, '--namespace', 'billing'], {
      cwd: directory.path,
    });
    expect(told.code, told.stdout + told.stderr).toBe(0);
    for (const id of NAMES) expect(told.stdout).toContain(id);
    // Beside each member one sees who leads, and with what the member was started with, the lease itself.
    const seen = await Promise.all(
      NAMES.map(async (id) => {
        const options = { cwd: join(directory.path, id) };
        const env = { REDIS_CONNECTION_STRING: url };
        const [bare, within] = await Promise.all([
          conclave(['status', '--json'], options),
          conclave(['status', '--json'], { ...options, env }),
        ]);
        expect([bare.code, within.code]).toEqual([0, 0]);
        expect(JSON.parse(within.stdout)).toMatchObject({ lease: { term: 1 } });
        return (JSON.parse(bare.stdout) as { leader: string }).leader;
      }),
    );
    expect(new Set(seen).size).toBe(1);
    const [healths, leaders] = [
      await Promise.all(members.map((each) => each.get('/health'))),
      [] as string[],
    ];
    for (const { status, body } of healths) {
      expect(status).toBe(200);
      const { results } = body as {
        results: { leader_election: { status: string; data: { is_leader: boolean } } };
      };
      if (results.leader_election.data.is_leader) leaders.push(results.leader_election.status);
      else expect(results.leader_election.status).toBe('Degraded');
    }
    expect(leaders).toEqual(['Healthy']);
    expect(await server.cli('acl', 'log')).toBe('');
  });

  test('with own copies, not watched: who is told takes the copy that the leader wants', async () => {
    const { server, url } = await redisOfThePage();
    await using _ = server;
    using directory = temporaryDirectory();
    const places = NAMES.map((id) => join(directory.path, id, 'billing'));
    for (const place of places) {
      mkdirSync(place, { recursive: true });
      writeLevel(place, 'info');
    }
    const settings = documentedSettings('**Own copies, and a notification.**');
    await using stack = new AsyncDisposableStack();
    const members = await Promise.all(
      NAMES.map((id, index) =>
        DocumentedMember.start({
          id,
          cwd: join(directory.path, id),
          settings: settings.replace('/etc/billing', places[index] ?? ''),
          redis: url,
        }),
      ),
    );
    for (const member of members) stack.use(member);
    const before = await agreed(members, '');
    for (const place of places) writeLevel(place, 'debug');
    await Promise.all(members.map(({ running }) => running.says(/Leadership acquired|New leader observed/)));
    // One command for each host, as the page says.
    for (const id of NAMES) {
      const { code, stdout, stderr } = await conclave(['config', 'reload'], {
        cwd: join(directory.path, id),
      });
      expect(code, stdout + stderr).toBeLessThanOrEqual(1);
    }
    const after = await agreed(members, before);
    // A notification by hand does as well.
    for (const place of places) writeLevel(place, 'warn');
    await server.cli('publish', 'conclave:config:changes', 'now');
    await agreed(members, after);
    expect(await server.cli('acl', 'log')).toBe('');
  });
});
