/** `conclave up` and its settings file: what it takes while it runs, what it starts with after a crash, what it refuses. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createConfigReload } from '../../src/config.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave } from './conclave-program.ts';
import { TOKEN, UpMember, writeSettings } from './up-members.ts';

const EMBEDDED = '  store = "sqlite:.conclave/leases.db"';
const QUIET = `${EMBEDDED}\n  configuration { watching = false }`;

test('SIGHUP: timings hold from the next term on, the log level at once, a prefix after a restart; all is recorded', async () => {
  using directory = temporaryDirectory();
  const cwd = directory.path;
  writeSettings(cwd, { lease: 4, more: QUIET });
  await using member = await UpMember.start('web-1', cwd);
  await member.running.says(/Leadership acquired/);
  const left = async () =>
    (await member.ask<{ results: { leader_election: { data: { lease_remaining_ms: number } } } }>('/health'))
      .body.results.leader_election.data.lease_remaining_ms;

  const more = `${QUIET}\n  log_level = "debug"\n  metrics { prefix = "honua" }`;
  writeSettings(cwd, { lease: 30, renew: 10, more });
  const before = await member.config();
  member.running.kill('SIGHUP');
  await member.running.says(/SIGHUP: conclave\.hcl: applied/);
  const state = await member.config();
  expect(state.generation).toBe((before.generation ?? 0) + 1);
  expect(await left()).toBeLessThanOrEqual(4000);
  await member.running.says(/"level":20/);
  const status = await conclave(['config', 'status'], { cwd });
  expect(status.stdout).toMatch(/needs a restart: metrics\.prefix/);
  expect((await (await fetch(member.metricsUrl)).text()).includes('honua_')).toBe(false);

  await member.ask('/leader/resign', { method: 'POST', body: '{}' });
  await member.until('leads again', async () => (await member.isLeader()) && (await left()) > 4000);

  writeSettings(cwd, { lease: 30, renew: '"soon"', more });
  member.running.kill('SIGHUP');
  await member.running.says(/SIGHUP: conclave\.hcl: rejected/);
  expect(member.running.stderr).toMatch(/conclave\.hcl:6:\d+: /);
  expect((await member.config()).sha).toBe(state.sha);
  // Who asks members is told by them, though the file cannot be used; and what is wrong with it.
  const env = { TEST_TOKEN: TOKEN };
  const asked = [['status'], ['config', 'status'], ['config', 'reload']];
  const answers = await Promise.all(asked.map((args) => conclave(args, { cwd, env })));
  expect(answers.map(({ code }) => code)).toEqual([2, 2, 1]);
  for (const { stdout } of answers) expect(stdout).toMatch(/web-1/);
  for (const { stdout, stderr } of answers) expect(stdout + stderr).toMatch(/conclave\.hcl:6:\d+: /);

  member.running.kill('SIGTERM');
  expect(await member.running.ended).toEqual({ code: 0, signal: null });
  const journals = join(cwd, '.conclave/journal');
  await using journal = openJournal(
    join(journals, readdirSync(journals).find((name) => name.endsWith('.db')) ?? ''),
  );
  const streams = (await journal.streams()).map(({ stream }) => stream.split('/')[0]);
  expect(new Set(streams)).toEqual(new Set(['config', 'leadership']));
});

test('settings that an earlier process ended with are not taken a second time, if there are others that were good', async () => {
  using directory = temporaryDirectory();
  const cwd = directory.path;
  const timings = (lease: number) => new RegExp(`"leaseMs":${lease}000`);
  const settings = writeSettings(cwd, { lease: 6, more: EMBEDDED });
  {
    await using first = await UpMember.start('web-1', cwd);
    first.running.kill('SIGKILL');
    await first.running.ended;
  }
  {
    // There is nothing else to run by.
    await using again = await UpMember.start('web-1', cwd);
    expect(again.running.stdout).toMatch(timings(6));
    await again.until('has it in force', async () => (await again.config()).generation !== null);
    again.running.kill('SIGTERM');
    await again.running.ended;
  }
  await comeThrough(settings, join(cwd, '.conclave/config'));
  {
    await using second = await UpMember.start('web-1', cwd);
    await second.until('has it in force', async () => (await second.config()).generation !== null);
    writeSettings(cwd, { lease: 9, more: EMBEDDED });
    await second.running.says(/Configuration reloaded/);
    second.running.kill('SIGKILL');
    await second.running.ended;
  }
  await using third = await UpMember.start('web-1', cwd);
  await third.running.says(/conclave\.hcl was new when an earlier process ended/);
  expect(third.running.stdout).toMatch(timings(6));
  await third.running.says(/Leadership acquired/);
  const reload = await conclave(['config', 'reload'], { cwd });
  expect(reload.code).toBe(1);
  const forced = await conclave(['config', 'reload', '--force'], { cwd });
  expect(forced).toMatchObject({ code: 0 });
  expect(forced.stdout).toMatch(/conclave\.hcl: applied/);
});

/** What is in the file counts as good from now on, as if a member had run by it for half a minute. */
async function comeThrough(source: string, states: string): Promise<void> {
  await using reload = createConfigReload({
    source,
    schema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
    secrets: { environment: { ...process.env, TEST_TOKEN: 'a-token-for-tests-only' } },
    stateDir: join(states, readdirSync(states)[0] ?? ''),
    timings: { healthMs: 0 },
  });
  await reload.start();
  await reload.reload({ force: true });
}

