/** When a process group is gone, and when it only looks as if it were not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exitCodeOf, groupIsGone, signalGroup } from '../../src/cli/run-group.ts';
import { until } from './cli-run-processes.ts';

test('a group lives as long as any of its processes, not only the first', async () => {
  const first = spawn('sh', ['-c', 'sleep 60 & echo ready'], { detached: true });
  const group = first.pid ?? 0;
  await once(first, 'exit');
  expect(groupIsGone(group)).toBe(false);
  expect(signalGroup(group, 'SIGKILL')).toBe(true);
  await until('its end', () => groupIsGone(group));
});

test('processes that ended but were never reaped, as in a container without an init, do not count', async () => {
  // The one that becomes `sleep` never asks what became of its child, a group of its own.
  const careless = spawn('sh', ['-c', 'setsid sh -c "echo $$" & exec sleep 60']);
  try {
    let zombie = 0;
    await until('the one nobody reaps', () => {
      zombie = zombieBelow(careless.pid ?? 0);
      return zombie !== 0;
    });
    expect(process.kill(-zombie, 0), 'the kernel still counts it').toBe(true);
    expect(groupIsGone(zombie)).toBe(true);
  } finally {
    careless.kill('SIGKILL');
  }
});

/** Pid of a zombie that leads a group and whose parent is `parent`, or 0. */
function zombieBelow(parent: number): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, ppid, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' && ppid === String(parent) && group === pid) return Number(pid);
    } catch {
      // Gone in between.
    }
  }
  return 0;
}

test.each([
  [{ code: 3, signal: null }, 3],
  [{ code: null, signal: 'SIGTERM' as const }, 143],
  [{ code: null, signal: 'SIGKILL' as const }, 137],
])('%j is exit code %i, as a shell has it', (ending, code) => {
  expect(exitCodeOf(ending)).toBe(code);
});
