import type { ConfigNode, ConfigPath } from '../config/formats/config-node.ts';
import { REDACTED } from '../config/redact.ts';
import { drawnByLot, looksLikeName, type Vocabulary } from '../config/redact-vocabulary.ts';
import { KNOWN_KEYS, type KnownKey, ROOTS } from './known-keys.ts';

/**
 * What settings files consist of. Guarantee: of a settings file nothing is shown but known keys, values of settings
 * that are no secrets, and names of keys that are nobody's; not what came under another key, or became one, by a slip.
 */
export const SETTINGS_VOCABULARY: Vocabulary = {
  isPlain(node: ConfigNode, path: ConfigPath): boolean {
    const known = knownAt(path);
    if (known === null) return false;
    const { leaf } = known;
    if (leaf === null) return node.kind === 'object';
    // A secret that slipped under a plain key makes a value that is refused, and would be shown.
    if (node.kind === 'scalar' && typeof node.value === 'string' && drawnByLot(node.value)) return false;
    return leaf.kind === 'without-effect' || leaf.name.kind.secret !== true;
  },
  isName: (key) => isKnown(key) || looksLikeName(key),
  isWord: isKnown,
};

/** A path as it may be told. */
export const shownKeys = (path: ConfigPath): ConfigPath =>
  path.map((key) => (typeof key === 'number' || SETTINGS_VOCABULARY.isName(key) ? key : REDACTED));

/** The name of a variable as it may be told: `Server__Tokens__<a token>__Scopes` is a slip that happens. */
export const shownVariable = (variable: string): string =>
  variable
    .split('__')
    .map((part) => (/^\d{0,3}$/.test(part) || SETTINGS_VOCABULARY.isName(part) ? part : REDACTED))
    .join('__');

function isKnown(word: string): boolean {
  return KNOWN_WORDS.has(word.toLowerCase());
}

const KNOWN_WORDS: ReadonlySet<string> = new Set([
  ...ROOTS,
  'true',
  'false',
  'null',
  'file',
  'token',
  'scopes',
  ...namesBelow(KNOWN_KEYS),
]);

function namesBelow({ children }: KnownKey): readonly string[] {
  return [...children].flatMap(([name, known]) => [name, ...namesBelow(known)]);
}

/** The key that a path leads to, or the setting in whose list it is. */
function knownAt(path: ConfigPath): KnownKey | null {
  const isRoot = ROOTS.includes(String(path[0]).toLowerCase());
  let at: KnownKey = KNOWN_KEYS;
  for (const segment of isRoot ? path.slice(1) : path) {
    if (at.leaf !== null && typeof segment === 'number') return at;
    const next = at.children.get(String(segment).toLowerCase());
    if (next === undefined) return null;
    at = next;
  }
  return at;
}
