import { createHmac } from 'node:crypto';
import { readInside } from './root-files.ts';
import { isSecretName, looksSecret } from '../redact-names.ts';

/** What a configuration may refer to, given by the caller. Nothing is looked up anywhere else. */
export interface ConfigReferences {
  /** What `env()` reads, usually `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What a value is that depends on a reference that cannot be answered and has no default. Without it, that is refused. */
  readonly standIn?: string;
  /** Environment variables that are secret besides those whose names say so; `*` stands for any characters. */
  readonly secretEnvironment?: readonly string[];
  /** The directory that `file()` stays in, symbolic links resolved; without it there is no `file()`. */
  readonly root?: string;
  /** What `secret()` asks; without it there is no `secret()`. */
  readonly secret?: (reference: string) => string | Promise<string>;
}

export type ReferenceKind = 'env' | 'file' | 'secret';

/** One thing outside that a configuration read. Shows its name, never its value. */
export class Dependency {
  readonly kind: ReferenceKind;
  readonly name: string;
  readonly #value: string | null;

  constructor(kind: ReferenceKind, name: string, value: string | null) {
    this.kind = kind;
    this.name = name;
    this.#value = value;
  }

  /** Whether it was there. */
  get found(): boolean {
    return this.#value !== null;
  }

  /** A keyed hash of the value: the same exactly if the value is the same. */
  digest(key: string): string {
    const hash = createHmac('sha256', key).update(JSON.stringify([this.kind, this.name, this.#value]));
    return hash.digest('hex');
  }
}

/** One keyed hash of all dependencies, whatever their order; null if there are none. */
export function digestDependencies(dependencies: readonly Dependency[], key: string): string | null {
  if (dependencies.length === 0) return null;
  const each = dependencies.map((dependency) => dependency.digest(key)).toSorted();
  return createHmac('sha256', key).update(each.join('\n')).digest('hex');
}

export type Answer =
  | { readonly state: 'pending' }
  /** The limit is reached; whatever it may be, it is not looked up. */
  | { readonly state: 'tooMany' }
  | { readonly state: 'found'; readonly value: string; readonly secret: boolean }
  /** `transient`: may be there when asked again. */
  | { readonly state: 'missing'; readonly reason: string; readonly transient: boolean };

/** More different references than these are refused. */
export const REFERENCES_MAX = 256;
/** What they stand for may have this many characters in all. */
export const REFERRED_CHARACTERS_MAX = 16 * 1024 * 1024;
/** A reference whose name comes out of another one takes one more round; this many are made. */
export const ROUNDS_MAX = 8;

const tooLong: Answer = {
  state: 'missing',
  reason: `all that is referred to has more than ${REFERRED_CHARACTERS_MAX} characters`,
  transient: false,
};

const pending: Answer = { state: 'pending' };

/**
 * Answers references during reading, which does not wait: what is not known yet is noted and fetched between two
 * readings, all at once. So reading stays a function of text and table, and secrets are fetched side by side.
 */
export class ReferenceTable {
  readonly #given: ConfigReferences;
  readonly #answers = new Map<string, Answer>();
  readonly #dependencies = new Map<string, Dependency>();
  readonly #wanted = new Map<string, () => Promise<Answer>>();
  #characters = 0;

  constructor(given: ConfigReferences) {
    this.#given = given;
  }

  get standIn(): string | null {
    return this.#given.standIn ?? null;
  }

  get dependencies(): readonly Dependency[] {
    return [...this.#dependencies.values()];
  }

  /** Whether something was missing that may be there when asked again. */
  get failedForNow(): boolean {
    return [...this.#answers.values()].some((answer) => answer.state === 'missing' && answer.transient);
  }

  ask(kind: ReferenceKind, name: string): Answer {
    const id = `${kind}:${name}`;
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    if (this.#answers.size + this.#wanted.size >= REFERENCES_MAX) {
      return { state: 'tooMany' };
    }
    if (kind === 'env') return this.#answer(id, kind, name, this.#environment(name));
    const { root, secret } = this.#given;
    if (kind === 'file') {
      if (root === undefined) return this.#answer(id, kind, name, unavailable('no configuration directory'));
      this.#wanted.set(id, async () => this.#answer(id, kind, name, await readInside(root, name)));
    } else {
      if (secret === undefined) return this.#answer(id, kind, name, unavailable('no provider of secrets'));
      this.#wanted.set(id, async () => this.#answer(id, kind, name, await fetched(secret, name)));
    }
    return pending;
  }

  /** Fetches what was asked for in vain; false if nothing was. */
  async fetch(): Promise<boolean> {
    const wanted = [...this.#wanted.values()];
    this.#wanted.clear();
    await Promise.all(wanted.map((each) => each()));
    return wanted.length > 0;
  }

  #environment(name: string): Answer {
    const value = Object.hasOwn(this.#given.environment, name) ? this.#given.environment[name] : undefined;
    if (value === undefined) return { state: 'missing', reason: 'it is not set', transient: false };
    const marked = (this.#given.secretEnvironment ?? []).some((pattern) => matchesName(pattern, name));
    return { state: 'found', value, secret: marked || isSecretName(name) || looksSecret(value) };
  }

  #answer(id: string, kind: ReferenceKind, name: string, found: Answer): Answer {
    if (found.state === 'found') this.#characters += found.value.length;
    const answer = this.#characters > REFERRED_CHARACTERS_MAX ? tooLong : found;
    this.#answers.set(id, answer);
    this.#dependencies.set(id, new Dependency(kind, name, answer.state === 'found' ? answer.value : null));
    return answer;
  }
}

function unavailable(what: string): Answer {
  return { state: 'missing', reason: `${what} was given`, transient: false };
}

async function fetched(
  secret: (reference: string) => string | Promise<string>,
  name: string,
): Promise<Answer> {
  try {
    const value: unknown = await secret(name);
    if (typeof value === 'string') return { state: 'found', value, secret: true };
    return { state: 'missing', reason: 'its provider gave no text', transient: false };
  } catch (error) {
    // What a provider says may hold what it knows; only a code is sure to be none of it.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const shown = /^[A-Z][A-Z_]{2,30}$/.test(code) ? ` (${code})` : '';
    return { state: 'missing', reason: `its provider failed${shown}`, transient: true };
  }
}

function matchesName(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
