import { CATALOGUE, NO_EFFECT, SETTING_IDS, VERSION_KEY } from './catalogue.ts';
import type { Name, SettingId } from './catalogue-entry.ts';

/**
 * All keys of all shapes as one tree, in which the case of letters does not matter. The older shape and the blocks live
 * side by side in it; `Honua.ConfigurationV2.Path` is below the root, because `honua` is a name of the root.
 */

/** What an unknown key in a block means: a mistake; a mistake only if it resembles one of ours; somebody else's key. */
export type Strictness = 'strict' | 'near' | 'open';

export interface KnownKey {
  /** As it is written in the documents. */
  readonly written: string;
  readonly children: Map<string, KnownKey>;
  readonly unknown: Strictness;
  leaf: Leaf | null;
}

export type Leaf =
  | { readonly kind: 'setting'; readonly id: SettingId; readonly name: Name; readonly priority: number }
  | { readonly kind: 'without-effect'; readonly note: string | null };

export const ROOTS: readonly string[] = ['conclave', 'honua'];

/** Blocks in which others have keys, too. */
const SHARED: Readonly<Record<string, Strictness>> = {
  controller: 'open',
  'controller.leader_election': 'near',
  cache: 'open',
  'cache.redis': 'near',
  redis: 'near',
  connectionstrings: 'open',
  configurationv2: 'open',
};

/** The keys below a root block, or of a file without one. */
export const KNOWN_KEYS = tree(() => true);

/**
 * What counts beside a root block: what the documents have there, and the shapes that know no root block. A block `redis`
 * or `server` of the application is none of ours.
 */
export const KEYS_BESIDE_ROOT = tree(({ path, shape }) => shape !== 'blocks' || path.startsWith('cache.'));

interface Path {
  readonly path: string;
  readonly shape: Name['shape'];
}

function tree(has: (name: Path) => boolean): KnownKey {
  const root: KnownKey = { written: '', children: new Map(), unknown: 'open', leaf: null };
  for (const id of SETTING_IDS) {
    for (const [priority, name] of CATALOGUE[id].names.entries()) {
      if (has(name)) add(root, name.path, { kind: 'setting', id, name, priority });
    }
  }
  for (const { path, note } of NO_EFFECT) {
    const shape = /^[A-Z]/.test(path) ? 'older' : 'blocks';
    if (has({ path, shape })) add(root, path, { kind: 'without-effect', note });
  }
  if (has({ path: VERSION_KEY, shape: 'blocks' }))
    add(root, VERSION_KEY, { kind: 'without-effect', note: null });
  return root;
}

function add(root: KnownKey, path: string, leaf: Leaf): void {
  const segments = path.split('.');
  if (ROOTS.includes(segments[0]?.toLowerCase() ?? '')) segments.shift();
  let at = root;
  for (const [index, written] of segments.entries()) {
    const lower = written.toLowerCase();
    let next = at.children.get(lower);
    if (next === undefined) {
      const where = segments
        .slice(0, index + 1)
        .join('.')
        .toLowerCase();
      next = { written, children: new Map(), unknown: SHARED[where] ?? 'strict', leaf: null };
      at.children.set(lower, next);
    }
    at = next;
  }
  at.leaf ??= leaf;
}
