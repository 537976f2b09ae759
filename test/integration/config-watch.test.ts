/** Each way to change a file, by hints alone: no sweep comes while these run. */
import { execFile } from 'node:child_process';
import {
  copyFile,
  link,
  mkdir,
  open,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  place,
  replaceFile,
  replaceLink,
  swapVolume,
  textOf,
  Watched,
  writeDeep,
} from './config-watch-place.ts';
import { fileSource } from '../../src/config/source-files.ts';
import { systemDisk } from '../../src/config/source-system-disk.ts';

const run = promisify(execFile);

/** Lets time pass where a slow writer would: no test waits for anything in this way. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How somebody gives the file at `path` another content of the same length. */
const ways: Readonly<Record<string, (path: string, text: string) => Promise<unknown>>> = {
  'writing into it': (path, text) => writeFile(path, text),
  'writing slowly, piece by piece': async (path, text) => {
    await using file = await open(path, 'w');
    for (const letter of text) {
      await file.write(letter);
      await pause(15);
    }
  },
  'renaming another over it': replaceFile,
  'an editor that moves it to a backup and writes a new one': async (path, text) => {
    await writeFile(`${dirname(path)}/4913`, '');
    await unlink(`${dirname(path)}/4913`);
    await rename(path, `${path}~`);
    await writeFile(path, text);
    await unlink(`${path}~`);
  },
  'an editor that copies a backup and writes into it': async (path, text) => {
    await copyFile(path, `${path}~`);
    await writeFile(path, text);
  },
  'sed -i': (path, text) => run('sed', ['-i', `s/.*/${text}/`, path]),
  'deleting and recreating it': async (path, text) => {
    await unlink(path);
    await pause(30);
    await writeFile(path, text);
  },
  'removing and recreating its directory': async (path, text) => {
    await rm(dirname(path), { recursive: true });
    await pause(30);
    await writeDeep(path, text);
  },
  'removing and recreating its directory and the one above': async (path, text) => {
    await rm(dirname(dirname(path)), { recursive: true });
    await writeDeep(path, text);
  },
  'another directory in the place of its own': async (path, text) => {
    await writeDeep(`${dirname(path)}.new/app.hcl`, text);
    await rename(dirname(path), `${dirname(path)}.old`);
    await rename(`${dirname(path)}.new`, dirname(path));
    await rm(`${dirname(path)}.old`, { recursive: true });
  },
  'another directory in the place of the one above': async (path, text) => {
    const above = dirname(dirname(path));
    await writeDeep(`${above}.new/conf/app.hcl`, text);
    // What was there is left as it was: nothing happens in it.
    await rename(above, `${above}.${text.trim()}`);
    await rename(`${above}.new`, above);
  },
  'another hard link in its place': async (path, text) => {
    await writeFile(`${path}.source`, text);
    await run('ln', ['-f', `${path}.source`, path]);
    await unlink(`${path}.source`);
  },
  'the same size and the old modification time': async (path, text) => {
    const { atime, mtime } = await stat(path);
    await writeFile(path, text);
    await utimes(path, atime, mtime);
  },
  'a symbolic link in its place': async (path, text) => {
    const target = `${path}.${text.trim()}`;
    await writeFile(target, text);
    await replaceLink(path, target);
  },
};

