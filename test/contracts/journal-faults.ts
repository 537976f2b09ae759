/** Disks that fail: a small file system that fills up, a lock that another program keeps. */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { durablePlace, scratch, type DurableKind, type DurablePlace } from './journal-places.ts';
import type { DiskFault } from './journal-durable.contract.ts';

const SIZE_BYTES = 24 * 1024 * 1024;

/** A disk without room: a tmpfs, filled to the last byte by another file. */
export function fullDisk(kind: DurableKind): DiskFault {
  const filler = (place: DurablePlace): string => join(place.path, '..', 'filler');
  return {
    name: 'a full disk',
    impossible: mountRefused(),
    async place() {
      const directory = scratch();
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', directory.path]);
      return {
        ...durablePlace(kind, directory.path),
        [Symbol.asyncDispose]: async () => {
          execFileSync('umount', ['-l', directory.path]);
          directory[Symbol.dispose]();
        },
      };
    },
    async begin(place) {
      const { bavail, bsize } = statfsSync(join(place.path, '..'));
      writeFileSync(filler(place), Buffer.alloc(bavail * bsize));
    },
    async end(place) {
      rmSync(filler(place), { force: true });
    },
  };
}

function mountRefused(): string | null {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  using directory = scratch();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory.path], { stdio: 'ignore' });
    execFileSync('umount', [directory.path]);
    return null;
  } catch {
    return 'mounting a small file system is not allowed here';
  }
}

/** A program that has opened the database and does not let go of its lock: the worker waits inside SQLite. */
export function heldLock(): DiskFault {
  let holder: DatabaseSync | null = null;
  return {
    name: 'a lock that another program keeps',
    impossible: null,
    async place() {
      return durablePlace('sqlite');
    },
    async begin(place) {
      holder = new DatabaseSync(place.path, { timeout: 5000 });
      holder.exec('BEGIN EXCLUSIVE');
    },
    async end() {
      holder?.exec('ROLLBACK');
      holder?.close();
      holder = null;
    },
  };
}
