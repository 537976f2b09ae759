/** `conclave up`, `status` and `resign` as a user runs them: real processes, what they print, how they end. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave, PATIENCE_MS, Running } from './conclave-program.ts';

const leads = /Leadership acquired/;
const up = (cwd: string, ...args: string[]) => new Running(['up', ...args], { cwd });

/** What `status --json` says of the one resource there is. */
async function statusIn(cwd: string) {
  const { stdout, code } = await conclave(['status', '--json'], { cwd });
  return {
    code,
    ...(JSON.parse(stdout) as {
      resource: string;
      leader: string | null;
      members: { member: string; pid?: number; role?: string; token?: string }[];
    }),
  };
}

describe('a member without settings', () => {
  test('competes in .conclave/, says where its things are, hands over on SIGTERM and leaves with 0', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    writeFileSync(join(cwd, 'package.json'), JSON.stringify({ name: 'billing' }));
    await using member = up(cwd, '--id', 'web-1');
    await member.says(leads);
    expect(member.stdout).toMatch(/member web-1-\w+ of "billing", pid \d+/);
    expect(member.stdout).toContain('.conclave/leases.db');
    expect(member.stdout).toMatch(/journal +\.conclave\/journal\/web-1-\d+\.db/);

    const during = await conclave(['status'], { cwd });
    expect(during).toMatchObject({ code: 0 });
    expect(during.stdout).toMatch(/resource +billing/);
    expect(during.stdout).toMatch(/leader +web-1-\w+, term 1/);

    member.kill('SIGTERM');
    expect(await member.ended).toEqual({ code: 0, signal: null });
    expect(readdirSync(join(cwd, '.conclave/members'))).toEqual([]);

    const after = await conclave(['status'], { cwd });
    expect(after).toMatchObject({ code: 1 });
    expect(after.stdout).toContain('nobody leads');

    const file = readdirSync(join(cwd, '.conclave/journal')).find((name) => name.endsWith('.db')) ?? '';
    await using journal = openJournal(join(cwd, '.conclave/journal', file));
    const streams = (await journal.streams()).map(({ stream }) => stream);
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatch(/^leadership\/billing\/web-1-/);
  });

  test('prints one JSON object, and its log as JSON, when asked for JSON', async () => {
    using directory = temporaryDirectory();
    await using member = up(directory.path, '--json', '--resource', 'r');
    await member.says(leads);
    expect(JSON.parse(member.stdout)).toMatchObject({
      type: 'up',
      resource: 'r',
      timings: { leaseMs: 15_000 },
    });
    for (const line of member.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });

  test('ends at once at the second signal, even if stopping hangs', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'held.db');
    await using member = up(directory.path, '--journal', path);
    await member.says(leads);
    const journal = new DatabaseSync(path, { timeout: PATIENCE_MS });
    journal.exec('BEGIN EXCLUSIVE');
    member.kill('SIGINT');
    await member.says(/Stopping/);
    // At once is taken for the same Ctrl-C, passed on by npm; again and again is not.
    member.kill('SIGINT');
    const again = setInterval(() => member.kill('SIGTERM'), 50);
    expect(await member.ended).toEqual({ code: 143, signal: null });
    clearInterval(again);
    journal.close();
  });

  test('told to stop while its store says nothing yet, it begins nothing, and ends in order', async () => {
    using directory = temporaryDirectory();
    const called = Promise.withResolvers<void>();
    const silent = createServer(() => called.resolve());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await using member = up(directory.path, '--store', `redis://127.0.0.1:${port}`, '--journal', 'memory');
    await called.promise;
    member.kill('SIGTERM');
    expect(await member.ended, member.stderr).toEqual({ code: 0, signal: null });
    expect(member.stderr).toContain('Stopping (SIGTERM)');
    expect(member.stdout).toBe('');
    silent.close();
  });

  test('can be asked to stop over its socket', async () => {
    using directory = temporaryDirectory();
    await using member = up(directory.path);
    const [, path = ''] = await member.says(/control +(.+\.sock)/);
    await member.says(leads);
    const connection = connect(join(directory.path, path)).setEncoding('utf8');
    const replies: string[] = [];
    connection.on('data', (chunk: string) => replies.push(chunk));
    connection.write(
      'nonsense\n{"id":1,"command":"frobnicate"}\n{"id":2,"command":"pause"}\n{"id":3,"command":"stop"}\n',
    );
    expect(await member.ended).toEqual({ code: 0, signal: null });
    const told = replies
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number | null });
    expect(told).toMatchObject([
      { id: null, error: {} },
      {
        id: 1,
        error: {
          message:
            'There is no command "frobnicate"; there are status, resign, pause, resume, reload, config, stop.',
        },
      },
      { id: 2, result: null },
      { id: 3, result: null },
    ]);
  });
});

