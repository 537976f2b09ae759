import {
  type ConfigNode,
  type ConfigPath,
  type ConfigValue,
  follow,
  type Spot,
  walk,
} from './formats/config-node.ts';
import { PathPattern } from './formats/path-pattern.ts';
import type { SourceText } from './formats/source-text.ts';
import type { Hidden } from './diagnostic.ts';
import { isSecretName, looksSecret } from './redact-names.ts';
import { hiddenBetween, TreeSpans } from './redact-lines.ts';
import { looksLikeName, type Vocabulary } from './redact-vocabulary.ts';

/**
 * What of a configuration must not be shown. Guarantee: a value is secret if it was made from a secret (`secret()`,
 * `file()`, secret environment variables), stands under a name that says so, was declared one, looks like one, or is
 * the same text as one that is; and a key is secret if it looks like one, or has one in it. Whatever tells of
 * configurations (differences, diagnostics, history) asks here.
 */

/** Stands where a secret stood. */
export const REDACTED = '***';

export interface SecretDeclarations {
  /** Keys that are secret besides those whose names say so; see {@link PathPattern}. */
  readonly secretKeys?: readonly string[];
  /** Keys that are named like secrets and are none. What was made from a secret stays one. */
  readonly plainKeys?: readonly string[];
  /** Of configurations with fixed keys: then of nothing but these is a line shown. */
  readonly vocabulary?: Vocabulary;
}

/** Shorter secrets are not hunted through texts: they would be found everywhere. */
const HUNTED_LENGTH_MIN = 4;

/** So many characters in a row of a secret are not told anywhere. */
const RESEMBLANCE_LENGTH_MIN = 6;
/** Shorter texts that only stand beside a secret are everyday words. */
const BESIDE_LENGTH_MIN = 8;

export class Secrets {
  readonly #root: ConfigNode;
  readonly #secretKeys: readonly PathPattern[];
  readonly #plainKeys: readonly PathPattern[];
  readonly #vocabulary: Vocabulary | null;
  readonly #hidden = new Map<SourceText, Hidden[]>();
  readonly #spans: TreeSpans;
  readonly #texts = new Set<string>();
  #longestFirst: readonly string[] | null = null;