describe('a change is noticed, three times in a row, when it is made by', () => {
  it.concurrent.each(Object.keys(ways))('%s', async (way) => {
    await using dir = await place();
    const path = dir.path('upper', 'conf', 'app.hcl');
    await writeDeep(path, 'port=0\n');
    using watched = await Watched.over({ files: path });
    await watched.sees('port=0\n');
    for (const text of ['port=1\n', 'port=2\n', 'port=3\n']) {
      await ways[way]?.(path, way === 'sed -i' ? text.trim() : text);
      await watched.sees(text);
    }
    // Nothing else than a change was ever told, and no sweep helped.
    expect(new Set(watched.told)).toEqual(new Set(['file.changed']));
    expect(watched.watch.status).toMatchObject({
      sweeps: 0,
      foundBySweep: 0,
      errors: 0,
      degraded: [],
      holding: null,
    });
  });

  it.concurrent('swapping the directory behind ..data, as Kubernetes does', async () => {
    await using dir = await place();
    await swapVolume(dir.path(), 'v0', { 'a.yaml': 'a0', 'b.yaml': 'b0' });
    using byName = await Watched.over({ files: [dir.path('b.yaml'), dir.path('a.yaml')] });
    using whole = await Watched.over({ directory: dir.path(), extensions: ['.yaml'] });
    for (const version of [1, 2, 3]) {
      await swapVolume(dir.path(), `v${version}`, { 'a.yaml': `a${version}`, 'b.yaml': `b${version}` });
      await byName.sees(`a${version}|b${version}`);
      await whole.sees(`a${version}|b${version}`);
      await rm(dir.path(`..v${version - 1}`), { recursive: true });
    }
    expect(byName.watch.status.sweeps + whole.watch.status.sweeps).toBe(0);
  });

  it.concurrent('writing to what lies behind two links in other directories', async () => {
    await using dir = await place();
    await writeDeep(dir.path('real', 'app.hcl'), 'port=0\n');
    await writeDeep(dir.path('other', 'app.hcl'), 'port=2\n');
    await symlink('../real', await made(dir.path('links', 'current')));
    await symlink('../links/current/app.hcl', await made(dir.path('conf', 'app.hcl')));
    using watched = await Watched.over({ files: dir.path('conf', 'app.hcl') });
    await writeFile(dir.path('real', 'app.hcl'), 'port=1\n');
    await watched.sees('port=1\n');
    await replaceLink(dir.path('links', 'current'), '../other');
    await watched.sees('port=2\n');
    await replaceFile(dir.path('other', 'app.hcl'), 'port=3\n');
    await watched.sees('port=3\n');
    expect(watched.watch.status.sweeps).toBe(0);
  });

  it.concurrent('adding, changing and renaming files of a directory', async () => {
    await using dir = await place();
    await writeDeep(dir.path('b.yaml'), 'b');
    using watched = await Watched.over({ directory: dir.path() });
    using some = await Watched.over({ directory: dir.path(), extensions: ['.yaml'] });
    await writeFile(dir.path('a.yaml'), 'a');
    await watched.sees('a|b');
    await writeFile(dir.path('b.yaml'), 'B');
    await watched.sees('a|B');
    await writeFile(dir.path('.a.yaml.swp'), 'editing');
    await writeFile(dir.path('a.yaml~'), 'backup');
    await watched.hasLooked();
    expect(watched.read.at(-1)).toBe('a|B');
    await writeFile(dir.path('notes.txt'), 'notes');
    await watched.sees('a|B|notes');
    await some.hasLooked();
    expect(some.read.at(-1)).toBe('a|B');
  });

  it.concurrent('making the file that was missing, and the directories it lies in', async () => {
    await using dir = await place();
    using watched = await Watched.over({ files: dir.path('upper', 'conf', 'app.hcl') });
    await watched.sees('CONFIG_MISSING');
    expect(watched.told).toEqual(['file.missing']);
    await writeDeep(dir.path('upper', 'conf', 'app.hcl'), 'port=1\n');
    await watched.sees('port=1\n');
    expect(watched.watch.status.sweeps).toBe(0);
  });
});

/** A path whose directory is there. */
async function made(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  return path;
}

describe('nothing is told when the bytes stay the same, after', () => {
  const idle: typeof ways = {
    'touching it': (path) => utimes(path, new Date(), new Date()),
    'writing the same': (path) => writeFile(path, 'port=0\n'),
    'renaming an equal one over it': (path) => replaceFile(path, 'port=0\n'),
    'deleting it and writing the same': async (path) => {
      await unlink(path);
      await writeFile(path, 'port=0\n');
    },
    'another name for it': (path) => link(path, `${path}.also`),
  };
  it.concurrent.each(Object.keys(idle))('%s', async (way) => {
    await using dir = await place();
    const path = dir.path('conf', 'app.hcl');
    await writeDeep(path, 'port=0\n');
    const known = await fileSource(systemDisk, { files: path }).read();
    using watched = await Watched.over({ files: path }, { known: known.kind === 'read' ? known.sha : '' });
    await idle[way]?.(path, '');
    await watched.hasLooked();
    expect(watched.told).toEqual([]);
    expect(watched.watch.status.unchanged).toBeGreaterThan(0);
    // It is not deaf.
    await writeFile(path, 'port=1\n');
    await watched.sees('port=1\n');
    expect(watched.told.length).toBeGreaterThan(0);
    expect(textOf(await watched.watch.read())).toBe('port=1\n');
  });
});
