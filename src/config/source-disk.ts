/**
 * The disk as a port: the few things that reading and watching a configuration ask of a file system, so that a test
 * can be one. `source-system-disk.ts` is the real one. Every path is absolute. What is not there is null; whatever
 * else goes wrong rejects with the system's own error and its code.
 */
export interface ConfigDisk {
  /** What is at `path` itself: a link is not followed. */
  entry(path: string): Promise<DiskEntry | null>;
  /** Where the link at `path` points; null if there is no link (any more). */
  link(path: string): Promise<string | null>;
  /** The names in a directory, in any order. */
  names(directory: string): Promise<readonly string[] | null>;
  /** The content of a file; more than `maxBytes` is not read. Waits for nobody: a pipe is not opened. */
  content(path: string, maxBytes: number): Promise<DiskContent | null>;
  /**
   * Calls `onHint` whenever something in this directory (or this file) may have changed, with the name in it where
   * the system tells one. Hints may be missing, late, or too many. `onError` ends the watch.
   *
   * @returns Ends the watch.
   * @throws the system's error if nothing can be watched.
   */
  watch(path: string, onHint: (hint: DiskHint) => void, onError: (error: Error) => void): () => void;
  /** The table of mounts, as Linux has it in /proc/self/mountinfo; empty where there is none. */
  mountinfo(): Promise<string>;
}

/** What the system says of a file, without its content. Times are nanoseconds since the epoch. */
export interface DiskEntry {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly device: bigint;
  readonly inode: bigint;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  /** When content or attributes last changed: nobody can set this one back. */
  readonly changedNs: bigint;
  readonly bornNs: bigint;
  /** How many names it has; 0 if it was deleted and only a mount holds it. */
  readonly links: number;
}

export interface DiskContent {
  readonly before: DiskEntry;
  readonly after: DiskEntry;
  /** Null if there is more than was asked for, or if it is not a regular file. */
  readonly bytes: Uint8Array | null;
}

export interface DiskHint {
  /** `rename`: something appeared, vanished or was moved; `change`: something was written to. */
  readonly kind: 'rename' | 'change';
  readonly name: string | null;
}

/** The code of a system error, or `unknown`. */
export function errorCodeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';
}