  /** @throws SettingsError `SETTINGS_INVALID`: a declaration is no pattern. */
  constructor(root: ConfigNode, declarations: SecretDeclarations = {}) {
    this.#root = root;
    this.#secretKeys = (declarations.secretKeys ?? []).map((text) => new PathPattern(text));
    this.#plainKeys = (declarations.plainKeys ?? []).map((text) => new PathPattern(text));
    this.#vocabulary = declarations.vocabulary ?? null;
    this.#spans = new TreeSpans(root);
    walk(root, (node, path) => {
      if (!this.#isHidden(node, path)) return true;
      this.#collect(node);
      // What belongs to a value need not stand within it: keys of a table of TOML stand below its header.
      walk(node, (inner) => {
        this.#hide(inner);
        if (inner.kind === 'object')
          for (const [name, { key }] of inner.members) if (!looksLikeName(name)) this.#hide(key);
        return true;
      });
      return false;
    });
  }

  #isHidden(node: ConfigNode, path: ConfigPath): boolean {
    if (node.secret || this.#byName(path) || looksSecretNode(node)) return true;
    return this.#vocabulary !== null && !this.#vocabulary.isPlain(node, path);
  }

  /** Whether what is at this path, with this value, must not be shown. */
  isSecret(path: ConfigPath, value: unknown): boolean {
    if (this.#byName(path) || this.#made(path) !== null) return true;
    if (typeof value !== 'string') return false;
    return looksSecret(value) || this.#texts.has(value) || this.#huntedIn(value);
  }

  /** How far down a path may be told: what is inside a value made from a secret has its names from there. */
  tellablePath(path: ConfigPath): ConfigPath {
    const made = this.#made(path);
    return made === null ? path : path.slice(0, made);
  }

  /** Whether a key is or holds a secret, for all that is known. */
  hidesKey(key: string): boolean {
    if (this.#vocabulary !== null && !this.#vocabulary.isName(key)) return true;
    return (
      looksSecret(key) ||
      this.#hunted().some((text) => text.length >= BESIDE_LENGTH_MIN && key.includes(text))
    );
  }

  /**
   * Whether a segment of a path must not be told. Below a secret a key is told only if it is made of words: a lost line
   * break makes a key of a secret, and a map may be keyed by tokens.
   */
  hidesSegment(path: ConfigPath, index: number): boolean {
    const segment = path[index];
    if (typeof segment !== 'string') return false;
    return this.hidesKey(segment) || (!looksLikeName(segment) && this.#byName(path.slice(0, index)));
  }

  /** A path as it may be told: cut off where a secret begins, and with `***` for keys that are secret. */
  shownPath(path: ConfigPath): ConfigPath {
    return shownPath(path, [this]);
  }

  /** A copy of a plain value, such as a validated configuration, with `***` for each secret. */
  redact(value: unknown, path: ConfigPath = []): ConfigValue {
    // Once, as JSON does: what it gives may have such a method, too.
    const shown = hasToJson(value) ? value.toJSON() : value;
    if (path.length > 0 && (this.isSecret(path, value) || this.isSecret(path, shown))) return REDACTED;
    if (Array.isArray(shown)) return shown.map((item, index) => this.redact(item, [...path, index]));
    if (typeof shown === 'object' && shown !== null) {
      const entries = Object.entries(shown).map(([key, each], index) => [
        // Two of them must not become one.
        this.hidesKey(key) ? `${REDACTED}${index}` : key,
        this.redact(each, [...path, key]),
      ]);
      return Object.fromEntries(entries) as ConfigValue;
    }
    return plainScalar(shown);
  }

  /** What an excerpt of the line at this offset must hide; null: the line shows a secret where it should not be. */
  hiddenAt(source: SourceText, at: number): readonly Hidden[] | null {
    const line = source.line(at);
    const [start, end] = line;
    const spans = this.#spans.on(source, line);
    const keys = spans.filter(({ key }) => key !== null && this.hidesKey(key));
    const hidden = [
      ...(this.#hidden.get(source) ?? []).filter(([from, to]) => from < end && to > start),
      ...keys.map((key): Hidden => [key.at, key.end]),
      ...hiddenBetween(source.text, line, spans, this.#vocabulary),
    ];
    let shown = '';
    let done = start;
    for (const [from, to] of hidden.toSorted(([one], [other]) => one - other)) {
      shown += source.text.slice(done, Math.max(done, from));
      done = Math.max(done, to);
    }
    shown += source.text.slice(done, Math.max(done, end));
    return this.#huntedIn(shown) ? null : hidden;
  }

  /**
   * Somebody else's words about what is at `path`, without secrets; null if they cannot be told. About a secret they
   * are told only if they have nothing in common with it, whatever they did to it.
   */
  scrub(message: string, path: ConfigPath): string | null {
    if (this.#touches(path) && this.#resembles(message, HUNTED_LENGTH_MIN)) return null;
    if (looksSecret(message)) return null;
    let clean = message;
    for (const text of this.#hunted()) {
      for (const form of [text, JSON.stringify(text).slice(1, -1)]) clean = clean.replaceAll(form, REDACTED);
    }
    // Cut off, escaped twice or in capitals it is still the secret.
    return this.#resembles(clean, RESEMBLANCE_LENGTH_MIN) ? null : clean;
  }

  #byName(path: ConfigPath): boolean {
    if (this.#secretKeys.some((pattern) => pattern.covers(path))) return true;
    const isNamed = path.some((segment) => typeof segment === 'string' && isSecretName(segment));
    return isNamed && !this.#plainKeys.some((pattern) => pattern.covers(path));
  }

  /** Length of the path to the outermost value on the way that was made from a secret. */
  #made(path: ConfigPath): number | null {
    for (let length = 0; length <= path.length; length += 1) {
      const { node, depth } = follow(this.#root, path.slice(0, length));
      if (depth < length) return null;
      if (node.secret) return length;
    }
    return null;
  }

  #touches(path: ConfigPath): boolean {
    return this.#byName(path) || this.#made(path) !== null;
  }

  #hide({ source, at, end }: Spot): void {
    const ranges = this.#hidden.get(source) ?? [];
    ranges.push([at, end]);
    this.#hidden.set(source, ranges);
  }

  #collect(secret: ConfigNode): void {
    walk(secret, (node, path) => {
      if (node.kind === 'scalar' && (typeof node.value === 'string' || typeof node.value === 'number')) {
        const text = String(node.value);
        // `tokens = [{ token = "…", scopes = ["read"] }]`: beside the secrets there are everyday words.
        const called = path.findLast((segment) => typeof segment === 'string');
        const isBeside = !node.secret && called !== undefined && !isSecretName(called);
        if (text.length >= (isBeside ? BESIDE_LENGTH_MIN : 1)) this.#texts.add(text);
      }
      if (node.kind === 'object' && node.secret) for (const key of node.members.keys()) this.#texts.add(key);
      return true;
    });
  }

  /** The longest first, so that one that contains another is replaced whole. */
  #hunted(): readonly string[] {
    this.#longestFirst ??= [...this.#texts]
      .filter((text) => text.length >= HUNTED_LENGTH_MIN)
      .toSorted((one, other) => other.length - one.length);
    return this.#longestFirst;
  }

  #huntedIn(value: string): boolean {
    return this.#hunted().some((text) => value.includes(text));
  }

  /** Whether a text shares so many characters in a row with any secret. */
  #resembles(message: string, length: number): boolean {
    const folded = message.toLowerCase();
    const pieces = new Set<string>();
    for (let at = 0; at + length <= folded.length; at += 1) pieces.add(folded.slice(at, at + length));
    return [...this.#texts].some((text) => {
      const secret = text.toLowerCase();
      // A shorter one is told by itself where the words are about it; elsewhere it is a word like any other.
      if (secret.length <= length) return length === HUNTED_LENGTH_MIN && folded.includes(secret);
      for (let at = 0; at + length <= secret.length; at += 1) {
        if (pieces.has(secret.slice(at, at + length))) return true;
      }
      return false;
    });
  }
}

/** A path as it may be told where several configurations, such as the one before and the one after, know secrets. */
export function shownPath(path: ConfigPath, all: readonly Secrets[]): ConfigPath {
  const told = all
    .map((secrets) => secrets.tellablePath(path))
    .reduce((one, other) => (other.length < one.length ? other : one), path);
  return told.map((segment, index) =>
    all.some((secrets) => secrets.hidesSegment(path, index)) ? REDACTED : segment,
  );
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return (
    typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function'
  );
}

function looksSecretNode(node: ConfigNode): boolean {
  return node.kind === 'scalar' && typeof node.value === 'string' && looksSecret(node.value);
}

/** What a schema made of a value may be no plain value any more: then its kind is told. */
function plainScalar(value: unknown): ConfigValue {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  ) {
    return value;
  }
  if (typeof value === 'bigint') return String(value);
  return `(${value === undefined ? 'undefined' : typeof value})`;
}
