import { isIP } from 'node:net';
import { SettingsError } from '../errors.ts';

/**
 * By which names a member may be asked for. A page of a browser can make a name of its own lead to this host (DNS
 * rebinding) and then read what is answered under it, or have requests sent here (CSRF). So a request is served only
 * under a name that is expected; an address is one, because a foreign page cannot have it for its own.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  /** `.example.com` for `*.example.com`. */
  readonly #endings: readonly string[];
  readonly #all: boolean;

  /**
   * @param allowed `conclave.example.com`, `*.example.com`, or `*` for any name
   * @throws SettingsError `SETTINGS_INVALID`
   */
  constructor(allowed: readonly string[]) {
    const names = allowed.map(checked);
    this.#all = names.includes('*');
    this.#endings = names.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
    this.#names = new Set(['localhost', ...names]);
  }

  /** @param authority as in the `Host` header: `localhost:8080`, `[::1]:8080` */
  allows(authority: string): boolean {
    const name = nameOf(authority);
    if (name === null) return false;
    if (this.#all || isIP(name) !== 0 || this.#names.has(name)) return true;
    return this.#endings.some((ending) => name.length > ending.length && name.endsWith(ending));
  }
}

/** The name in an authority, in lower case, without port, brackets and a dot at the end; null if it is none. */
export function nameOf(authority: string): string | null {
  const [, address, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority) ?? [];
  if (address !== undefined) return isIP(address) === 6 ? address.toLowerCase() : null;
  if (name === undefined) return null;
  const bare = name.toLowerCase().replace(/\.$/, '');
  return bare === '' ? null : bare;
}

/** Whether a page of this origin is one that was served under this authority. */
export function isOwnOrigin(origin: string, authority: string): boolean {
  const [, scheme, host] = /^(https?):\/\/([^/?#@\s]+)$/i.exec(origin) ?? [];
  if (scheme === undefined || host === undefined) return false;
  return withPort(host, scheme) === withPort(authority, scheme);
}

function withPort(authority: string, scheme: string): string {
  const lower = authority.toLowerCase();
  if (/:\d+$/.test(lower)) return lower;
  return `${lower}:${scheme.toLowerCase() === 'https' ? 443 : 80}`;
}

function checked(name: string, index: number): string {
  const lower = typeof name === 'string' ? name.trim().toLowerCase() : '';
  const plain = lower === '*' ? 'any' : lower.replace(/^\*\./, '');
  if (nameOf(plain) === plain && !/:\d+$/.test(plain)) return lower;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `allowedHosts[${index}] is ${JSON.stringify(name)}, but must be a host name without a port, *.NAME, or *.`,
  );
}
