import type { FoundFile } from './source.ts';

/**
 * What the table of mounts tells about a configuration's files: whether changes made elsewhere show here at all.
 * Linux only; where there is no table, nothing is found, and nothing is claimed.
 */

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)), as far as it matters here. */
interface Mount {
  readonly point: string;
  readonly type: string;
}

/** File systems whose other writers are on other hosts: this host's kernel does not notice what they write. */
const REMOTE =
  /^(nfs4?|cifs|smb\w*|9p|afs|coda|ceph|lustre|gpfs|beegfs|panfs|glusterfs|gfs2|ocfs2|virtiofs|vboxsf|vmhgfs|prl_fs|fuse(\..+)?)$/;

/** A file that was mounted by itself, as `subPath` of Kubernetes and single-file volumes of Docker do. */
export interface PinnedFile {
  readonly file: FoundFile;
  /** The file that was mounted is deleted on the host: what is here will never change again. */
  readonly replaced: boolean;
  /** What it means and what to do. */
  readonly message: string;
}

function mountsOf(mountinfo: string): Mount[] {
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

/** The kind of file system that holds `realPath` if its changes may be made on another host; else null. */
export function remoteFileSystem(realPath: string, mountinfo: string): string | null {
  let best: Mount | null = null;
  for (const mount of mountsOf(mountinfo)) {
    const { point } = mount;
    const holds = point === '/' || realPath === point || realPath.startsWith(`${point}/`);
    // Of two mounts on one point the later one is seen.
    if (holds && point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best !== null && REMOTE.test(best.type) ? best.type : null;
}

/** The first of the files that is pinned to what it was when it was mounted, if any is. */
export function pinnedFile(files: readonly FoundFile[], mountinfo: string): PinnedFile | null {
  const points = new Set(mountsOf(mountinfo).map(({ point }) => point));
  // A file without a name cannot be found by one, unless a mount holds it.
  const file = files.find(({ realPath, entry }) => entry.links === 0 || points.has(realPath));
  return file === undefined ? null : pinned(file, file.entry.links === 0);
}

function pinned(file: FoundFile, replaced: boolean): PinnedFile {
  const { path } = file;
  const cure = 'Mount the directory instead of the single file (in Kubernetes: without subPath).';
  const fact = replaced
    ? `${path} is a mount of a file that has been replaced on the host. It will never change here.`
    : `${path} is a mount of its own. Once the file is replaced on the host, nothing changes here any more.`;
  return { file, replaced, message: `${fact} ${cure}` };
}
