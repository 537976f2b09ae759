import { isNetworkType, mountsOf, mountTypeOf } from '../mount-table.ts';
import type { FoundFile } from './source.ts';

/**
 * What the table of mounts tells about a configuration's files: whether changes made elsewhere show here at all.
 * Linux only; where there is no table, nothing is found, and nothing is claimed.
 */

/** A file that was mounted by itself, as `subPath` of Kubernetes and single-file volumes of Docker do. */
export interface PinnedFile {
  readonly file: FoundFile;
  /** The file that was mounted is deleted on the host: what is here will never change again. */
  readonly replaced: boolean;
  /** What it means and what to do. */
  readonly message: string;
}

/** The kind of file system that holds `realPath` if its changes may be made on another host; else null. */
export function remoteFileSystem(realPath: string, mountinfo: string): string | null {
  const type = mountTypeOf(realPath, mountinfo);
  return type !== null && isNetworkType(type) ? type : null;
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
