import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { simulateElection } from '../../src/simulation/index.ts';
import { root, temporaryDirectory } from '../project/repository.ts';

describe('simulateElection', () => {
  test('says the same twice, and something else for another seed', async () => {
    const wanted = { options: { leaseDurationMs: 6000 }, hours: 0.5, faultsPerHour: 60 };
    const once = await simulateElection(wanted);
    expect(await simulateElection(wanted)).toEqual(once);
    expect((await simulateElection({ ...wanted, seed: 2 })).digest).not.toBe(once.digest);
    expect(once.violation).toBeNull();
    expect(once.faults).toBeGreaterThan(10);
    expect(once.leaderless.ms).toBeGreaterThan(0);
    expect(once.leaderless.ratio).toBeCloseTo(once.leaderless.ms / 1_800_000, 6);
  });

  test('finds no time without a leader but the first where nothing goes wrong', async () => {
    const { leaderless, elections, faults } = await simulateElection({ faults: 'none', hours: 1 });
    expect({ times: leaderless.times, elections, faults }).toEqual({ times: 1, elections: 1, faults: 0 });
  });

  test('finds that a crash costs about a lease', async () => {
    const crash = { faults: ['crash'], hours: 2, faultsPerHour: 12, seed: 3 };
    const short = await simulateElection({ ...crash, options: { leaseDurationMs: 3000 } });
    const long = await simulateElection({ ...crash, options: { leaseDurationMs: 30_000 } });
    expect(short.leaderless.maxMs).toBeLessThan(2 * 3000);
    expect(long.leaderless.maxMs).toBeGreaterThan(short.leaderless.maxMs);
    expect(long.leaderless.maxMs).toBeLessThan(2 * 30_000);
  });

  test.for([
    [{ hours: 0 }, /hours is 0/],
    [{ hours: Number.NaN }, /hours is NaN/],
    [{ members: 0 }, /members is 0, but must be a whole number above 0 and at most 50/],
    [{ members: 2.5 }, /members is 2.5/],
    [{ faultsPerHour: -1 }, /faultsPerHour is -1/],
    [{ seed: -1 }, /seed is -1/],
    [{ faults: ['crsh'] }, /no fault "crsh".*did you mean "crash"\? There are: freeze, /],
    [{ store: 'rediss' }, /no store "rediss".*did you mean "redis"\?/],
    [{ options: { leaseDurationMs: 1000, renewIntervalMs: 5000 } }, /Not even one renewal fits/],
  ] as const)('refuses %o', async ([wanted, message]) => {
    await expect(simulateElection(wanted)).rejects.toThrow(message);
  });
});

describe('conclave simulate', () => {
  const simulate = (cwd: string, ...args: readonly string[]) =>
    spawnSync(process.execPath, [`${root}/src/cli/main.ts`, 'simulate', ...args], { cwd, encoding: 'utf8' });

  test('tells options, faults, elections, time without a leader and the result', () => {
    using scratch = temporaryDirectory();
    const { stdout, status } = simulate(scratch.path, '--nodes', '5', '--seed', '1', '--for', '10m');
    expect(stdout).toMatch(/Seed 1: 5 members over redis, 10m of faults/);
    for (const part of ['lease', 'clocks', 'messages', 'faults', 'elections', 'without a leader', 'journals'])
      expect(stdout).toMatch(new RegExp(`^  ${part} `, 'm'));
    expect(stdout).toMatch(/Every promise held in each of \d+ steps/);
    expect(status).toBe(0);
  });

  test('finds a planted bug, keeps its journals, and says how to have it again', () => {
    using scratch = temporaryDirectory();
    const found = simulate(
      scratch.path,
      '--seeds',
      '50',
      '--mutant',
      'deadline-from-reply',
      '--threads',
      '1',
    );
    expect(found.status).toBe(0);
    const [, again = ''] = /^Again: conclave (.*)$/m.exec(found.stdout) ?? [];
    const [, file = ''] = /^Journals of this run: (\S+)/m.exec(found.stdout) ?? [];
    const log = spawnSync(process.execPath, [`${root}/src/cli/main.ts`, 'journal', 'verify', file], {
      cwd: scratch.path,
      encoding: 'utf8',
    });
    expect(log.status, log.stderr + log.stdout).toBe(0);
    const [, ...args] = again.split(' ');
    const replayed = simulate(scratch.path, ...args);
    expect(replayed.stdout).toMatch(/a promise broke/);
    expect(replayed.stdout).toContain(/then, after [\d.]+ s: (.*)$/m.exec(found.stdout)?.[1] ?? 'nothing');
  });

  test.for([
    ['--nodes 0', /whole number of nodes between 1 and 50/],
    ['--for -1s', /A duration is a number and a unit/],
    ['--faults crsh', /did you mean "crash"\? There are: freeze, /],
    ['--store etcd', /There is no store "etcd".*redis-replicated/],
    ['--mutant deadline', /no planted bug "deadline".*There are: /],
    ['--lease 1s --renew 1s', /Not even one renewal fits/],
  ] as const)('refuses %s with what there is', ([args, message]) => {
    using scratch = temporaryDirectory();
    const { status, stderr } = simulate(scratch.path, ...args.split(' '));
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
