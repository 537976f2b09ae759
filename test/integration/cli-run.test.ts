/** `conclave run` with real processes: what it passes on, and what it says by its exit code. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { goneAt, linesOf, Run, stubborn, until } from './cli-run-processes.ts';

let scratch: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  scratch = temporaryDirectory();
});
afterEach(() => scratch[Symbol.dispose]());

const lease = ['--resource', 'billing', '--lease', '6s'];
const start = (...args: string[]) => new Run(scratch.path, args);
const sh = (script: string) => ['--', 'sh', '-c', script];

describe('the command', () => {
  test.each([
    ['exit 7', 7],
    ['exit 0', 0],
    ['kill -KILL $$', 137],
    ['kill -USR1 $$', 138],
  ])('%s: its exit code is passed on: %i', async (script, code) => {
    await using run = start(...lease, ...sh(script));
    expect(await run.exitCode, run.stderr).toBe(code);
  });

  test('finds token, term and resource in its environment, and each term has a larger token', async () => {
    const print = 'echo "$CONCLAVE_LEASE_RESOURCE $CONCLAVE_LEASE_TERM $CONCLAVE_LEASE_TOKEN"';
    const seen: bigint[] = [];
    for (const term of [1, 2]) {
      await using run = start(...lease, ...sh(print));
      await run.exitCode;
      const [resource, number, token = ''] = run.stdout.trim().split(' ');
      expect([resource, number]).toEqual(['billing', String(term)]);
      seen.push(BigInt(token));
    }
    expect(seen[1]).toBeGreaterThan(seen[0] ?? 0n);
  });

  test('reads standard input and writes standard output as if it ran alone', async () => {
    await using run = start(...lease, '--', 'cat');
    run.stdin?.end('one\ntwo\n');
    expect(await run.exitCode).toBe(0);
    expect(run.stdout).toBe('one\ntwo\n');
  });

  test('gets its own options, whether or not they look like ours', async () => {
    await using run = start(...lease, '--', 'echo', '--json', '--resource', 'x');
    await run.exitCode;
    expect(run.stdout).toBe('--json --resource x\n');
  });

  test('runs in a process group of its own, which is empty when leadership is handed over', async () => {
    await using run = start(...lease, '--kill-after', '200ms', ...sh('trap "" TERM; sleep 60 & exit 3'));
    expect(await run.exitCode, run.stderr).toBe(3);
    expect(run.events().map(({ type, reason }) => reason ?? type)).toEqual([
      'started',
      'left-behind',
      'left-behind',
      'ended',
      'released',
    ]);
    await goneAt(run.events('started')[0]?.pid ?? 0);
  });
});

describe('signals', () => {
  test.each([
    ['HUP', ['child', 'parent']],
    ['USR1', ['child', 'parent']],
    ['USR2', ['child', 'parent']],
    ['WINCH', ['child', 'parent']],
    ['TERM', ['child', 'parent']],
    ['INT', ['parent']],
    ['QUIT', ['parent']],
  ])('SIG%s reaches the group: %j', async (name, who) => {
    const log = join(scratch.path, 'log');
    await using run = start(...lease, '--', ...stubborn(log, [name]));
    await until('both', () => linesOf(log).length >= 2);
    run.kill(`SIG${name}` as NodeJS.Signals);
    const got = () => linesOf(log).filter((line) => !line.endsWith('-ready'));
    await until('all to have it', () => got().length >= who.length);
    expect(got().toSorted()).toEqual(who.map((each) => `${each}-${name}`));
  });

  test('a command that ends at SIGTERM ends the run with its own code', async () => {
    await using run = start(...lease, ...sh('trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done'));
    await until('the command', () => run.stdout.includes('ready'));
    run.kill('SIGTERM');
    expect(await run.exitCode).toBe(9);
    expect(run.events('released')).toHaveLength(1);
  });

  test('while waiting, SIGINT ends the run at once', async () => {
    await using leader = start(...lease, '--', 'sleep', '60');
    await leader.event('started');
    await using run = start(...lease, '--', 'true');
    await run.event('waiting');
    run.kill('SIGINT');
    expect(await run.exitCode).toBe(130);
    expect(run.events('started')).toEqual([]);
  });
});

describe('not waiting', () => {
  test('--try runs the command if nobody leads, and exits with 75 if somebody does', async () => {
    await using leader = start(...lease, '--try', '--', 'sleep', '60');
    await leader.event('started');
    await using second = start(...lease, '--try', '--', 'true');
    expect(await second.exitCode, second.stderr).toBe(75);
    expect(second.stderr).toMatch(/leads \\"billing\\"/);
    expect(second.events('started')).toEqual([]);
  });

  test('--wait exits with 75 when the time is over', async () => {
    await using leader = start(...lease, '--', 'sleep', '60');
    await leader.event('started');
    await using second = start(...lease, '--wait', '300ms', '--', 'true');
    expect(await second.exitCode, second.stderr).toBe(75);
  });

  test('--wait runs the command if leadership comes in time', async () => {
    await using leader = start(...lease, '--', 'sleep', '60');
    const { pid = 0 } = await leader.event('started');
    await using second = start(...lease, '--wait', '60s', ...sh('exit 4'));
    await second.event('waiting');
    process.kill(-pid, 'SIGKILL');
    expect(await second.exitCode, second.stderr).toBe(4);
    expect(await leader.exitCode).toBe(137);
  });
});

describe('what cannot run', () => {
  test('a command that is not there: 127, before anybody waits', async () => {
    await using run = start(...lease, '--', 'no-such-command');
    expect(await run.exitCode).toBe(127);
    expect(run.stderr).toMatch(/no-such-command was not found/);
  });

  test('a file that is no program: 126', async () => {
    writeFileSync(join(scratch.path, 'data'), 'x');
    await using run = start(...lease, '--', './data');
    expect(await run.exitCode).toBe(126);
  });

  test('a program whose interpreter is missing: 127, and leadership is handed over', async () => {
    writeFileSync(join(scratch.path, 'script'), '#!/no/such/interpreter\n');
    chmodSync(join(scratch.path, 'script'), 0o755);
    await using run = start(...lease, '--', './script');
    expect(await run.exitCode).toBe(127);
    expect(run.stderr).toMatch(/interpreter/);
    await using next = start(...lease, '--try', '--', 'true');
    expect(await next.exitCode, next.stderr).toBe(0);
  });

  test.each([
    [['--resource', 'x', '--wait', '30', '--', 'true'], /Write 30s for seconds/],
    [['--', 'true'], /--resource/],
    [['--resource', 'x', '--try', '--wait', '1s', '--', 'true'], /cannot be used with/],
    [['--resource', 'x', '--kill-after', '9s', '--', 'true'], /leaves 4.9s between SIGTERM and SIGKILL/],
    [['--resource', 'x', '--store', 'mysql:', '--', 'true'], /--store: It must be sqlite:PATH/],
    [['--resource', 'x'], /command/],
  ])('%j: 2, with what would do', async (args, message) => {
    await using run = start(...args);
    expect(await run.exitCode).toBe(2);
    expect(run.stderr).toMatch(message);
  });
});
