/** What is told late, on purpose or for want of hints, and what the watch says about itself then. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fileSha } from '../../src/config/fingerprint.ts';
import type { ConfigDisk } from '../../src/config/source-disk.ts';
import { systemDisk } from '../../src/config/source-system-disk.ts';
import { OFTEN_MS, place, replaceFile, textOf, Watched, writeDeep } from './config-watch-place.ts';

const LONG = 'port = 1\n'.repeat(10);
const OTHER = 'port = 2\n'.repeat(10);

/** What may be half of somebody's work. */
const halves: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  vanished: (path) => unlink(path),
  'was emptied': (path) => truncate(path),
  'shrank by more than half': (path) => writeFile(path, LONG.slice(0, 44)),
  'became a directory': async (path) => {
    await unlink(path);
    await writeDeep(`${path}/in-it`, '');
  },
};

describe('a file that', () => {
  it.concurrent.each(Object.keys(halves))(
    '%s is not believed before a sweep, and forgotten once restored',
    async (how) => {
      await using dir = await place();
      const path = dir.path('app.hcl');
      await writeFile(path, LONG);
      using watched = await Watched.over({ files: path });
      await halves[how]?.(path);
      await watched.until(() => watched.watch.status.holding !== null);
      expect(watched.told).toEqual(['file.changed']);
      expect(watched.watch.status.holding).toMatchObject({ location: path });
      // Nor is it given to who reads now.
      const reading = await watched.watch.read();
      expect(reading).toMatchObject({ kind: 'refused', transient: true });
      expect(textOf(reading)).toBe('CONFIG_HELD');
      await rm(path, { recursive: true, force: true });
      await writeFile(path, OTHER);
      await watched.sees(OTHER);
      await watched.hasLooked();
      expect(watched.watch.status.holding).toBeNull();
      expect(watched.told).toEqual(['file.changed', 'file.changed']);
    },
  );

  it.concurrent.each(Object.keys(halves))('%s and stays so is told after one more sweep', async (how) => {
    await using dir = await place();
    const path = dir.path('app.hcl');
    await writeFile(path, LONG);
    using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS });
    await halves[how]?.(path);
    await watched.until(() => watched.told.length === 2);
    expect(watched.told[1]).toBe(how === 'vanished' ? 'file.missing' : 'file.changed');
    expect(watched.watch.status.holding).toBeNull();
    await rm(path, { recursive: true, force: true });
    await writeFile(path, OTHER);
    await watched.sees(OTHER);
  });

  it.concurrent('left a directory of several is missed, not believed to be unwanted at once', async () => {
    await using dir = await place();
    for (const name of ['a.yaml', 'b.yaml']) await writeFile(dir.path(name), name);
    using held = await Watched.over({ directory: dir.path() });
    using swept = await Watched.over({ directory: dir.path() }, { sweepMs: OFTEN_MS });
    await unlink(dir.path('b.yaml'));
    await held.until(() => held.watch.status.holding?.message === 'b.yaml has vanished.');
    await swept.sees('a.yaml');
    expect(held.told).toEqual(['file.changed']);
  });
});

