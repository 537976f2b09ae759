import { dirname } from 'node:path';
import type { ConfigDisk, DiskContent, DiskEntry, DiskHint } from '../../src/config/source-disk.ts';
import type { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { Chance } from './lease-protocol-chance.ts';

/** A step of the disk's clock, in milliseconds: two writes within one leave the same times. */
export const TICK_MS = 40;
/** Most that one answer of the disk takes, and most that a hint is late, in milliseconds. */
const ANSWER_MS = 2;
const HINT_MS = 5;

interface Node {
  readonly kind: 'file' | 'directory' | 'link';
  readonly inode: number;
  readonly born: number;
  readonly names: Map<string, Node>;
  /** Content of a file, target of a link. */
  text: string;
  modified: number;
  changed: number;
}

interface Watch {
  readonly node: Node;
  readonly onHint: (hint: DiskHint) => void;
}

/** What the system does wrong, from 0 (never) to 1 (always). */
export interface Weather {
  readonly lostHints: number;
  readonly errors: number;
}

/** A disk in memory: slow by the virtual clock, so that anything may happen in the middle of a look. */
export class MemoryDisk implements ConfigDisk {
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #root: Node;
  readonly #watches = new Set<Watch>();
  #inodes = 0;
  weather: Weather = { lostHints: 0, errors: 0 };

  constructor(clock: VirtualClock, seed: number) {
    this.#clock = clock;
    this.#chance = new Chance(seed);
    this.#root = this.#node('directory');
  }

  // What programs do to it, each at one moment.

  /** Makes a directory and those above it. */
  makeDirectory(path: string): void {
    const parts = path.split('/').filter((part) => part !== '');
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const at = `/${parts.slice(0, depth).join('/')}`;
      if (this.#find(at) === null) this.#put(at, this.#node('directory'));
    }
  }

  /** Gives the file another content, as the same file where there is one. */
  write(path: string, text: string): void {
    const node = this.#find(path);
    if (node === null) {
      if (this.#find(dirname(path)) !== null) this.#put(path, this.#node('file', text));
      return;
    }
    if (node.kind !== 'file') return;
    node.text = text;
    node.modified = this.#now();
    this.#stir(path, node, 'change');
  }

  /** Gives it another content and the modification time it had. */
  forge(path: string, text: string): void {
    const node = this.#find(path);
    if (node?.kind !== 'file') return;
    node.text = text;
    this.#stir(path, node, 'change');
  }

  /** Puts another file in its place. */
  replace(path: string, text: string): void {
    if (this.#find(dirname(path)) !== null) this.#put(path, this.#node('file', text));
  }

  linkTo(path: string, target: string): void {
    this.#put(path, this.#node('link', target));
  }

  touch(path: string): void {
    const node = this.#find(path);
    if (node !== null) this.#stir(path, node, 'change');
  }

  remove(path: string): void {
    const node = this.#find(path);
    const parent = this.#find(dirname(path));
    if (node === null || parent === null) return;
    parent.names.delete(nameOf(path));
    this.#hint(parent, { kind: 'rename', name: nameOf(path) });
    this.#hint(node, { kind: 'rename', name: nameOf(path) });
  }

  // What the watch asks of it.

  entry(path: string): Promise<DiskEntry | null> {
    return this.#answer(() => this.#entry(this.#find(path)));
  }

  link(path: string): Promise<string | null> {
    return this.#answer(() => {
      const node = this.#find(path);
      return node?.kind === 'link' ? node.text : null;
    });
  }

  names(directory: string): Promise<readonly string[] | null> {
    return this.#answer(() => {
      const node = this.#find(directory);
      return node && [...node.names.keys()];
    });
  }

  async content(path: string, maxBytes: number): Promise<DiskContent | null> {
    const node = await this.#answer(() => this.#find(path));
    const before = this.#entry(node);
    if (node === null || before === null) return null;
    if (node.kind !== 'file' || before.sizeBytes > maxBytes) return { before, after: before, bytes: null };
    const bytes = await this.#answer(() => Buffer.from(node.text));
    const after = await this.#answer(() => this.#entry(node));
    return after && { before, after, bytes };
  }

  watch(path: string, onHint: (hint: DiskHint) => void): () => void {
    const node = this.#find(path);
    if (node === null) throw systemError('ENOENT');
    if (this.#chance.unit() < this.weather.errors) throw systemError('ENOSPC');
    const watch = { node, onHint };
    this.#watches.add(watch);
    return () => void this.#watches.delete(watch);
  }

  mountinfo(): Promise<string> {
    return this.#answer(() => '');
  }

  /** What is there now, behind links, without asking. */
  textAt(path: string): string | null {
    const node = this.#find(path);
    return node?.kind === 'link' ? this.textAt(node.text) : (node?.text ?? null);
  }

  get watched(): number {
    return this.#watches.size;
  }

  #find(path: string): Node | null {
    let node: Node | null = this.#root;
    for (const part of path.split('/').filter((each) => each !== '')) node = node?.names.get(part) ?? null;
    return node;
  }

  #put(path: string, node: Node): void {
    const parent = this.#find(dirname(path));
    if (parent === null) return;
    parent.names.set(nameOf(path), node);
    this.#hint(parent, { kind: 'rename', name: nameOf(path) });
  }

  #stir(path: string, node: Node, kind: DiskHint['kind']): void {
    node.changed = this.#now();
    const parent = this.#find(dirname(path));
    if (parent !== null) this.#hint(parent, { kind, name: nameOf(path) });
  }

  #hint(node: Node, hint: DiskHint): void {
    for (const watch of this.#watches) {
      if (watch.node !== node || this.#chance.unit() < this.weather.lostHints) continue;
      const tell = () => {
        if (this.#watches.has(watch)) watch.onHint(hint);
      };
      this.#clock.setTimeout(tell, this.#chance.unit() * HINT_MS);
    }
  }

  async #answer<T>(ask: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.setTimeout(resolve, this.#chance.unit() * ANSWER_MS);
    await promise;
    if (this.#chance.unit() < this.weather.errors) throw systemError('EIO');
    return ask();
  }

  #node(kind: Node['kind'], text = ''): Node {
    this.#inodes += 1;
    const now = this.#now();
    return { kind, inode: this.#inodes, text, names: new Map(), born: now, modified: now, changed: now };
  }

  #now(): number {
    return Math.floor(this.#clock.wallMs() / TICK_MS) * TICK_MS;
  }

  #entry(node: Node | null): DiskEntry | null {
    if (node === null) return null;
    return {
      kind: node.kind,
      device: 1n,
      inode: BigInt(node.inode),
      sizeBytes: node.text.length,
      modifiedNs: BigInt(node.modified) * 1_000_000n,
      changedNs: BigInt(node.changed) * 1_000_000n,
      bornNs: BigInt(node.born) * 1_000_000n,
      links: 1,
    };
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
