import { type ConfigNode, type ConfigPath, type ConfigValue, follow, walk } from './formats/config-node.ts';
import { PathPattern } from './formats/path-pattern.ts';
import type { SourceText } from './formats/source-text.ts';
import type { Hidden } from './diagnostic.ts';
import { isSecretName, looksSecret } from './redact-names.ts';

/**
 * What of a configuration must not be shown. Guarantee: a value is secret if it was made from a secret (`secret()`,
 * `file()`, secret environment variables), stands under a name that says so, was declared one, looks like one, or is
 * the same text as one that is. Whatever tells of configurations (differences, diagnostics, history) asks here.
 */

/** Stands where a secret stood. */
export const REDACTED = '***';

export interface SecretDeclarations {
  /** Keys that are secret besides those whose names say so; see {@link PathPattern}. */
  readonly secretKeys?: readonly string[];
  /** Keys that are named like secrets and are none. What was made from a secret stays one. */
  readonly plainKeys?: readonly string[];
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
  readonly #hidden = new Map<SourceText, Hidden[]>();
  readonly #texts = new Set<string>();
  #longestFirst: readonly string[] | null = null;

  /** @throws SettingsError `SETTINGS_INVALID`: a declaration is no pattern. */
  constructor(root: ConfigNode, declarations: SecretDeclarations = {}) {
    this.#root = root;
    this.#secretKeys = (declarations.secretKeys ?? []).map((text) => new PathPattern(text));
    this.#plainKeys = (declarations.plainKeys ?? []).map((text) => new PathPattern(text));
    walk(root, (node, path) => {
      if (!node.secret && !this.#byName(path) && !looksSecretNode(node)) return true;
      this.#hide(node);
      this.#collect(node);
      return false;
    });
  }

  /** Whether what is at this path, with this value, must not be shown. */
  isSecret(path: ConfigPath, value: unknown): boolean {
    if (this.#byName(path) || this.#made(path) !== null) return true;
    if (typeof value !== 'string') return false;
    return looksSecret(value) || this.#texts.has(value) || this.#huntedIn(value);
  }

  /** How far down a path may be told: what is inside a value made from a secret has its names from there. */
  shownPath(path: ConfigPath): ConfigPath {
    const made = this.#made(path);
    return made === null ? path : path.slice(0, made);
  }

  /** A copy of a plain value, such as a validated configuration, with `***` for each secret. */
  redact(value: unknown, path: ConfigPath = []): ConfigValue {
    if (path.length > 0 && this.isSecret(path, value)) return REDACTED;
    if (Array.isArray(value)) return value.map((item, index) => this.redact(item, [...path, index]));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([key, each]) => [key, this.redact(each, [...path, key])]);
      return Object.fromEntries(entries) as ConfigValue;
    }
    return plainScalar(value);
  }

  /** What an excerpt of the line at this offset must hide; null: the line shows a secret where it should not be. */
  hiddenAt(source: SourceText, at: number): readonly Hidden[] | null {
    const [start, end] = source.line(at);
    const hidden = this.hiddenIn(source).filter(([from, to]) => from < end && to > start);
    let line = source.text.slice(start, end);
    for (const [from, to] of hidden.toSorted(([one], [other]) => other - one)) {
      line = line.slice(0, Math.max(0, from - start)) + line.slice(Math.max(0, to - start));
    }
    return this.#huntedIn(line) ? null : hidden;
  }

  /** Stretches of this source that an excerpt must not show. */
  hiddenIn(source: SourceText): readonly Hidden[] {
    return this.#hidden.get(source) ?? [];
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

  #hide(node: ConfigNode): void {
    const ranges = this.#hidden.get(node.source) ?? [];
    ranges.push([node.at, node.end]);
    this.#hidden.set(node.source, ranges);
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