describe('a member that cannot run as asked', () => {
  const refusals: readonly (readonly [string[], RegExp])[] = [
    [['--leese', '3s'], /--leese.*--lease/],
    [['--lease', '3'], /--lease: Which unit/],
    [['--lease', '500ms'], /--lease: the lease duration is 500 ms.*1000 ms or more/],
    [['--lease', '30s', '--renew', '35s'], /Renew every \d+ ms/],
    [['--grace', '20s'], /--grace: the grace period is 20000 ms.*at most 7500 ms/],
    [['--store', 'redis://localhost:port'], /--store: Redis connection string, column 19/],
    [['--store', 'memroy'], /--store: It must be sqlite:PATH, memory, or a Redis/],
    [['--store', 'sqlite:text'], /text is not a SQLite database/],
    [['--store', 'sqlite:folder'], /folder is a directory/],
    [['--store', 'sqlite:no/where/leases.db'], /There is no directory .*no.where/],
    [['--journal', 'text'], /text is not a SQLite database/],
    [['--dir', 'text'], /text cannot be written.*--dir/],
    [['--dir', '/proc/nowhere'], /\/proc\/nowhere cannot be written.*--dir/],
    [['--resource', ''], /--resource: It must be a name/],
    [['--id', ''], /--id/],
    [['--on-journal-failure', 'shrug'], /continue, stop/],
  ];

  test.for(refusals)(
    'up %s says so in one line, with exit code 2, and touches nothing',
    async ([args, message]) => {
      using directory = temporaryDirectory();
      const cwd = directory.path;
      writeFileSync(join(cwd, 'text'), 'dear diary');
      mkdirSync(join(cwd, 'folder'));
      const { code, stdout, stderr } = await conclave(['up', ...args], { cwd });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(readFileSync(join(cwd, 'text'), 'utf8')).toBe('dear diary');
      expect(readdirSync(join(cwd, 'folder'))).toEqual([]);
    },
  );

  test('tells programs as JSON', async () => {
    using directory = temporaryDirectory();
    const { code, stderr } = await conclave(['up', '--json', '--store', 'x'], { cwd: directory.path });
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'SETTINGS_INVALID' } });
  });
});

describe('control sockets', () => {
  test('are found below a directory whose path is too long for them', async () => {
    using directory = temporaryDirectory();
    const cwd = join(directory.path, 'deep'.repeat(30));
    mkdirSync(cwd);
    await using member = new Running(['up'], { cwd, env: { TMPDIR: directory.path } });
    const [, socket = ''] = await member.says(/control +(.+\.sock)/);
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103);
    expect(socket.startsWith(directory.path)).toBe(true);
    await member.says(leads);
    expect((await statusIn(cwd)).members).toMatchObject([{ pid: member.pid, role: 'leader' }]);
    member.kill('SIGTERM');
    await member.ended;
    expect(existsSync(socket)).toBe(false);
    expect(readdirSync(join(cwd, '.conclave/members'))).toEqual([]);
  });

  test('of a killed member are tidied away by the next look, once it is old enough to be sure', async () => {
    using directory = temporaryDirectory();
    const members = join(directory.path, '.conclave/members');
    await using member = up(directory.path);
    await member.says(leads);
    member.kill('SIGKILL');
    await member.ended;
    const [socket = ''] = readdirSync(members);
    expect((await statusIn(directory.path)).members).toEqual([]);
    expect(readdirSync(members)).toEqual([socket]);
    utimesSync(join(members, socket), 0, 0);
    await statusIn(directory.path);
    expect(readdirSync(members)).toEqual([]);
  });
});

describe('two members', () => {
  test('resign: the leader hands over and the command says who leads next', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    await using first = up(cwd, '--id', 'web-1');
    await first.says(leads);
    await using second = up(cwd, '--id', 'web-2');
    await second.says(/New leader observed: web-1-/);
    const before = await statusIn(cwd);

    const wrong = await conclave(['resign', '--id', 'web-2'], { cwd });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/--id is "web-2", but web-1-\w+ leads/);

    const { code, stdout } = await conclave(['resign'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/web-1-\w+ resigned[^]*web-2-\w+ leads \(term 2/);
    await second.says(leads);
    const after = await statusIn(cwd);
    expect(after.leader).toMatch(/^web-2-/);
    const token = (status: typeof after) =>
      BigInt(status.members.find(({ role }) => role === 'leader')?.token ?? 0);
    expect(token(after)).toBeGreaterThan(token(before));
  });

  test('of one name are reported by both, and both compete', async () => {
    using directory = temporaryDirectory();
    await using first = up(directory.path, '--id', 'twin', '--renew', '500ms');
    await first.says(leads);
    await using second = up(directory.path, '--id', 'twin', '--renew', '500ms');
    await second.says(/WARN.*Another live member is called "twin"/);
    await first.says(/WARN.*Another live member is called "twin"/);
    first.kill('SIGTERM');
    await second.says(leads);
  });

  test('one of which is frozen: status says that it does not answer', async () => {
    using directory = temporaryDirectory();
    await using member = up(directory.path, '--id', 'still');
    await member.says(leads);
    member.kill('SIGSTOP');
    const { stdout } = await conclave(['status'], { cwd: directory.path });
    expect(stdout).toMatch(/still-\w+ +no answer +frozen or overloaded/);
  });
});

describe('nobody there', () => {
  test('status says that there is no store, and makes none', async () => {
    using directory = temporaryDirectory();
    const { code, stdout } = await conclave(['status'], { cwd: directory.path });
    expect(code).toBe(1);
    expect(stdout).toContain('no such store');
    expect(stdout).toContain('nobody leads');
    expect(existsSync(join(directory.path, '.conclave'))).toBe(false);
  });

  test('resign says so and fails', async () => {
    using directory = temporaryDirectory();
    const { code, stderr } = await conclave(['resign'], { cwd: directory.path });
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'conclave: Nobody leads "default".\n' });
  });

  test('help of every command has examples and exit codes', async () => {
    using directory = temporaryDirectory();
    for (const command of ['up', 'demo', 'status', 'resign']) {
      const { code, stdout } = await conclave([command, '--help'], { cwd: directory.path });
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}\$ conclave [^]*Exit codes:\n {2}0 /);
    }
  });
});
