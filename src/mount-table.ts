/**
 * Which file systems are shared with other hosts, and which one holds a path. Such a file system has writers that this
 * host's kernel does not notice, and locks that do not hold for all of them.
 */

/** Names as the table of mounts has them, and magic numbers as statfs(2) has them (linux/magic.h). */
const NETWORK: readonly (readonly [names: string, ...magic: number[]])[] = [
  ['nfs nfs4', 0x6969],
  ['smb smbfs', 0x517b],
  ['cifs', 0xff534d42],
  ['smb2 smb3', 0xfe534d42],
  ['9p', 0x01021997],
  ['afs', 0x5346414f, 0x6b414653],
  ['coda', 0x73757245],
  ['ceph', 0x00c36400],
  ['lustre', 0x0bd00bd0],
  ['gpfs', 0x47504653],
  ['panfs', 0xaad7aaea],
  ['gfs2', 0x01161970],
  ['ocfs2', 0x7461636f],
  ['vboxsf', 0x786f4256],
  // These have no number of their own, or that of FUSE.
  ['beegfs'],
  ['glusterfs'],
  ['vmhgfs'],
  ['prl_fs'],
  ['virtiofs'],
];

const names = new Set(NETWORK.flatMap(([each]) => each.split(' ')));
const byMagic = new Map(
  NETWORK.flatMap(([each, ...magic]) => magic.map((number) => [number, each.split(' ')[0] ?? each] as const)),
);

/** One number for all that goes through FUSE, virtiofs included; only the mount table tells them apart. */
export const FUSE_MAGIC = 0x65735546;
/** What of it is on a disk of this host and numbers its files as that disk does. */
const LOCAL_FUSE = /^(fuseblk|fuse\.fuse-overlayfs)$/;

/** Whether a file system of this type, as the mount table names it, has writers on other hosts. */
export function isNetworkType(type: string): boolean {
  return names.has(type) || (/^fuse(\.|blk$|$)/.test(type) && !LOCAL_FUSE.test(type));
}

/** Whether a type is one of FUSE that is on a disk of this host. Whatever else goes through FUSE may be anywhere. */
export function isLocalFuse(type: string): boolean {
  return LOCAL_FUSE.test(type);
}

/** The name of the network file system with this number of statfs(2); null: none, or one that FUSE_MAGIC hides. */
export function networkTypeOf(magic: number): string | null {
  return byMagic.get(magic) ?? null;
}

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)), as far as it matters here. */
export interface Mount {
  readonly point: string;
  readonly type: string;
}

/** The mounts that a table lists. Linux only: where there is no table, nothing is found. */
export function mountsOf(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    // Any number of optional fields ends with a dash; the type follows it.
    const type = fields[fields.indexOf('-', 6) + 1];
    const point = fields[4]?.replaceAll(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCodePoint(Number.parseInt(octal, 8)),
    );
    return point === undefined || type === undefined ? [] : [{ point, type }];
  });
}

/** The type of the mount that holds a path, behind all links; null if the table does not say. */
export function mountTypeOf(realPath: string, mountinfo: string): string | null {
  let best: Mount | null = null;
  for (const mount of mountsOf(mountinfo)) {
    const { point } = mount;
    const holds = point === '/' || realPath === point || realPath.startsWith(`${point}/`);
    // Of two mounts on one point the later one is seen.
    if (holds && point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best?.type ?? null;
}
