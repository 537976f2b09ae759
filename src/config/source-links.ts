import { basename, dirname, join, parse, sep } from 'node:path';
import { directoryIdentity } from './fingerprint.ts';
import { LINKS_MAX, type WatchPlace } from './source.ts';
import { type ConfigDisk, type DiskEntry, errorCodeOf } from './source-disk.ts';

/** Where a path leads. */
export type Resolved =
  | { readonly kind: 'found'; readonly realPath: string; readonly entry: DiskEntry }
  /** `at`: the first part of the way that is not there. */
  | { readonly kind: 'missing'; readonly at: string }
  | { readonly kind: 'loop'; readonly at: string }
  | { readonly kind: 'failed'; readonly at: string; readonly code: string };

/**
 * One walk along the links to several files. Each link is read once in a walk, however many files lie behind it:
 * while a directory is swapped, all of them are found behind the same link, before or after. On the way it collects
 * where a change of any part of the way would show.
 */
export class LinkWalk {
  readonly #disk: ConfigDisk;
  readonly #entries = new Map<string, Promise<DiskEntry | null>>();
  readonly #links = new Map<string, Promise<string | null>>();
  readonly #places = new Map<string, Set<string> | null>();

  constructor(disk: ConfigDisk) {
    this.#disk = disk;
  }

  /** Follows `path`, absolute, to what is behind all links. */
  async resolve(path: string): Promise<Resolved> {
    const { root } = parse(path);
    let real = root;
    let parts = path.slice(root.length).split(sep);
    let followed = 0;
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        real = dirname(real);
        continue;
      }
      const at = join(real, part);
      try {
        const entry = await this.#entry(at);
        if (entry === null) return this.#missing(real, at);
        if (entry.kind !== 'link') {
          real = at;
          continue;
        }
        this.#expect(real, part);
        followed += 1;
        if (followed > LINKS_MAX) return { kind: 'loop', at: path };
        const target = await this.#link(at);
        if (target === null) return this.#missing(real, at);
        const targetRoot = parse(target).root;
        if (targetRoot !== '') real = targetRoot;
        parts = target.slice(targetRoot.length).split(sep).concat(parts);
      } catch (error) {
        this.#expect(real, part);
        return { kind: 'failed', at, code: errorCodeOf(error) };
      }
    }
    return this.#found(real);
  }

  /** Notes that any change in this directory matters. */
  expectAnything(directory: string): void {
    this.#places.set(directory, null);
  }

  /** Where to wait for changes of everything that was resolved. */
  async places(): Promise<WatchPlace[]> {
    const places: WatchPlace[] = [];
    for (const [path, names] of this.#places) {
      const entry = await this.#entry(path).catch(() => null);
      if (entry?.kind === 'directory') places.push({ path, identity: directoryIdentity(entry), names });
    }
    return places;
  }

  /** The links that were followed, in any order: equal if the way is the same. */
  async trail(): Promise<string> {
    const links = [...this.#links].map(
      async ([path, target]) => `${path}\0${await target.catch(() => null)}`,
    );
    return (await Promise.all(links)).toSorted().join('\n');
  }

  async #found(realPath: string): Promise<Resolved> {
    const entry = await this.#entry(realPath);
    const directory = dirname(realPath);
    if (entry === null) return this.#missing(directory, realPath);
    this.#expect(directory, basename(realPath));
    // A directory that is moved away and replaced shows in its parent.
    this.#expect(dirname(directory), basename(directory));
    return { kind: 'found', realPath, entry };
  }

  /** `directory` is the nearest one there is: what is missing will appear in it, or on the way to it. */
  #missing(directory: string, at: string): Resolved {
    this.#expect(directory, basename(at));
    this.#expect(dirname(directory), basename(directory));
    return { kind: 'missing', at };
  }

  #expect(directory: string, name: string): void {
    const names = this.#places.get(directory);
    if (names === null) return;
    if (names === undefined) this.#places.set(directory, new Set([name]));
    else names.add(name);
  }

  #entry(path: string): Promise<DiskEntry | null> {
    return once(this.#entries, path, () => this.#disk.entry(path));
  }

  #link(path: string): Promise<string | null> {
    return once(this.#links, path, () => this.#disk.link(path));
  }
}

function once<T>(known: Map<string, Promise<T>>, path: string, ask: () => Promise<T>): Promise<T> {
  const earlier = known.get(path);
  if (earlier !== undefined) return earlier;
  const asked = ask();
  known.set(path, asked);
  return asked;
}
