/** `conclave run` when leadership is lost: nothing of the command runs when the lease ends, whatever failed. */
import { join } from 'node:path';
import { describe, expect, test as base } from 'vitest';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { goneAt, linesOf, parentOf, Run, Store, stubborn, takeAway, until } from './cli-run-processes.ts';

/** Each test has a directory of its own: they mostly wait for leases to end, so they do it together. */
const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern -- how vitest learns that this fixture needs no other
  directory: async ({}, use) => {
    using scratch = temporaryDirectory();
    await use(scratch.path);
  },
});

const leaseMs = 6000;
const lease = ['--resource', 'billing', '--lease', `${leaseMs}ms`];

/** A run whose command and its child ignore SIGTERM, after both have begun. */
async function startStubborn(directory: string, ...options: string[]) {
  const log = join(directory, 'log');
  const run = new Run(directory, [...lease, ...options, '--', ...stubborn(log, ['TERM'])]);
  const { pid: group = 0 } = await run.event('started');
  await until('parent and child', () => linesOf(log).length >= 2);
  return { run, group, log };
}

const signalsIn = (log: string) =>
  linesOf(log)
    .filter((line) => line.endsWith('-TERM'))
    .toSorted();

describe.concurrent('the store cannot be written any more', () => {
  test('the whole group gets SIGTERM, then SIGKILL, and is gone before the lease ends', async ({
    directory,
  }) => {
    const { run, group, log } = await startStubborn(directory, '--restart', 'never');
    await using _ = run;
    using store = new Store(directory);
    store.hold();
    const endsAt = store.leaseEnd('billing');
    const gone = await goneAt(group);
    expect(signalsIn(log)).toEqual(['child-TERM', 'parent-TERM']);
    expect(endsAt - gone, 'milliseconds before the lease ends').toBeGreaterThan(0);
    expect(await run.exitCode, run.stderr).toBe(76);
    const [stopping] = run.events('stopping');
    const [killing] = run.events('killing');
    expect([stopping?.reason, killing?.reason]).toEqual(['lease-ends', 'lease-ends']);
    // Time enough to end in order: a fifth of the lease.
    expect((killing?.mono ?? 0) - (stopping?.mono ?? 0)).toBeGreaterThan(leaseMs / 5 - 50);
  });

  test('--once exits with the code of the command that was stopped', async ({ directory }) => {
    await using run = new Run(directory, [
      ...lease,
      '--once',
      '--',
      'sh',
      '-c',
      'trap "exit 5" TERM; while :; do sleep 0.02; done',
    ]);
    await run.event('started');
    using store = new Store(directory);
    store.hold();
    expect(await run.exitCode, run.stderr).toBe(5);
  });

  test('once it can be written again, the command runs again, in a later term', async ({ directory }) => {
    const { run } = await startStubborn(directory);
    await using _ = run;
    const store = new Store(directory);
    store.hold();
    await run.event('ended');
    store[Symbol.dispose]();
    const again = await run.event('started', 2);
    const [first] = run.events('started');
    expect(BigInt(again.token ?? 0)).toBeGreaterThan(BigInt(first?.token ?? 0));
    expect(again.term).toBe((first?.term ?? 0) + 1);
  });

  test('a command that is stopped, and so could not take SIGTERM, is continued to take it', async ({
    directory,
  }) => {
    await using run = new Run(directory, [
      ...lease,
      '--once',
      '--',
      'sh',
      '-c',
      'trap "exit 6" TERM; kill -STOP $$; while :; do sleep 0.02; done',
    ]);
    await run.event('started');
    using store = new Store(directory);
    store.hold();
    expect(await run.exitCode, run.stderr).toBe(6);
  });
});

describe.concurrent('conclave run itself', () => {
  test('is killed: its command is gone soon, and before the lease ends', async ({ directory }) => {
    const { run, group, log } = await startStubborn(directory, '--kill-after', '500ms');
    await using _ = run;
    using store = new Store(directory);
    run.kill('SIGKILL');
    const killedAt = systemClock.monotonicMs();
    const endsAt = store.leaseEnd('billing');
    const gone = await goneAt(group);
    expect(signalsIn(log)).toEqual(['child-TERM', 'parent-TERM']);
    expect(gone - killedAt).toBeLessThan(leaseMs / 2);
    expect(endsAt - gone, 'milliseconds before the lease ends').toBeGreaterThan(0);
  });

  test('is frozen: its command is gone before the lease ends, and runs again after it wakes', async ({
    directory,
  }) => {
    const { run, group } = await startStubborn(directory);
    await using _ = run;
    using store = new Store(directory);
    run.kill('SIGSTOP');
    const endsAt = store.leaseEnd('billing');
    const gone = await goneAt(group);
    expect(endsAt - gone, 'milliseconds before the lease ends').toBeGreaterThan(0);
    run.kill('SIGCONT');
    await run.event('started', 2);
  });

  test('loses its watchdog: the command is killed at once', async ({ directory }) => {
    const { run, group } = await startStubborn(directory, '--restart', 'never');
    await using _ = run;
    process.kill(parentOf(group), 'SIGKILL');
    await goneAt(group);
    expect(await run.exitCode, run.stderr).toBe(76);
  });
});

test.concurrent('leadership taken away by an operator kills the command at once', async ({ directory }) => {
  const { run, group } = await startStubborn(directory, '--restart', 'never');
  await using _ = run;
  await takeAway(directory, 'billing');
  await goneAt(group);
  expect(await run.exitCode, run.stderr).toBe(76);
  expect(run.events('killing').map(({ reason }) => reason)).toEqual(['lost']);
});

test.concurrent(
  'of several runs, one command runs at any moment, even if those who run them are killed',
  async ({ directory }) => {
    const log = join(directory, 'log');
    const stamp = (what: string) => `echo "${what} $$ $(date +%s%N) $CONCLAVE_LEASE_TOKEN" >> ${log}`;
    const command = `${stamp('start')}; for i in 1 2 3 4 5 6 7 8; do sleep 0.05; ${stamp('alive')}; done; ${stamp('stop')}`;
    const rivals = 3;
    const rounds = 3;
    await Promise.all(
      Array.from({ length: rivals }, async (__, rival) => {
        for (let round = 0; round < rounds; round++) {
          await using run = new Run(directory, [...lease, '--', 'sh', '-c', command]);
          // Each rival has one of its runs killed while its command runs.
          if (round === rival % rounds) {
            const { pid: group = 0 } = await run.event('started');
            await until('its first stamp', () =>
              linesOf(log).some((line) => line.startsWith(`start ${group} `)),
            );
            run.kill('SIGKILL');
            await goneAt(group);
          } else expect(await run.exitCode, run.stderr).toBe(0);
        }
      }),
    );
    const stamps = linesOf(log).map((line) => {
      const [, pid = '', at = '0', token = '0'] = line.split(' ');
      return { pid, at: BigInt(at), token: BigInt(token) };
    });
    const lives = Map.groupBy(stamps, ({ pid }) => pid);
    const spans = [...lives.values()]
      .map((life) => ({ token: life[0]?.token ?? 0n, from: life[0]?.at ?? 0n, to: life.at(-1)?.at ?? 0n }))
      .toSorted((a, b) => Number(a.from - b.from));
    expect(spans).toHaveLength(rivals * rounds);
    for (const [index, { from, token }] of spans.entries()) {
      const before = spans[index - 1];
      if (before === undefined) continue;
      expect(from > before.to, 'the one before has ended').toBe(true);
      expect(token > before.token, 'tokens grow').toBe(true);
    }
  },
);
