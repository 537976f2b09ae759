import { createHash, timingSafeEqual } from 'node:crypto';
import { SettingsError } from '../errors.ts';

/**
 * Who may do what. A request shows a bearer token; tokens are kept and compared as hashes, each of them each time, so
 * that the time an answer takes tells nothing about any of them.
 */

/** What a token allows: `write` includes `read`, `admin` includes all. */
export type Scope = 'read' | 'reload' | 'write' | 'admin';

export const SCOPES: readonly Scope[] = ['read', 'reload', 'write', 'admin'];

/** A bearer token and what it is good for. */
export interface TokenOptions {
  /** The token itself: 16 characters of ASCII at least, none of them blank; each token once. */
  readonly token: string;
  readonly scopes: readonly Scope[];
  /** Who it was given to; stands in the audit log. Default `token-1`, `token-2`, … in their order. */
  readonly name?: string;
}

/** Shorter ones could be guessed. */
export const TOKEN_LENGTH_MIN = 16;
export const TOKENS_MAX = 1000;

export interface Bearer {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

const INCLUDED: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ['read'],
  reload: ['reload'],
  write: ['write', 'read'],
  admin: SCOPES,
};

export class Tokens {
  readonly #known: readonly { readonly hash: Buffer; readonly bearer: Bearer }[];

  /** @throws SettingsError `SETTINGS_INVALID`; its message never holds a token */
  constructor(options: readonly TokenOptions[]) {
    if (options.length > TOKENS_MAX)
      throw invalid(`tokens holds ${options.length}, but ${TOKENS_MAX} are the most.`);
    const places = new Map<string, number>();
    this.#known = options.map((each, index) => {
      const { token, scopes } = checked(each, index);
      // One of the two would be without effect: which scopes the token has could not be told.
      const same = places.get(token);
      if (same !== undefined)
        throw invalid(
          `tokens[${index}].token is the same as tokens[${same}].token. Give each its own, or one of them all scopes.`,
        );
      places.set(token, index);
      const name = each.name ?? `token-${index + 1}`;
      const bearer = { name, scopes: new Set(scopes.flatMap((scope) => INCLUDED[scope])) };
      return { hash: hashOf(token), bearer };
    });
  }

  get isEmpty(): boolean {
    return this.#known.length === 0;
  }

  /** Who shows this token, or null. */
  bearerOf(token: string): Bearer | null {
    const hash = hashOf(token);
    let found: Bearer | null = null;
    for (const each of this.#known) if (timingSafeEqual(each.hash, hash)) found ??= each.bearer;
    return found;
  }
}

/** The token of an `Authorization` header, or null if it holds none. */
export function bearerToken(header: string | undefined): string | null {
  return /^bearer +([^\s]+) *$/i.exec(header ?? '')?.[1] ?? null;
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

function checked({ token, scopes }: TokenOptions, index: number): TokenOptions {
  const where = `tokens[${index}]`;
  if (typeof token !== 'string' || token.length < TOKEN_LENGTH_MIN || !/^[!-~]+$/.test(token)) {
    const length = typeof token === 'string' ? `${token.length} characters` : typeof token;
    throw invalid(
      `${where}.token is ${length}, but must be ${TOKEN_LENGTH_MIN} characters of ASCII or more without blanks. Make one with: openssl rand -hex 32`,
    );
  }
  if (!Array.isArray(scopes) || scopes.length === 0)
    throw invalid(`${where}.scopes is empty. Choose from: ${SCOPES.join(', ')}.`);
  const unknown = (scopes as readonly unknown[]).find((scope) => !SCOPES.some((each) => each === scope));
  if (unknown !== undefined)
    throw invalid(
      `${where}.scopes holds ${JSON.stringify(unknown)}, which is none. Choose from: ${SCOPES.join(', ')}.`,
    );
  return { token, scopes };
}

const invalid = (message: string): SettingsError => new SettingsError('SETTINGS_INVALID', message);
