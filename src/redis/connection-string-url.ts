import { nearest } from '../suggest.ts';
import { complete, type Draft, newDraft } from './connection-string-draft.ts';
import { parseEndpoints } from './connection-string-endpoints.ts';
import { booleanOf, cut, integerOf, type Piece, refuse, split } from './connection-string-text.ts';
import {
  CLIENT_NAME,
  TIMEOUT_RANGE,
  KEEP_ALIVE_RANGE,
  type PemSource,
  type RedisSettings,
} from './settings-shape.ts';

/** Connection strings written as URLs: `scheme://user:password@endpoints/path?parameters`. */

interface Scheme {
  readonly tls: boolean | null;
  readonly kind: 'redis' | 'sentinel' | 'cluster' | 'socket';
}

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ...['redis', 'valkey'].flatMap((name): [string, Scheme][] => [
    [name, { tls: null, kind: 'redis' }],
    [`${name}s`, { tls: true, kind: 'redis' }],
    [`${name}+tls`, { tls: true, kind: 'redis' }],
    [`${name}+ssl`, { tls: true, kind: 'redis' }],
    ...['+', '-'].flatMap((sign): [string, Scheme][] => [
      [`${name}${sign}sentinel`, { tls: null, kind: 'sentinel' }],
      [`${name}s${sign}sentinel`, { tls: true, kind: 'sentinel' }],
      [`${name}${sign}cluster`, { tls: null, kind: 'cluster' }],
      [`${name}s${sign}cluster`, { tls: true, kind: 'cluster' }],
      [`${name}${sign}unix`, { tls: null, kind: 'socket' }],
      [`${name}${sign}socket`, { tls: null, kind: 'socket' }],
    ]),
  ]),
  ['unix', { tls: null, kind: 'socket' }],
]);

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const DATABASE_RANGE = { min: 0, max: 1_000_000 } as const;

/** Whether a connection string is a URL at all. */
export function isUrl(text: string): boolean {
  return SCHEME.test(text) || /^(redis[+-])?unix:/i.test(text);
}

/** @throws SettingsError with the column of what is wrong */
export function parseUrl(whole: Piece): RedisSettings {
  const draft = newDraft('url');
  const prefix = SCHEME.exec(whole.text)?.[0] ?? whole.text.slice(0, whole.text.indexOf(':') + 1);
  const scheme = SCHEMES.get(prefix.replace(/:.*/, '').toLowerCase());
  if (scheme === undefined)
    throw refuse(
      whole.at,
      'this scheme is none of redis://, rediss://, redis+sentinel://, redis+cluster:// and unix://.',
    );
  const rest = { text: whole.text.slice(prefix.length), at: whole.at + prefix.length };
  draft.tls = scheme.tls;
  draft.mode = scheme.kind === 'redis' || scheme.kind === 'socket' ? null : scheme.kind;
  const { userInfo, authority, path, query, fragment } = partsOf(rest);
  if (userInfo !== null) takeUserInfo(draft, userInfo, authority);
  if (query !== null) takeParameters(draft, query);
  if (scheme.kind === 'socket') takeSocket(draft, authority, path);
  else {
    if (authority.text !== '') draft.endpoints = parseEndpoints(authority);
    takePath(draft, path, scheme.kind);
  }
  if (fragment !== null) takeFragment(draft, fragment, scheme.kind);
  return complete(draft);
}

interface Parts {
  readonly userInfo: Piece | null;
  readonly authority: Piece;
  readonly path: Piece;
  readonly query: Piece | null;
  readonly fragment: Piece | null;
}

