/** `conclave demo` as a user runs it, and that it never leaves a process behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verify } from '../../src/journal/verify.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave, PATIENCE_MS, Running } from './conclave-program.ts';

/** What it makes in the directory for temporary files is gone with that, also after it was killed. */
const demo = (cwd: string, ...args: string[]) =>
  new Running(['demo', '--lease', '1500ms', ...args], { cwd, env: { TMPDIR: cwd } });

/** Whether a process still runs; one that has ended but was not waited for yet does not. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (pids.some(runs)) {
    if (performance.now() > deadline) throw new Error(`Still there: ${pids.filter(runs).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The processes of three members that are up. */
async function threeUp(running: Running): Promise<number[]> {
  await running.says(/(?:is up \(pid \d+\)[^]*){3}/);
  return [...running.stdout.matchAll(/is up \(pid (\d+)\)/g)].map(([, pid]) => Number(pid));
}

test('the failover scenario does each thing to a leader, and everything held', async () => {
  using directory = temporaryDirectory();
  const { path } = directory;
  await using running = demo(path, '--scenario', 'failover', '--for', '1s', '--json', '--keep', 'kept');
  const { code } = await running.ended;
  const lines = running.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ type, kind }) => kind ?? type)).toEqual([
    'demo',
    'kill',
    'freeze',
    'handover',
    'report',
  ]);
  const report = lines.at(-1) as {
    held: boolean;
    checks: { what: string; held: boolean; detail: string }[];
    failovers: { kind: string; overlapMs: number; firstTick: { isLeader: boolean } | null; token: string }[];
  };
  // What depends on a busy machine's timing alone is tried, again and again, in failover.test.ts.
  const untimed = report.checks.filter(({ what }) => !what.startsWith('a successor within'));
  expect(untimed.filter(({ held }) => !held)).toEqual([]);
  expect(code).toBe(report.held ? 0 : 1);
  for (const { overlapMs } of report.failovers) expect(overlapMs).toBeLessThanOrEqual(0);
  expect(report.failovers[1]?.firstTick?.isLeader).toBe(false);

  const journals = readdirSync(join(path, 'kept')).filter((name) => name.endsWith('.jsonl'));
  expect(journals).toHaveLength(5);
  for (const name of journals) {
    await using journal = openJournal(join(path, 'kept', name));
    for (const { stream } of await journal.streams())
      expect(await verify(journal.read(stream))).toMatchObject({ ok: true });
  }
});

test('without a terminal it prints a line an event, and ends in order with its time', async () => {
  using directory = temporaryDirectory();
  await using running = demo(directory.path, '--for', '1s');
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(running.stdout).toMatch(/member-\d leads: term 1/);
  expect(running.stdout).toContain('✓ never two that believed at once');
  expect(running.stdout).not.toContain('\x1b');
});

test('Ctrl-C ends it and all members', async () => {
  using directory = temporaryDirectory();
  await using running = demo(directory.path);
  const pids = await threeUp(running);
  expect(pids.every(runs)).toBe(true);
  running.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(pids.filter(runs)).toEqual([]);
});

test('Ctrl-C while members are still starting ends it in order, with nothing to judge', async () => {
  using directory = temporaryDirectory();
  await using running = demo(directory.path);
  await running.says(/Look at http/);
  running.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(running.stdout).toContain('✓ members that were asked to stop ended in order');
  expect(running.stderr).toBe('');
});

test('killed while the leader is frozen, it still leaves no member behind', async () => {
  using directory = temporaryDirectory();
  await using running = demo(directory.path, '--scenario', 'failover');
  const pids = await threeUp(running);
  await running.says(/the leader: SIGSTOP/);
  const all = [...running.stdout.matchAll(/is up \(pid (\d+)\)/g)].map(([, pid]) => Number(pid));
  running.kill('SIGKILL');
  await running.ended;
  await untilGone([...new Set([...pids, ...all])]);
});

test('a member that falls by another hand is replaced', async () => {
  using directory = temporaryDirectory();
  await using running = demo(directory.path);
  const [victim = 0] = await threeUp(running);
  process.kill(victim, 'SIGKILL');
  await running.says(/was ended by SIGKILL[^]*is up \(pid \d+\)/);
  running.kill('SIGTERM');
  expect(await running.ended).toEqual({ code: 0, signal: null });
});

test.for([
  [['--scenario', 'everything'], /--scenario.*everything.*failover, reload, all/],
  [['--members', '1'], /--members.*2 to 9/],
  [['--lease', '100ms'], /exit code 2: --lease: the lease duration is 100 ms/],
] as const)('demo %s is refused with exit code 2', async ([args, message]) => {
  using directory = temporaryDirectory();
  const { code, stderr } = await conclave(['demo', ...args], { cwd: directory.path });
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