describe('what nobody told of', () => {
  it.concurrent('is found by the sweep, and hints that never come are reported until they do', async () => {
    await using dir = await place();
    const path = dir.path('app.hcl');
    await writeFile(path, 'port=0');
    const deaf = { isDeaf: true };
    const disk: ConfigDisk = {
      ...systemDisk,
      watch: (at, onHint, onError) =>
        systemDisk.watch(at, (hint) => (deaf.isDeaf ? undefined : onHint(hint)), onError),
    };
    using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS, disk });
    for (const [index, text] of ['port=1', 'port=2', 'port=3'].entries()) {
      expect(watched.watch.status.degraded).toEqual([]);
      await replaceFile(path, text);
      await watched.sees(text);
      await watched.until(() => watched.watch.status.foundBySweep === index + 1);
    }
    expect(watched.watch.status.degraded).toMatchObject([{ reason: 'events' }]);
    deaf.isDeaf = false;
    let turn = 4;
    await watched.until(() => {
      writeFileSync(path, `port=${(turn += 1)}`);
      return watched.watch.status.degraded.length === 0;
    });
  });

  it.concurrent('is found by the sweep when the queue of hints has overflowed', async (context) => {
    const limits = '/proc/sys/fs/inotify/max_queued_events';
    const limit = process.platform === 'linux' ? Number(readFileSync(limits, 'utf8')) : Infinity;
    if (limit > 100_000) context.skip(`the queue of hints holds ${limit}: too many to fill`);
    await using dir = await place();
    const path = dir.path('app.hcl');
    await writeFile(path, 'port=0');
    await writeFile(dir.path('other'), '');
    await writeFile(`${path}.next`, 'port=1');
    using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS });
    // All in one go: nobody empties the queue meanwhile.
    for (let moved = 0; moved < limit; moved += 2) {
      renameSync(dir.path('other'), dir.path('another'));
      renameSync(dir.path('another'), dir.path('other'));
    }
    renameSync(`${path}.next`, path);
    await watched.sees('port=1');
    await watched.until(() => watched.watch.status.foundBySweep === 1);
    expect(watched.watch.status.lastError).toBeNull();
    // The next one is told again.
    using byHint = await Watched.over({ files: path });
    await replaceFile(path, 'port=2');
    await byHint.sees('port=2');
  });

  it.concurrent.each(['ENOSPC', 'EMFILE', 'EPERM'])(
    'is found by the sweep when watching fails with %s',
    async (code) => {
      await using dir = await place();
      const path = dir.path('app.hcl');
      await writeFile(path, 'port=0');
      const disk: ConfigDisk = {
        ...systemDisk,
        watch: () => {
          throw Object.assign(new Error(`${code}: refused`), { code });
        },
      };
      using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS, disk });
      expect(watched.watch.status).toMatchObject({ places: 0, degraded: [{ reason: 'limits' }] });
      expect(watched.watch.status.errors).toBeGreaterThan(0);
      expect(watched.watch.status.lastError).toMatch(new RegExp(`sweep only.*${code}`));
      await replaceFile(path, 'port=1');
      await watched.sees('port=1');
    },
  );

  it.concurrent(
    'is found after the system ended a watch by itself, and the watch is made again',
    async () => {
      await using dir = await place();
      const path = dir.path('app.hcl');
      await writeFile(path, 'port=0');
      const breaks: ((error: Error) => void)[] = [];
      const disk: ConfigDisk = {
        ...systemDisk,
        watch: (at, onHint, onError) => {
          breaks.push(onError);
          return systemDisk.watch(at, onHint, onError);
        },
      };
      using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS, disk });
      const { places } = watched.watch.status;
      for (const fail of breaks) fail(Object.assign(new Error('EIO: gone'), { code: 'EIO' }));
      await watched.until(() => watched.watch.status.degraded.length > 0);
      await replaceFile(path, 'port=1');
      await watched.sees('port=1');
      await watched.until(() => watched.watch.status.places === places);
      expect(watched.watch.status.degraded).toEqual([]);
    },
  );
});

describe('what the configuration refers to', () => {
  it.concurrent('is watched from the moment it was read, until it is no longer referred to', async () => {
    await using dir = await place();
    const path = dir.path('app.hcl');
    const [greeting, cert] = [dir.path('greeting.txt'), dir.path('certs', 'ca.pem')];
    await writeFile(path, LONG);
    await writeFile(greeting, 'hello');
    using watched = await Watched.over({ files: path });
    const dependencies = () => watched.told.filter((type) => type === 'dependencies.changed').length;
    watched.watch.depend([
      { path: greeting, sha: fileSha(Buffer.from('hello')) },
      { path: cert, sha: null },
    ]);
    await watched.hasLooked();
    expect(dependencies()).toBe(0);
    await replaceFile(greeting, 'howdy');
    await watched.until(() => dependencies() === 1);
    await writeDeep(`${cert}.new`, 'trust');
    await rename(`${cert}.new`, cert);
    await watched.until(() => dependencies() === 2);
    // It changed between being read and being watched.
    watched.watch.depend([{ path: cert, sha: fileSha(Buffer.from('older')) }]);
    await watched.until(() => dependencies() === 3);
    // Not read yet: what is there now is what changes are told of against.
    watched.watch.depend([{ path: cert }, { path: greeting }]);
    await watched.hasLooked();
    expect(dependencies()).toBe(3);
    await replaceFile(greeting, 'hello');
    await watched.until(() => dependencies() === 4);
    watched.watch.depend([]);
    await watched.hasLooked();
    await replaceFile(greeting, 'bye');
    await watched.hasLooked();
    expect(watched.told).toEqual(['file.changed', ...Array<string>(4).fill('dependencies.changed')]);
  });
});
