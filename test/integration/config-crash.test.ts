/** Processes killed while they apply a configuration, and what the next one does. Real processes, real files. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { guardedDirectory } from '../redis/guard.ts';
import { CRASHED, Member, write } from './config-crash-processes.ts';

describe.concurrent('a process killed while it applies a configuration', () => {
  /** Killed at this step of applying port 2, with port 1 known to be good. */
  const killedAt = async (step: string, directory: string) => {
    await write(directory, 1);
    await using first = new Member(directory, step);
    await first.says('confirmed');
    await write(directory, 2);
    expect(await first.ends()).toBe('SIGKILL');
  };

  test.each(['prepare second', 'applied', 'confirmed'])(
    'at "%s" is followed by one that runs the last good one, and says so',
    async (step) => {
      using directory = guardedDirectory('config');
      await killedAt(step, directory.path);
      await using next = new Member(directory.path, step);
      expect(await next.says('started')).toMatchObject({ port: 1 });
      expect(next.lines[0]).toEqual(CRASHED);
    },
  );

  test('before any handler has seen it speaks against no configuration', async () => {
    using directory = guardedDirectory('config');
    await killedAt('check', directory.path);
    await using next = new Member(directory.path, '');
    expect(await next.says('started')).toMatchObject({ port: 2 });
  });

  test('in the middle of a commit is remembered by all that follow, until the file is another', async () => {
    using directory = guardedDirectory('config');
    await killedAt('commit second', directory.path);
    for (const lap of [1, 2]) {
      await using next = new Member(directory.path, 'commit second');
      expect(await next.says('started'), `lap ${lap}`).toMatchObject({ port: 1 });
      expect(next.lines[0]).toEqual(CRASHED);
      expect(await next.stop()).toBe(0);
    }
    await using last = new Member(directory.path, 'commit second');
    await last.says('started');
    await write(directory.path, 3);
    expect(await last.says('applied by file')).toMatchObject({ port: 3 });
  });
});

describe.concurrent('the directory of a member', () => {
  test('blames nothing after a stop, is its own, holds whole files, and no other user may read them', async () => {
    using directory = guardedDirectory('config');
    await write(directory.path, 2);
    {
      await using first = new Member(directory.path, '');
      await first.says('started');
      // Stopped while the configuration was new.
      expect(await first.stop()).toBe(0);
    }
    await using member = new Member(directory.path, '');
    expect(await member.says('started')).toMatchObject({ port: 2 });
    expect(member.lines).not.toContainEqual(CRASHED);
    await using second = new Member(directory.path, '');
    expect(await second.ends()).toBe(1);
    expect(second.errors).toMatch(/stateDir .* is used by .*CONFIG_STATE_IN_USE/s);
    await member.says('confirmed');
    await member.stop();
    const state = join(directory.path, 'state');
    const names = await readdir(state);
    expect(names.toSorted()).toEqual([expect.stringMatching(/^good-[0-9a-f]{64}\.json$/), 'state.json']);
    for (const name of names) expect((await stat(join(state, name))).mode & 0o777).toBe(0o600);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(state, 'state.json'), 'utf8')).not.toContain('port');
  });
});
