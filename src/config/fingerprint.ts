import { createHash } from 'node:crypto';
import type { ConfigFile } from './source.ts';
import type { DiskEntry } from './source-disk.ts';

/**
 * How a change is noticed, and what a configuration is known by.
 *
 * The fingerprint of a file (device, inode, size, both times) says cheaply that it *may* have changed. It includes the
 * change time, which nobody can set back, so a rewrite with the same size and the old modification time shows. The
 * SHA-256 of the bytes says whether it did: it is the identity, and a touch, a copy or a move does not alter it.
 */

/**
 * Two writes within one tick of a file system's clock leave the same times. A file changed more recently than this
 * may have been written once more since, so its fingerprint is not believed yet. FAT counts in steps of two seconds.
 */
export const TIMES_SETTLE_MS = 2000;

/** Equal as long as a file is the same and untouched. */
export function fingerprintOf(entry: DiskEntry): string {
  const { device, inode, sizeBytes, modifiedNs, changedNs } = entry;
  return `${entry.kind}:${device}:${inode}:${sizeBytes}:${modifiedNs}:${changedNs}`;
}

/** Equal as long as a directory is the same one, whatever is made in it. Numbers of inodes are used again. */
export function directoryIdentity({ device, inode, bornNs }: DiskEntry): string {
  return `${device}:${inode}:${bornNs}`;
}

/** When content or attributes last changed, in milliseconds since the epoch. */
export function changedAtMs({ modifiedNs, changedNs }: DiskEntry): number {
  return Number((modifiedNs > changedNs ? modifiedNs : changedNs) / 1_000_000n);
}

/**
 * SHA-256 of one file, as `sha256sum` prints it: members keep the same file under different names.
 *
 * @example
 * fileSha(Buffer.from('port = 1\n')); // 'f45d…', 64 digits
 */
export function fileSha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 of several files that belong together: of name, NUL, length, NUL and bytes of each, sorted by name. */
export function setSha(files: readonly Pick<ConfigFile, 'name' | 'bytes'>[]): string {
  const hash = createHash('sha256');
  const inOrder = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, bytes } of inOrder) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
