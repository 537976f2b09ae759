import type { Diagnostic } from '../../machines/index.ts';
import type { DiskEntry } from './source-disk.ts';

/**
 * The configuration-source port: where a configuration comes from, as a set of files that belong together.
 *
 * What a reading guarantees: all its files were there, whole, at one moment. A set that changed while it was read is
 * read again, up to `READ_TRIES_MAX` times, and refused after that; links are followed once for the whole set, so that
 * a directory swapped under it (as Kubernetes does) is seen entirely before or entirely after. What it does not
 * guarantee: that whoever wrote it had finished. Only parsing and checking can tell.
 *
 * Missing is never empty: a file that is not there is a reading of its own kind, whatever the others hold.
 */

/** Largest file of a configuration, in bytes. */
export const CONFIG_FILE_BYTES_MAX = 1024 * 1024;
/** Most files of one set. */
export const CONFIG_FILES_MAX = 100;
/** Tries to read a set that changes meanwhile. */
export const READ_TRIES_MAX = 10;
/** Links followed on the way to one file; more is taken for a loop. */
export const LINKS_MAX = 16;

/** The port to where a configuration comes from. Adapter: `fileSource`. */
export interface ConfigSource {
  /** Where, for people: a path or several. */
  readonly location: string;
  /** What is there, without reading any content. Never rejects. */
  look(): Promise<SourceLook>;
  /** All of it. Never rejects: what is wrong is told as diagnostics of the stage `reading`. */
  read(): Promise<SourceReading>;
}

/** A directory (or a file that is a mount point of its own) where changes show, and the names that matter in it. */
export interface WatchPlace {
  readonly path: string;
  /** Which directory it was; another one of the same name has to be watched anew. */
  readonly identity: string;
  /** Null: any name. */
  readonly names: ReadonlySet<string> | null;
}

/** What was found without reading: enough to tell that nothing has changed, and where to wait for changes. */
export interface SourceLook {
  /** Device, inode, size and both times of each file, and the links on the way: equal if nothing has changed. */
  readonly fingerprint: string;
  /** When the youngest of the files was last changed by the system's own account; milliseconds since the epoch. */
  readonly changedAtMs: number;
  readonly files: readonly FoundFile[];
  readonly places: readonly WatchPlace[];
}

/** A file behind all links. */
export interface FoundFile {
  readonly name: string;
  /** As it was named; for people. */
  readonly path: string;
  readonly realPath: string;
  readonly entry: DiskEntry;
}

/** One file of a configuration, as it was read. */
export interface ConfigFile {
  /** Relative to the set's directory, with forward slashes; unique in the set. */
  readonly name: string;
  /** As it was named; for people. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The whole set, at one moment. */
export interface SourceContent {
  readonly kind: 'read';
  readonly look: SourceLook;
  /** What the bytes are known by: see `fingerprint.ts`. */
  readonly sha: string;
  readonly sizeBytes: number;
  /** In the order of their names. */
  readonly files: readonly ConfigFile[];
  /** The directory behind all links that the set lay in, for what its files refer to by relative paths. */
  readonly realDirectory: string;
}

/** Nothing to read. `missing`: not there; `refused`: there, but cannot be read; `transient`: may pass by itself. */
export interface SourceProblem {
  readonly kind: 'missing' | 'refused';
  readonly look: SourceLook;
  readonly transient: boolean;
  readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]];
}

/** What came of reading a source: its content, or what is wrong. */
export type SourceReading = SourceContent | SourceProblem;
