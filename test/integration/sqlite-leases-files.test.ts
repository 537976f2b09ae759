import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkLeasePath, networkFileSystem, realFileSystem } from '../../src/lease/sqlite-file-system.ts';
import { mountTypeOf } from '../../src/mount-table.ts';
import { sqliteJournal, sqliteLeases } from '../../src/sqlite.ts';
import { Candidate } from '../contracts/lease-store-fixture.ts';

async function directory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'conclave-leases-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Opens and asks once, whichever of the two refuses. */
async function tryToUse(path: string): Promise<unknown> {
  try {
    await using store = sqliteLeases({ path });
    return await new Candidate('a', store, 1000).acquire();
  } catch (error) {
    return error;
  }
}

describe('sqlite leases: what cannot hold leases is refused, and left as it is', () => {
  it.each([
    ['three bytes', 'abc'],
    ['a text', 'lease = 15s\n'.repeat(1000)],
    ['a picture', Buffer.from('89504e470d0a1a0a', 'hex')],
  ])('a file that is no database: %s', async (_, content) => {
    await using dir = await directory();
    const path = join(dir.path, 'leases.db');
    await writeFile(path, content);
    expect(await tryToUse(path)).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    expect(await readFile(path)).toEqual(Buffer.from(content));
  });

  it('a database of another program', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'other.db');
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE customers (name TEXT)');
    other.close();
    const before = await readFile(path);
    expect(await tryToUse(path)).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    expect(await readFile(path)).toEqual(before);
  });

  it('a journal of ours', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'journal.db');
    const journal = sqliteJournal({ path });
    await journal.streams();
    await journal.close();
    expect(await tryToUse(path)).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
  });

  it('a file of a later version', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'leases.db');
    await tryToUse(path);
    const later = new DatabaseSync(path);
    later.exec('PRAGMA user_version = 99');
    later.close();
    const error = await tryToUse(path);
    expect(error).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    expect(String(error)).toMatch(/later version \(tables 99; this one knows 1\)/);
  });

  it('a directory, and a way of which more than the last directory is missing', async () => {
    await using dir = await directory();
    expect(await tryToUse(dir.path)).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    expect(await tryToUse(join(dir.path, '.conclave', 'leases.db'))).toMatchObject({ kind: 'won' });
    const missing = await tryToUse(join(dir.path, 'no', 'such', 'leases.db'));
    expect(missing).toMatchObject({ code: 'DIRECTORY_UNWRITABLE' });
    expect(() => sqliteLeases({ path: '' })).toThrow(/path is empty/);
  });

  it('a directory or a file that this user may not write', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can become a user without rights here');
    await using dir = await directory();
    await chmod(dir.path, 0o755);
    const theirs = join(dir.path, 'theirs');
    await mkdir(theirs);
    await chown(theirs, 65534, 65534);
    const readOnly = join(theirs, 'leases.db');
    await tryToUse(readOnly);
    await chmod(readOnly, 0o444);
    const checker = new URL('../../src/lease/sqlite-file-system.ts', import.meta.url);
    for (const path of [join(dir.path, 'leases.db'), readOnly]) {
      const child = spawn(
        process.execPath,
        [
          '--input-type=module',
          '--eval',
          // Imported as root: the other user may not be allowed to read where the project lies.
          `const { checkLeasePath, realFileSystem } = await import(${JSON.stringify(checker.href)});
           process.setgid(65534); process.setuid(65534);
           try { checkLeasePath(${JSON.stringify(path)}, realFileSystem); } catch (error) { console.log(error.code); }`,
        ],
        { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
      );
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (said += text.toString()));
      await once(child, 'close');
      expect(said.trim()).toBe('DIRECTORY_UNWRITABLE');
    }
  });

  it('an empty file becomes one of leases; that is what touch makes', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'leases.db');
    await writeFile(path, '');
    expect(await tryToUse(path)).toMatchObject({ kind: 'won' });
    expect((await stat(path)).size).toBeGreaterThan(0);
  });

  it('a file that becomes unusable makes calls fail, and they work again when it is usable', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'leases.db');
    await using store = sqliteLeases({ path });
    const a = new Candidate('a', store, 1000);
    const token = await a.win();
    await rm(path);
    await mkdir(path);
    await expect(a.renew(token, 1)).rejects.toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    await rm(path, { recursive: true });
    expect(await a.renew(token, 2)).toEqual({ kind: 'renewed', restored: true });
  });
});

const mountinfo = [
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '40 27 0:50 / /mnt/shared rw,relatime shared:7 master:2 - virtiofs myfs rw',
  '41 27 0:51 / /mnt/with\\040space rw - fuse.sshfs host:/ rw',
  '42 27 0:52 / /mnt/local rw - fuse.fuse-overlayfs overlay rw',
  '43 27 0:53 / /mnt/twice rw - ext4 /dev/vdb rw',
  '44 43 0:54 / /mnt/twice rw - nfs4 host:/ rw',
].join('\n');

describe('sqlite leases: network file systems', () => {
  it.each([
    ['/mnt/shared/app', 'virtiofs'],
    ['/mnt/with space', 'fuse.sshfs'],
    ['/mnt/twice/a', 'nfs4'],
    ['/mnt/sharedness', 'ext4'],
    ['/', 'ext4'],
  ])('the mount table tells what %s is on', (path, type) => {
    expect(mountTypeOf(path, mountinfo)).toBe(type);
  });

  it.each([
    ['nfs', 0x6969, '/data', 'nfs'],
    ['cifs, as a negative number', 0xff534d42 | 0, '/data', 'cifs'],
    ['9p', 0x01021997, '/data', '9p'],
    ['virtiofs, which calls itself FUSE', 0x65735546, '/mnt/shared/app', 'virtiofs'],
    ['sshfs', 0x65735546, '/mnt/with space/x', 'fuse.sshfs'],
    ['an overlay in user space', 0x65735546, '/mnt/local/x', null],
    ['FUSE, and no mount table', 0x65735546, '/nowhere', 'ext4'],
    ['ext4', 0xef53, '/data', null],
    ['tmpfs', 0x01021994, '/tmp', null],
    ['overlay', 0x794c7630, '/', null],
  ])('%s', (_, type, path, expected) => {
    expect(networkFileSystem(path, { type, mountinfo })).toBe(expected);
  });

  it('FUSE is refused where nothing tells what it is', () => {
    expect(networkFileSystem('/data', { type: 0x65735546, mountinfo: '' })).toBe('fuse');
  });

  it('the refusal names the path, the file system and the cure', async () => {
    await using dir = await directory();
    const path = join(dir.path, 'leases.db');
    const refuse = () => checkLeasePath(path, () => ({ type: 0x6969, mountinfo: '' }));
    expect(refuse).toThrow(expect.objectContaining({ code: 'STORE_ON_NETWORK_FS' }));
    expect(refuse).toThrow(
      new RegExp(`^${path} is on a network file system \\(nfs\\).*local disk, or use Redis`),
    );
  });

  it('what this machine has for temporary files is none', () => {
    expect(networkFileSystem(tmpdir(), realFileSystem(tmpdir()))).toBeNull();
  });
});
