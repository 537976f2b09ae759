/** A set of files is read whole, or refused; never a mixture. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fileSha, setSha } from '../../src/config/fingerprint.ts';
import { CONFIG_FILE_BYTES_MAX, READ_TRIES_MAX, type SourceReading } from '../../src/config/source.ts';
import type { ConfigDisk } from '../../src/config/source-disk.ts';
import { fileSource } from '../../src/config/source-files.ts';
import { systemDisk } from '../../src/config/source-system-disk.ts';
import { place, replaceLink, swapVolume, textOf, Watched, writeDeep } from './config-watch-place.ts';

const WRITER = fileURLToPath(new URL('config-watch-writer.ts', import.meta.url));
const NAMES = ['a.yaml', 'b.yaml', 'c.yaml'];

/** A process that swaps the volume all the time; ended with the test. */
async function writer(
  directory: string,
  kept: number,
): Promise<{ readonly child: ChildProcess } & AsyncDisposable> {
  const child = spawn(process.execPath, [WRITER, directory, String(kept)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    child,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}

describe('a set of files', () => {
  it.each([0, 100])(
    'is only ever read whole, while another process swaps its directory in a loop and leaves %d',
    async (kept) => {
      await using dir = await place();
      await using _ = await writer(dir.path(), kept);
      const byName = fileSource(systemDisk, { files: NAMES.map((name) => dir.path(name)) });
      const whole = fileSource(systemDisk, { directory: dir.path(), extensions: ['.yaml'] });
      using watched = await Watched.over({ directory: dir.path(), extensions: ['.yaml'] });
      const versions = new Set<string>();
      const readings = { read: 0, missing: 0, refused: 0 };
      // Facts, not time: until this many different versions were read.
      while (versions.size < (kept === 0 ? 30 : 100)) {
        for (const source of [byName, whole]) {
          const reading = await source.read();
          readings[reading.kind] += 1;
          if (reading.kind !== 'read') {
            expect(textOf(reading)).toBe('CONFIG_UNSETTLED');
            continue;
          }
          const [first, ...more] = reading.files.map(({ bytes }) => Buffer.from(bytes).toString());
          expect(more).toEqual([first, first]);
          versions.add(first ?? '');
        }
      }
      expect(readings.missing).toBe(0);
      await watched.until(() => watched.read.length > 3);
      for (const text of watched.read.filter((each) => each !== 'CONFIG_UNSETTLED'))
        expect(new Set(text.split('|')).size).toBe(1);
    },
  );

  it('is read again when a file joins it meanwhile', async () => {
    await using dir = await place();
    await writeFile(dir.path('b.yaml'), 'b');
    let joined = false;
    const disk: ConfigDisk = {
      ...systemDisk,
      async content(...asked) {
        if (!joined) await writeFile(dir.path('a.yaml'), 'a');
        joined = true;
        return systemDisk.content(...asked);
      },
    };
    expect(textOf(await fileSource(disk, { directory: dir.path() }).read())).toBe('a|b');
  });

  it('behind ..data is what lies there, whatever links to it are not there yet, or still', async () => {
    await using dir = await place();
    await swapVolume(dir.path(), 'v1', { 'a.yaml': 'a1', 'b.yaml': 'b1' });
    await writeDeep(dir.path('..v2', 'a.yaml'), 'a2');
    await writeDeep(dir.path('..v2', 'c.yaml'), 'c2');
    await replaceLink(dir.path('..data'), '..v2');
    const reading = await fileSource(systemDisk, { directory: dir.path() }).read();
    expect(textOf(reading)).toBe('a2|c2');
    expect(reading).toMatchObject({ realDirectory: dir.path('..v2') });
  });

  it('that changes during each try is refused, and may be tried again', async () => {
    await using dir = await place();
    const path = dir.path('app.hcl');
    await writeFile(path, 'a');
    let tries = 0;
    const disk: ConfigDisk = {
      ...systemDisk,
      async content(...asked) {
        const content = await systemDisk.content(...asked);
        tries += 1;
        await writeFile(path, 'a'.repeat(tries));
        return content;
      },
    };
    const reading = await fileSource(disk, { files: path }).read();
    expect(reading).toMatchObject({ kind: 'refused', transient: true });
    expect([textOf(reading), tries]).toEqual(['CONFIG_UNSETTLED', READ_TRIES_MAX]);
  });

  it('is known by names and bytes, wherever it lies and whatever it is reached by; one file by its bytes alone', async () => {
    await using dir = await place();
    await swapVolume(dir.path('one'), 'v1', { 'a.yaml': 'a', 'b.yaml': 'b' });
    for (const name of ['a.yaml', 'b.yaml']) {
      await mkdir(dir.path('two', 'deep'), { recursive: true });
      await writeFile(dir.path('two', 'deep', name), name.slice(0, 1));
    }
    const shaOf = (reading: SourceReading) => (reading.kind === 'read' ? reading.sha : textOf(reading));
    const expected = setSha([
      { name: 'b.yaml', bytes: Buffer.from('b') },
      { name: 'a.yaml', bytes: Buffer.from('a') },
    ]);
    for (const options of [
      { directory: dir.path('one') },
      { directory: dir.path('two', 'deep') },
      { files: [dir.path('one', 'b.yaml'), dir.path('one', 'a.yaml')] },
      { files: [dir.path('two', 'deep', 'a.yaml'), dir.path('two', 'deep', 'b.yaml')] },
    ])
      expect(shaOf(await fileSource(systemDisk, options).read())).toBe(expected);
    const one = dir.path('one', 'a.yaml');
    expect(shaOf(await fileSource(systemDisk, { files: one }).read())).toBe(fileSha(Buffer.from('a')));
    expect(execFileSync('sha256sum', [one], { encoding: 'utf8' })).toContain(fileSha(Buffer.from('a')));
  });
});

describe('what cannot be read says what, where, and what to do', () => {
  it('missing, no file, a loop, too large, no right, and nothing in a directory', async () => {
    await using dir = await place();
    const at = (name: string) => dir.path(name);
    await mkdir(at('directory'));
    await writeFile(at('file'), 'x');
    await symlink('loop', at('loop'));
    await symlink('nowhere', at('dangling'));
    execFileSync('mkfifo', [at('pipe')]);
    await writeFile(at('limit'), '');
    await truncate(at('limit'), CONFIG_FILE_BYTES_MAX);
    await writeFile(at('large'), '');
    await truncate(at('large'), CONFIG_FILE_BYTES_MAX + 1);
    const denied: ConfigDisk = {
      ...systemDisk,
      content: () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })),
    };
    const read = (files: string | readonly string[], disk = systemDisk) => fileSource(disk, { files }).read();
    const said = async (asked: Promise<SourceReading>) => {
      const reading = await asked;
      if (reading.kind === 'read') return reading.kind;
      const [{ code, message, file }] = reading.diagnostics;
      expect(file).toMatch(dir.path());
      expect(message).toContain(file);
      return `${reading.kind} ${code}${reading.transient ? ' (transient)' : ''}`;
    };
    expect({
      none: await said(read(at('none'))),
      'below a file': await said(read(at('file/below'))),
      dangling: await said(read(at('dangling'))),
      'one of two': await said(read([at('file'), at('none')])),
      directory: await said(read(at('directory'))),
      pipe: await said(read(at('pipe'))),
      loop: await said(read(at('loop'))),
      limit: await said(read(at('limit'))),
      large: await said(read(at('large'))),
      'no right': await said(read(at('file'), denied)),
      'no right and missing': await said(read([at('directory'), at('none')])),
      'nothing there': await said(fileSource(systemDisk, { directory: at('directory') }).read()),
      'not a directory': await said(fileSource(systemDisk, { directory: at('file') }).read()),
      'no directory': await said(fileSource(systemDisk, { directory: at('none') }).read()),
    }).toEqual({
      none: 'missing CONFIG_MISSING',
      'below a file': 'missing CONFIG_MISSING',
      dangling: 'missing CONFIG_MISSING',
      'one of two': 'missing CONFIG_MISSING',
      directory: 'refused CONFIG_NOT_A_FILE',
      pipe: 'refused CONFIG_NOT_A_FILE',
      loop: 'refused CONFIG_LINK_LOOP',
      limit: 'read',
      large: 'refused CONFIG_TOO_LARGE',
      'no right': 'refused CONFIG_UNREADABLE',
      'no right and missing': 'refused CONFIG_NOT_A_FILE',
      'nothing there': 'missing CONFIG_MISSING',
      'not a directory': 'refused CONFIG_NOT_A_FILE',
      'no directory': 'missing CONFIG_MISSING',
    });
  });

  it.each([
    [{}, /either files or a directory/],
    [{ files: 'a', directory: 'b' }, /either files or a directory/],
    [{ files: '' }, /path to read is empty/],
    [{ files: [] }, /from 1 to 100 files, not 0/],
    [{ files: Array.from({ length: 101 }, (_, index) => `${index}`) }, /from 1 to 100 files, not 101/],
    [{ directory: 'conf', extensions: ['YAML'] }, /"YAML" must be in lower case and begin with a dot/],
  ])('settings that say nothing clear: %j', (options, message) => {
    expect(() => fileSource(systemDisk, options)).toThrow(message);
    expect(() => fileSource(systemDisk, options)).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }) as Error,
    );
  });
});