describe.concurrent('a member that cannot start', () => {
  test('ports: one that was asked for must be free, others give way', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    await using first = await UpMember.start('web-1', cwd);
    await using second = await UpMember.start('web-2', cwd);
    const ports = [first, second].flatMap(({ url, metricsUrl }) =>
      [url, metricsUrl].map((each) => new URL(each).port),
    );
    expect(new Set(ports).size).toBe(4);
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const refused = await conclave(['up', '--port', String(port)], { cwd });
    taken.close();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} .*another program has it`));
    // It never competed.
    expect((await conclave(['status', '--json'], { cwd })).stdout).toMatch(/web-1/);
  });

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['a key that is none', '  servr { port = 1 }', /conclave\.hcl:14:3: .*Did you mean server\?/s],
    ['a token that is too short', '  metrics { prefix = "1x" }', /conclave\.hcl:14:\d+: /],
    ['a store that is none', '  store = "mysql:"', /conclave\.hcl:14:\d+: .*sqlite:PATH/s],
  ];
  test.for(refusals)('%s: exit code 2, with the place, and nothing is made', async ([, more, message]) => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    writeSettings(cwd, { more });
    const { code, stderr, stdout } = await conclave(['up'], {
      cwd,
      env: { TEST_TOKEN: 'a-token-for-tests-only' },
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('a-token-for-tests-only');
    expect(readdirSync(cwd)).toEqual(
      ['.conclave', 'conclave.hcl'].filter((name) => readdirSync(cwd).includes(name)),
    );
  });

  test('a token that could be guessed is refused, and not shown', async () => {
    using directory = temporaryDirectory();
    writeSettings(directory.path, { more: EMBEDDED });
    const { code, stderr } = await conclave(['up'], { cwd: directory.path, env: { TEST_TOKEN: 'hunter2' } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/conclave\.hcl:12:\d+: .*characters or more/);
    expect(stderr).not.toContain('hunter2');
  });

  test('a configuration of the application that cannot be read: its place, and no leader that has none', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    writeFileSync(join(cwd, 'app.yaml'), 'port: 80\nname: [\n');
    mkdirSync(join(cwd, 'state'));
    const args = [
      'up',
      '--configuration',
      'app.yaml',
      '--configuration-mode',
      'local',
      '--port',
      '0',
      '--metrics-port',
      '0',
    ];
    const { code, stderr } = await conclave(args, { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/app\.yaml:[23]:\d+/);
    expect(stderr).not.toContain('Leadership acquired');
  });
});
