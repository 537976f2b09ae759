/**
 * What the container image installs: `node scripts/image-manifest.ts DIRECTORY` writes a package.json and its lock
 * file there, made from those of the project. Peers that users of the library bring are dependencies of the program,
 * and npm drops them together with the development dependencies; everything else is left out.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Versions = Readonly<Record<string, string>>;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly peerDependencies: Versions;
  readonly [field: string]: unknown;
}

export interface Locked {
  readonly version: string;
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [field: string]: unknown;
}

export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
  readonly [field: string]: unknown;
}

/** Peers that the program never loads by itself: `conclave up --inspect` is for a developer's machine. */
const LEFT_OUT = new Set(['@statelyai/inspect']);
/** Fields of the program's own package.json that Node or npm read. */
const KEPT = ['name', 'version', 'description', 'license', 'type', 'engines', 'bin', 'exports'];
/** They say why a package was locked, which is another reason here. */
const REASONS = new Set(['dev', 'peer', 'devOptional']);

/**
 * Manifest and lock file of the image.
 *
 * @throws Error if something that is needed is not in the project's lock file
 */
export function imageManifest(
  manifest: Manifest,
  lock: Lock,
): { readonly manifest: object; readonly lock: object } {
  const peers = Object.keys(manifest.peerDependencies).filter((name) => !LEFT_OUT.has(name));
  const exact = peers.map((name) => [name, lockedAt(lock, `node_modules/${name}`).version]);
  const dependencies = { ...manifest.dependencies, ...(Object.fromEntries(exact) as Versions) };
  const own = Object.fromEntries(KEPT.map((field) => [field, manifest[field]]));
  const root = { name: manifest.name, version: manifest.version, license: manifest['license'], dependencies };
  const packages: Record<string, object> = {
    '': { ...root, bin: manifest['bin'], engines: manifest['engines'] },
  };
  for (const path of closure(lock, Object.keys(dependencies)).toSorted())
    packages[path] = Object.fromEntries(
      Object.entries(lockedAt(lock, path)).filter(([field]) => !REASONS.has(field)),
    );
  return { manifest: { ...own, private: true, dependencies }, lock: { ...lock, packages } };
}

/** Where in the tree everything is that these names need, found the way Node looks for it. */
function closure(lock: Lock, names: readonly string[]): string[] {
  const found = new Set<string>();
  const waiting = names.map((name) => ({ name, from: '', optional: false }));
  for (const { name, from, optional } of waiting) {
    const path = resolved(lock, name, from);
    if (path === null && !optional)
      throw new Error(`package-lock.json has no ${name}, which ${from === '' ? 'the program' : from} needs.`);
    if (path === null || found.has(path)) continue;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {}, ...rest } = lockedAt(lock, path);
    const { peerDependencies = {}, peerDependenciesMeta = {} } = rest;
    const peers = Object.keys(peerDependencies).filter(
      (peer) => peerDependenciesMeta[peer]?.optional !== true,
    );
    for (const needed of [...Object.keys(dependencies), ...peers])
      waiting.push({ name: needed, from: path, optional: false });
    for (const needed of Object.keys(optionalDependencies))
      waiting.push({ name: needed, from: path, optional: true });
  }
  return [...found];
}

function resolved(lock: Lock, name: string, from: string): string | null {
  const parts = from === '' ? [] : from.split('/node_modules/');
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const path = [...parts.slice(0, depth), name]
      .join('/node_modules/')
      .replace(/^(?!node_modules\/)/, 'node_modules/');
    if (lock.packages[path] !== undefined) return path;
  }
  return null;
}

function lockedAt(lock: Lock, path: string): Locked {
  const locked = lock.packages[path];
  if (locked === undefined) throw new Error(`package-lock.json has no ${path}.`);
  return locked;
}

if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error('Say where to: node scripts/image-manifest.ts DIRECTORY');
  const here = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
  const made = imageManifest(here('package.json') as Manifest, here('package-lock.json') as Lock);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(made.manifest, null, 2)}\n`);
  writeFileSync(join(directory, 'package-lock.json'), `${JSON.stringify(made.lock, null, 2)}\n`);
}
