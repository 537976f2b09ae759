import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { changedAtMs, fingerprintOf } from './fingerprint.ts';
import { CONFIG_FILES_MAX, type FoundFile, type SourceLook } from './source.ts';
import { type ConfigDisk, errorCodeOf } from './source-disk.ts';
import { LinkWalk, type Resolved } from './source-links.ts';
import {
  linkLoop,
  notADirectory,
  notAFile,
  notThere,
  nothingIn,
  type ReadProblem,
  tooMany,
  unreadable,
} from './source-problems.ts';

/** Which files belong to a configuration. Paths are absolute. */
export type FileSet =
  | { readonly kind: 'files'; readonly paths: readonly [string, ...string[]] }
  /** `extensions`: with the dot; null for any. */
  | { readonly kind: 'directory'; readonly path: string; readonly extensions: readonly string[] | null };

export interface Survey extends SourceLook {
  readonly problems: readonly ReadProblem[];
  readonly realDirectory: string;
  /** The directory whose names make the set, and the names in it that were considered. */
  readonly listing: Listing | null;
}

interface Listing {
  readonly directory: string;
  readonly names: readonly string[];
}

/** What volumes of Kubernetes name the link that they swap; everything else in the directory leads through it. */
const SWAPPED_LINK = '..data';

/** Hidden files, and what editors and package managers leave beside the file they replace. */
const LEFTOVER = /^\.|~$|^#.*#$|\.(swp|swo|tmp|temp|bak|orig|rej|dpkg-\w+|rpm(new|save|orig))$/i;

interface Named {
  readonly name: string;
  readonly path: string;
  /** Where to start from; differs from `path` where the directory is swapped. */
  readonly start: string;
}

/** Finds the files of a set, all in one walk along their links. */
export async function survey(disk: ConfigDisk, set: FileSet): Promise<Survey> {
  const walk = new LinkWalk(disk);
  const problems: ReadProblem[] = [];
  const listing = set.kind === 'directory' ? await list(disk, walk, set, problems) : null;
  const named = set.kind === 'files' ? namedFiles(set.paths) : (listing?.named ?? []);
  const files: FoundFile[] = [];
  for (const { name, path, start } of named) {
    const resolved = await walk.resolve(start);
    const { problem, skip } = judge(resolved, path, set.kind);
    if (problem !== null) problems.push(problem);
    if (resolved.kind === 'found' && problem === null && !skip)
      files.push({ name, path, realPath: resolved.realPath, entry: resolved.entry });
  }
  if (set.kind === 'directory' && listing !== null && files.length === 0 && problems.length === 0)
    problems.push(nothingIn(set.path, set.extensions?.join(', ') ?? 'any name'));
  const [first] = files;
  return {
    files,
    problems,
    listing,
    realDirectory: listing?.directory ?? dirname(first?.realPath ?? named[0]?.path ?? sep),
    places: await walk.places(),
    changedAtMs: Math.max(0, ...files.map(({ entry }) => changedAtMs(entry))),
    fingerprint: [
      ...files.map(({ name, realPath, entry }) => `${name}\0${realPath}\0${fingerprintOf(entry)}`),
      ...problems.map(({ diagnostic: { code, file, message } }) => `${code}\0${file}\0${message}`),
      await walk.trail(),
    ].join('\n'),
  };
}

/** Whether this is still what the directory holds. */
export async function sameListing(
  disk: ConfigDisk,
  { directory, names }: Listing,
  set: FileSet,
): Promise<boolean> {
  const now = set.kind === 'directory' ? wanted(await disk.names(directory), set.extensions) : [];
  return now.join('\0') === names.join('\0');
}

function namedFiles(paths: readonly string[]): Named[] {
  const [first = sep] = paths;
  // Names are relative to the nearest directory that holds all of them.
  let top = dirname(first);
  const isWithin = (path: string) => top === dirname(top) || path.startsWith(top + sep);
  while (!paths.every(isWithin)) top = dirname(top);
  return paths
    .map((path) => ({ name: relative(top, path).replaceAll(sep, '/'), path, start: path }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function list(
  disk: ConfigDisk,
  walk: LinkWalk,
  { path, extensions }: FileSet & { readonly kind: 'directory' },
  problems: ReadProblem[],
): Promise<(Listing & { readonly named: readonly Named[] }) | null> {
  let resolved = await walk.resolve(path);
  if (resolved.kind === 'found' && resolved.entry.kind === 'directory') {
    walk.expectAnything(resolved.realPath);
    const swapped = await walk.resolve(join(resolved.realPath, SWAPPED_LINK));
    if (swapped.kind !== 'missing') resolved = swapped;
  }
  if (resolved.kind !== 'found') {
    const { problem } = judge(resolved, path, 'directory');
    if (problem !== null) problems.push(problem);
    return null;
  }
  const directory = resolved.realPath;
  if (resolved.entry.kind !== 'directory') {
    problems.push(notADirectory(path));
    return null;
  }
  try {
    const names = wanted(await disk.names(directory), extensions);
    if (names.length > CONFIG_FILES_MAX) {
      problems.push(tooMany(path, names.length));
      return null;
    }
    const named = names.map((name) => ({ name, path: join(path, name), start: join(directory, name) }));
    return { directory, names, named };
  } catch (error) {
    problems.push(unreadable(path, directory, errorCodeOf(error)));
    return null;
  }
}

function wanted(names: readonly string[] | null, extensions: readonly string[] | null): string[] {
  return (names ?? [])
    .filter((name) => !LEFTOVER.test(name))
    .filter((name) => extensions === null || extensions.includes(extname(basename(name)).toLowerCase()))
    .toSorted();
}

/** What is wrong with what a path led to, if anything. Directories in a directory are not looked into. */
function judge(
  resolved: Resolved,
  path: string,
  kind: FileSet['kind'],
): { readonly problem: ReadProblem | null; readonly skip: boolean } {
  const skip = kind === 'directory';
  switch (resolved.kind) {
    case 'missing':
      return { problem: notThere(path, resolved.at), skip };
    case 'loop':
      return { problem: linkLoop(path), skip };
    case 'failed':
      return { problem: unreadable(path, resolved.at, resolved.code), skip };
    case 'found': {
      if (resolved.entry.kind === 'file') return { problem: null, skip: false };
      return { problem: skip ? null : notAFile(path, resolved.entry.kind), skip };
    }
  }
}
