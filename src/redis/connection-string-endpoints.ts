import { type Piece, refuse, split, trim } from './connection-string-text.ts';
import type { RedisEndpoint } from './settings-shape.ts';

/** An endpoint as it was written: its port may be left to the default of the topology. */
export interface WrittenEndpoint {
  readonly host: string;
  readonly port: number | null;
}

/** More are no list of seeds any more. */
const ENDPOINTS_MAX = 64;
const HOST_MAX_LENGTH = 253;

/** @throws SettingsError with the column of what is wrong */
export function parseEndpoints(piece: Piece): WrittenEndpoint[] {
  const pieces = split(piece, ',').map(trim);
  if (pieces.length > ENDPOINTS_MAX)
    throw refuse(piece.at, `there are ${pieces.length} endpoints; ${ENDPOINTS_MAX} are the most.`);
  return pieces.map(parseEndpoint);
}

/**
 * `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
 *
 * @throws SettingsError with the column of what is wrong
 */
export function parseEndpoint({ text, at }: Piece): WrittenEndpoint {
  if (text === '') throw refuse(at, 'an endpoint is missing here; write host or host:port.');
  const bracketed = /^\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [whole, address = '', port] = bracketed;
    return {
      host: address,
      port: port === undefined ? null : parsePort(port, at + whole.length - port.length),
    };
  }
  if (/^[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.]*$/.test(text)) return { host: text, port: null };
  const colon = text.indexOf(':');
  const host = colon === -1 ? text : text.slice(0, colon);
  checkHost(host, at);
  return { host, port: colon === -1 ? null : parsePort(text.slice(colon + 1), at + colon + 1) };
}

function checkHost(host: string, at: number): void {
  if (host === '') throw refuse(at, 'the host is missing before the ":".');
  const strange = /[^\p{L}\p{N}._-]/u.exec(host);
  if (strange !== null)
    throw refuse(
      at + strange.index,
      'this character cannot be part of a host name. If it belongs to a password, see how passwords are written: percent-encoded in a URL, in double quotes in the comma form.',
    );
  if (host.length > HOST_MAX_LENGTH)
    throw refuse(at, `a host name has at most ${HOST_MAX_LENGTH} characters; this one has ${host.length}.`);
}

function parsePort(text: string, at: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw refuse(
      at,
      'what follows the ":" must be a port, 1 to 65535. If it is a password, it belongs before an "@": redis://user:password@host:port.',
    );
  return port;
}

/** Each endpoint once, with its port. */
export function withPorts(
  written: readonly WrittenEndpoint[],
  defaultPort: (host: string) => number,
): RedisEndpoint[] {
  const seen = new Set<string>();
  const endpoints: RedisEndpoint[] = [];
  for (const { host, port } of written) {
    const endpoint = { host, port: port ?? defaultPort(host) };
    const key = endpointText(endpoint).toLowerCase();
    if (!seen.has(key)) endpoints.push(endpoint);
    seen.add(key);
  }
  return endpoints;
}

/** As it is written: `host:port`, an IPv6 address in brackets. */
export function endpointText({ host, port }: RedisEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
