import { type BigIntStats, constants, watch } from 'node:fs';
import { lstat, open, readdir, readFile, readlink } from 'node:fs/promises';
import { type ConfigDisk, type DiskEntry, errorCodeOf } from './source-disk.ts';

/** The real disk. */

function entryOf(stats: BigIntStats): DiskEntry {
  const kinds = [
    stats.isFile() && 'file',
    stats.isDirectory() && 'directory',
    stats.isSymbolicLink() && 'link',
  ] as const;
  return {
    kind: kinds.find((kind) => kind !== false) ?? 'other',
    device: stats.dev,
    inode: stats.ino,
    sizeBytes: Number(stats.size),
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
    bornNs: stats.birthtimeNs,
    links: Number(stats.nlink),
  };
}

/** Null for what is not there. ENOTDIR: a directory of the path is a file now. */
async function unlessMissing<T>(asked: Promise<T>, ...more: readonly string[]): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', ...more].includes(errorCodeOf(error))) return null;
    throw error;
  }
}

// Neither follows a link that took the file's place, nor waits for the writer of a pipe. Windows has neither.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The file system of this host. */
export const systemDisk: ConfigDisk = {
  async entry(path) {
    const stats = await unlessMissing(lstat(path, { bigint: true }));
    return stats && entryOf(stats);
  },

  // EINVAL: it is something else by now.
  link: (path) => unlessMissing(readlink(path), 'EINVAL'),

  names: (directory) => unlessMissing(readdir(directory)),

  async content(path, maxBytes) {
    // ELOOP: a link by now, so the file that was looked at is gone.
    const file = await unlessMissing(open(path, READ_FLAGS), 'ELOOP');
    if (file === null) return null;
    await using _ = file;
    const before = entryOf(await file.stat({ bigint: true }));
    if (before.kind !== 'file' || before.sizeBytes > maxBytes) return { before, after: before, bytes: null };
    // One more than there should be, to notice what was appended meanwhile.
    const buffer = Buffer.alloc(before.sizeBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const after = entryOf(await file.stat({ bigint: true }));
    return { before, after, bytes: buffer.subarray(0, length) };
  },

  watch(path, onHint, onError) {
    const watcher = watch(path, { persistent: false }, (kind, name) => onHint({ kind, name }));
    watcher.on('error', onError);
    return () => watcher.close();
  },

  async mountinfo() {
    try {
      return await readFile('/proc/self/mountinfo', 'utf8');
    } catch {
      return '';
    }
  },
};