/** Takes the string apart, and tells of an `@` where none can be: then something in the password is not encoded. */
function partsOf(rest: Piece): Parts {
  const end = rest.text.search(/[/?#]/);
  const authorityEnd = end === -1 ? rest.text.length : end;
  const stray = rest.text.indexOf('@', authorityEnd);
  if (stray !== -1)
    throw refuse(
      rest.at + authorityEnd,
      `there is an "@" behind this "${rest.text[authorityEnd]}". In a user name or password write / as %2F, ? as %3F, # as %23 and @ as %40; behind the host, write @ as %40.`,
    );
  const at = rest.text.lastIndexOf('@', authorityEnd);
  const first = rest.text.indexOf('@');
  if (first !== at)
    throw refuse(rest.at + first, 'there is more than one "@". In a user name or password write it as %40.');
  const [beforeFragment, fragment] = cut(rest, '#');
  const [beforeQuery, query] = cut(beforeFragment, '?');
  const pathAt = beforeQuery.text.indexOf('/');
  const pathBegin = pathAt === -1 ? beforeQuery.text.length : pathAt;
  return {
    userInfo: at === -1 ? null : { text: rest.text.slice(0, at), at: rest.at },
    authority: { text: beforeQuery.text.slice(at + 1, pathBegin), at: rest.at + at + 1 },
    path: { text: beforeQuery.text.slice(pathBegin), at: rest.at + pathBegin },
    query,
    fragment,
  };
}

function takeUserInfo(draft: Draft, userInfo: Piece, authority: Piece): void {
  const [user, password] = cut(userInfo, ':');
  if (password === null)
    throw refuse(
      userInfo.at,
      userInfo.text === ''
        ? 'nothing stands before the "@"; leave it out, or write user:password@.'
        : 'what stands before the "@" may be a user or a password. Write user:password@, or :password@ for the default user, or user:@ for a user without a password.',
    );
  if (authority.text === '' && user.text !== '' && password.text === '')
    throw refuse(authority.at, 'the host is missing behind the "@".');
  const secret = decode(password, 'the password');
  draft.username = user.text === '' ? null : decode(user, 'the user name');
  draft.password = secret;
  if (secret === '' && draft.username === null) {
    draft.password = null;
    draft.notes.push('The password is empty: connecting without one.');
  }
}

/** @throws SettingsError that does not repeat what cannot be decoded */
function decode({ text, at }: Piece, what: string): string {
  const wrong = /%(?![0-9A-Fa-f]{2})/.exec(text);
  if (wrong !== null)
    throw refuse(
      at + wrong.index,
      `a "%" in ${what} must be followed by two hexadecimal digits; write % itself as %25.`,
    );
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(at, `the %-escapes in ${what} are not UTF-8.`);
  }
}

function takeSocket(draft: Draft, authority: Piece, path: Piece): void {
  if (authority.text !== '')
    throw refuse(authority.at, 'a Unix socket has no host; write its absolute path: unix:///run/redis.sock.');
  const socket = decode(path, 'the path');
  if (!socket.startsWith('/') || socket === '/' || socket.includes('\0'))
    throw refuse(path.at, 'the absolute path of the socket is missing: unix:///run/redis.sock.');
  draft.socket = socket;
}

function takePath(draft: Draft, path: Piece, kind: Scheme['kind']): void {
  const [, first, second, ...more] = split(path, '/');
  const [excess] = more;
  if (excess !== undefined && (more.length > 1 || excess.text !== ''))
    throw refuse(excess.at, 'the path has too many parts.');
  if (kind !== 'sentinel') {
    if (second !== undefined && second.text !== '')
      throw refuse(second.at, 'the path is the number of a database, and nothing more.');
    takeDatabase(draft, first);
    return;
  }
  const isDatabase = first === undefined || /^\d*$/.test(first.text);
  if (draft.sentinelName !== null || (isDatabase && second === undefined)) {
    // The name is a parameter, or follows behind the "#".
    takeDatabase(draft, first);
    return;
  }
  draft.sentinelName = nameOf(first ?? path);
  takeDatabase(draft, second);
}

function nameOf(piece: Piece): string {
  const name = decode(piece, 'the name of the primary');
  if (!/^[\w.:-]+$/.test(name))
    throw refuse(piece.at, 'the name of the primary consists of letters, digits and the signs . : - _');
  return name;
}

function takeDatabase(draft: Draft, piece: Piece | undefined): void {
  if (piece === undefined || piece.text === '') return;
  if (draft.databaseAt !== null) throw refuse(piece.at, 'the database is given twice.');
  draft.database = integerOf(piece, 'the database', DATABASE_RANGE);
  draft.databaseAt = piece.at;
}

function takeFragment(draft: Draft, fragment: Piece, kind: Scheme['kind']): void {
  if (kind !== 'sentinel')
    throw refuse(fragment.at - 1, 'a "#" has no meaning here; in a password write it as %23.');
  if (draft.sentinelName !== null) throw refuse(fragment.at, 'the name of the primary is given twice.');
  draft.sentinelName = nameOf(fragment);
}

type Take = (draft: Draft, value: Piece) => void;

const pem =
  (field: 'ca' | 'cert' | 'key', name: string): Take =>
  (draft, piece) => {
    if (piece.text === '') throw refuse(piece.at, `${name} must be the path of a PEM file.`);
    const source: PemSource = { file: piece.text };
    draft.tlsDetails = { ...draft.tlsDetails, [field]: source };
  };

const milliseconds =
  (
    field: 'connectTimeoutMs' | 'commandTimeoutMs' | 'keepAliveMs',
    name: string,
    range: { readonly min: number; readonly max: number },
  ): Take =>
  (draft, piece) => {
    draft[field] = integerOf(piece, name, { ...range, unit: 'milliseconds' });
  };

const sentinelName: Take = (draft, piece) => {
  draft.sentinelName = nameOf(piece);
};

/** What may stand behind the "?". */
const PARAMETERS: Readonly<Record<string, Take>> = {
  db: takeDatabase,
  tls: (draft, piece) => {
    const tls = booleanOf(piece, 'tls');
    if (!tls && draft.tls === true)
      throw refuse(piece.at, 'the scheme asks for TLS; write redis:// instead of tls=false.');
    draft.tls = tls;
  },
  tls_ca: pem('ca', 'tls_ca'),
  tls_cert: pem('cert', 'tls_cert'),
  tls_key: pem('key', 'tls_key'),
  tls_server_name: (draft, piece) => {
    if (!/^[\p{L}\p{N}._:-]+$/u.test(piece.text))
      throw refuse(piece.at, 'tls_server_name must be a host name.');
    draft.tlsDetails = { ...draft.tlsDetails, serverName: piece.text };
  },
  tls_verify: (draft, piece) => {
    draft.tlsDetails = { ...draft.tlsDetails, verify: booleanOf(piece, 'tls_verify') };
  },
  mode: (draft, piece) => {
    const { text } = piece;
    if (text !== 'standalone' && text !== 'sentinel' && text !== 'cluster')
      throw refuse(piece.at, 'mode must be standalone, sentinel or cluster.');
    if (draft.mode !== null && draft.mode !== text) throw refuse(piece.at, 'the scheme says another mode.');
    draft.mode = text;
  },
  sentinelMasterId: sentinelName,
  sentinel_name: sentinelName,
  sentinel_username: (draft, piece) => {
    draft.sentinelUsername = piece.text;
    draft.sentinelAt ??= piece.at;
  },
  sentinel_password: (draft, piece) => {
    draft.sentinelPassword = piece.text;
    draft.sentinelAt ??= piece.at;
  },
  sentinel_tls: (draft, piece) => {
    draft.sentinelTls = booleanOf(piece, 'sentinel_tls');
    draft.sentinelAt ??= piece.at;
  },
  connect_timeout_ms: milliseconds('connectTimeoutMs', 'connect_timeout_ms', TIMEOUT_RANGE),
  command_timeout_ms: milliseconds('commandTimeoutMs', 'command_timeout_ms', TIMEOUT_RANGE),
  keep_alive_ms: milliseconds('keepAliveMs', 'keep_alive_ms', KEEP_ALIVE_RANGE),
  client_name: (draft, piece) => {
    if (!CLIENT_NAME.test(piece.text))
      throw refuse(piece.at, 'client_name must be 1 to 64 characters without spaces.');
    draft.clientName = piece.text;
  },
};

function takeParameters(draft: Draft, query: Piece): void {
  const seen = new Set<string>();
  for (const parameter of split(query, '&')) {
    if (parameter.text === '') continue;
    const [{ text: key, at }, value] = cut(parameter, '=');
    const take = Object.hasOwn(PARAMETERS, key) ? PARAMETERS[key] : undefined;
    if (take === undefined) {
      const meant = nearest(key, Object.keys(PARAMETERS));
      throw refuse(
        at,
        meant === null
          ? `there is no such parameter; there are ${Object.keys(PARAMETERS).join(', ')}.`
          : `there is no such parameter; did you mean ${meant}?`,
      );
    }
    if (value === null) throw refuse(at, `${key} has no value; write ${key}=VALUE.`);
    if (seen.has(key)) throw refuse(at, `${key} is given twice.`);
    seen.add(key);
    take(draft, { text: decode(value, key), at: value.at });
  }
}
