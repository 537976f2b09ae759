import { isAbsolute, resolve } from 'node:path';
import { SettingsError } from '../errors.ts';
import { fileSha, fingerprintOf, setSha } from './fingerprint.ts';
import {
  CONFIG_FILE_BYTES_MAX,
  CONFIG_FILES_MAX,
  type ConfigFile,
  type ConfigSource,
  type FoundFile,
  READ_TRIES_MAX,
  type SourceLook,
  type SourceProblem,
  type SourceReading,
} from './source.ts';
import { type ConfigDisk, type DiskEntry, errorCodeOf } from './source-disk.ts';
import { type ReadProblem, tooLarge, unreadable, unsettled } from './source-problems.ts';
import { type FileSet, sameListing, type Survey, survey } from './source-survey.ts';

/**
 * A configuration in files: one, several, or those of a directory. See `source.ts` for what a reading guarantees; here
 * is how. All files are found in one walk, opened by their real paths, and compared afterwards, by all that the system
 * says of them, with what was found before.
 */

export interface FileSourceOptions {
  /** One file or several that belong together. Relative paths are taken from the working directory. */
  readonly files?: string | readonly string[];
  /** All files of a directory instead, but for hidden ones and what editors leave behind; not those further down. */
  readonly directory?: string;
  /** With `directory`: only files with these extensions, in lower case with the dot. Default any. */
  readonly extensions?: readonly string[];
}

/**
 * A source that reads files.
 *
 * @throws SettingsError `SETTINGS_INVALID` if it is not clear what to read.
 * @example
 * const source = fileSource(systemDisk, { directory: '/etc/app', extensions: ['.yaml'] });
 * const reading = await source.read();
 * if (reading.kind === 'read') console.log(reading.sha, reading.files.length);
 */
export function fileSource(disk: ConfigDisk, options: FileSourceOptions): ConfigSource {
  const set = fileSetOf(options);
  return {
    location: set.kind === 'files' ? set.paths.join(', ') : set.path,
    look: () => survey(disk, set),
    read: () => read(disk, set),
  };
}

function fileSetOf({ files, directory, extensions }: FileSourceOptions): FileSet {
  const given = typeof files === 'string' ? [files] : (files ?? []);
  const said = `files: ${JSON.stringify(files)}, directory: ${JSON.stringify(directory)}`;
  if ((directory === undefined) === (files === undefined))
    throw new SettingsError('SETTINGS_INVALID', `Give either files or a directory to read (${said}).`);
  if (given.includes('') || directory === '')
    throw new SettingsError('SETTINGS_INVALID', `A path to read is empty (${said}). Name a file.`);
  if (directory !== undefined) {
    const odd = extensions?.find((each) => !/^\.[^A-Z]+$/.test(each));
    if (odd !== undefined)
      throw new SettingsError(
        'SETTINGS_INVALID',
        `The extension ${JSON.stringify(odd)} must be in lower case and begin with a dot, as ".yaml".`,
      );
    return { kind: 'directory', path: resolve(directory), extensions: extensions ?? null };
  }
  // Not through resolve(): "..", where it follows a link, is not the directory before it.
  const [first, ...more] = new Set(given.map((path) => (isAbsolute(path) ? path : resolve(path))));
  if (first === undefined || more.length >= CONFIG_FILES_MAX)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `A configuration has from 1 to ${CONFIG_FILES_MAX} files, not ${given.length}.`,
    );
  return { kind: 'files', paths: [first, ...more] };
}

async function read(disk: ConfigDisk, set: FileSet): Promise<SourceReading> {
  let found = await survey(disk, set);
  for (let tries = 1; ; tries += 1) {
    const outcome = await readOnce(disk, set, found);
    if (outcome !== 'changed') return outcome;
    if (tries === READ_TRIES_MAX) return problemReading(found, [unsettled(found.files[0]?.path ?? '')]);
    found = await survey(disk, set);
  }
}

async function readOnce(disk: ConfigDisk, set: FileSet, found: Survey): Promise<SourceReading | 'changed'> {
  if (found.problems.length > 0) {
    // Behind a link that was swapped meanwhile everything seems to be missing: only what is so twice is so.
    const again = await survey(disk, set);
    return again.fingerprint === found.fingerprint ? problemReading(found, found.problems) : 'changed';
  }
  const files: ConfigFile[] = [];
  const problems: ReadProblem[] = [];
  for (const file of found.files) {
    const bytes = await bytesOf(disk, file);
    if (bytes === 'changed') return 'changed';
    if (bytes instanceof Uint8Array) files.push({ name: file.name, path: file.path, bytes });
    else problems.push(bytes);
  }
  if (!(await isUntouched(disk, set, found))) return 'changed';
  if (problems.length > 0) return problemReading(found, problems);
  const [only] = files;
  return {
    kind: 'read',
    look: lookOf(found),
    sha: set.kind === 'files' && files.length === 1 && only ? fileSha(only.bytes) : setSha(files),
    sizeBytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
    files,
    realDirectory: found.realDirectory,
  };
}

async function bytesOf(
  disk: ConfigDisk,
  { path, realPath, entry }: FoundFile,
): Promise<Uint8Array | ReadProblem | 'changed'> {
  if (entry.sizeBytes > CONFIG_FILE_BYTES_MAX) return tooLarge(path, entry.sizeBytes);
  try {
    const content = await disk.content(realPath, CONFIG_FILE_BYTES_MAX);
    if (content === null || content.bytes === null) return 'changed';
    const { before, after, bytes } = content;
    const whole = isSame(entry, before) && isSame(before, after) && bytes.length === entry.sizeBytes;
    return whole ? bytes : 'changed';
  } catch (error) {
    return unreadable(path, realPath, errorCodeOf(error));
  }
}

/** Whether the whole set still is what it was before the first of its files was read. */
async function isUntouched(disk: ConfigDisk, set: FileSet, { files, listing }: Survey): Promise<boolean> {
  try {
    for (const { realPath, entry } of files) {
      const now = await disk.entry(realPath);
      if (now === null || !isSame(entry, now)) return false;
    }
    return listing === null || (await sameListing(disk, listing, set));
  } catch {
    // What cannot be looked at any more says so in the next survey.
    return false;
  }
}

function isSame(one: DiskEntry, other: DiskEntry): boolean {
  return fingerprintOf(one) === fingerprintOf(other);
}

function problemReading(found: Survey, problems: readonly ReadProblem[]): SourceProblem {
  const [first, ...more] = problems.map(({ diagnostic }) => diagnostic);
  if (first === undefined) throw new TypeError('A reading without a problem is not one of a problem.');
  return {
    kind: problems.every(({ missing }) => missing) ? 'missing' : 'refused',
    look: lookOf(found),
    transient: problems.some(({ transient }) => transient),
    diagnostics: [first, ...more],
  };
}

function lookOf({ fingerprint, changedAtMs, files, places }: Survey): SourceLook {
  return { fingerprint, changedAtMs, files, places };
}
