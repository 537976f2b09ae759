/** Files that are mounts of their own, in a private mount namespace; and what the table of mounts tells. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { pinnedFile, remoteFileSystem } from '../../src/config/mounts.ts';
import { systemDisk } from '../../src/config/source-system-disk.ts';
import { place, replaceFile, writeDeep } from './config-watch-place.ts';

const PROGRAM = fileURLToPath(new URL('config-watch-mounted.ts', import.meta.url));
const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0;

interface Line {
  readonly read: string | null;
  readonly degraded: readonly { readonly reason: string; readonly message: string }[];
}

/** A watching process that sees `source` mounted at `target`; what it says, newest last. */
function mounted(source: string, target: string): { readonly said: Line[] } & AsyncDisposable {
  const script = 'mount --bind "$1" "$2" && exec "$3" "$4" "$5"';
  const file = source.endsWith('/') ? `${target}/app.hcl` : target;
  const args = ['-m', 'sh', '-c', script, 'sh', source, target, process.execPath, PROGRAM, file];
  const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const said: Line[] = [];
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Line));
  return {
    said,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}

const soon = { timeout: 20_000, interval: 10 };

describe('a mounted configuration', () => {
  it('in a file mounted by itself is read as long as it changes, and reported as pinned with the cure', async (context) => {
    if (!mayMount) context.skip('mounting needs root here');
    await using dir = await place();
    const [source, target] = [dir.path('host', 'app.hcl'), dir.path('pod', 'app.hcl')];
    await writeDeep(source, 'port=0');
    await writeDeep(target, '');
    await using pod = mounted(source, target);
    await vi.waitFor(() => expect(pod.said.at(-1)?.read).toBe('port=0'), soon);
    expect(pod.said.at(-1)?.degraded).toMatchObject([
      {
        reason: 'pinned',
        message: expect.stringMatching(/mount of its own.*Mount the directory instead/) as string,
      },
    ]);
    await writeFile(source, 'port=1');
    await vi.waitFor(() => expect(pod.said.at(-1)?.read).toBe('port=1'), soon);
    await replaceFile(source, 'port=2');
    await vi.waitFor(
      () =>
        expect(pod.said.at(-1)?.degraded[0]?.message).toMatch(/replaced on the host. It will never change/),
      soon,
    );
    expect(pod.said.at(-1)?.read).toBe('port=1');
  });

  it('in a mounted directory changes as any other', async (context) => {
    if (!mayMount) context.skip('mounting needs root here');
    await using dir = await place();
    await writeDeep(dir.path('host', 'app.hcl'), 'port=0');
    await writeDeep(dir.path('pod', 'unseen'), '');
    await using pod = mounted(dir.path('host/'), dir.path('pod'));
    await vi.waitFor(() => expect(pod.said.at(-1)?.read).toBe('port=0'), soon);
    await replaceFile(dir.path('host', 'app.hcl'), 'port=1');
    await vi.waitFor(() => expect(pod.said.at(-1)?.read).toBe('port=1'), soon);
    expect(pod.said.flatMap(({ degraded }) => degraded)).toEqual([]);
  });
});

describe('the table of mounts', () => {
  const table = [
    '21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 21 0:40 / /mnt/share\\040one rw shared:2 master:3 - nfs4 server:/export rw',
    '31 21 0:41 / /mnt/sshfs rw - fuse.sshfs me@host: rw',
    '32 30 8:1 /conf /mnt/share\\040one/local rw - ext4 /dev/sda1 rw',
    '33 21 0:42 / /mnt/over rw - nfs4 server:/other rw',
    '34 21 8:1 /x /mnt/over rw - ext4 /dev/sda1 rw',
    '',
  ].join('\n');

  it.each([
    ['/etc/app.hcl', null],
    ['/mnt/share one/app.hcl', 'nfs4'],
    ['/mnt/share one/local/app.hcl', null],
    ['/mnt/share onerous/app.hcl', null],
    ['/mnt/sshfs/app.hcl', 'fuse.sshfs'],
    ['/mnt/over/app.hcl', null],
  ])('says of %s that its file system is %s', (path, type) => {
    expect(remoteFileSystem(path, table)).toBe(type);
    expect(remoteFileSystem(path, '')).toBeNull();
  });

  it('of this host says that its temporary files are no mounts of their own', async () => {
    await using dir = await place();
    await writeFile(dir.path('app.hcl'), '');
    const entry = await systemDisk.entry(dir.path('app.hcl'));
    const file = { name: 'app.hcl', path: dir.path('app.hcl'), realPath: dir.path('app.hcl'), entry: entry! };
    expect(pinnedFile([file], await systemDisk.mountinfo())).toBeNull();
    expect(pinnedFile([{ ...file, entry: { ...file.entry, links: 0 } }], '')).toMatchObject({
      replaced: true,
    });
  });
});
