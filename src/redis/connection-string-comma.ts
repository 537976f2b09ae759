import { nearest } from '../suggest.ts';
import { COMMA_KEYS, takeCommandMap } from './connection-string-comma-keys.ts';
import { complete, type Draft, newDraft } from './connection-string-draft.ts';
import { parseEndpoint, type WrittenEndpoint } from './connection-string-endpoints.ts';
import { cut, type Piece, refuse, trim } from './connection-string-text.ts';
import type { RedisSettings } from './settings-shape.ts';

/**
 * Connection strings of the comma form: `host:port,host:port,key=value,…`. Keys are not case-sensitive, the first `=`
 * separates key and value, empty parts are skipped. A value in double quotes may contain commas (`""` is a quote).
 */

const ENDPOINTS_MAX = 64;

const KEYS_BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  Object.keys(COMMA_KEYS).map((key) => [key.toLowerCase(), key]),
);

/** @throws SettingsError with the column of what is wrong */
export function parseCommaForm(whole: Piece): RedisSettings {
  const draft = newDraft('comma');
  const endpoints: WrittenEndpoint[] = [];
  const seen = new Map<string, number>();
  let passwordAt: number | null = null;
  for (const token of tokensOf(whole)) {
    const [left, written] = cut(token, '=');
    const value = written === null || token.quoted ? written : trim(written);
    if (value === null) {
      if (passwordAt !== null && !isUnmistakableEndpoint(token.text))
        throw commaInPassword(token, passwordAt);
      if (KEYS_BY_LOWER_CASE.has(token.text.toLowerCase()))
        throw refuse(
          token.at,
          'this is a key without a value; write key=value, or host:port if it is the name of a host.',
        );
      takeEndpoint(draft, endpoints, token);
      continue;
    }
    const key = takeKey(draft, left, value, { passwordAt });
    const before = seen.get(key);
    if (before !== undefined && !key.startsWith('$'))
      throw refuse(token.at, `${key} is given twice, here and in column ${before + 1}.${hint(passwordAt)}`);
    seen.set(key, token.at);
    if (/password$/i.test(key)) passwordAt ??= token.at;
  }
  draft.endpoints = endpoints;
  return complete(draft);
}

interface Token extends Piece {
  readonly quoted: boolean;
}

/** Parts between commas, trimmed, without empty ones; a quoted value is one part, its quotes removed. */
function tokensOf({ text, at }: Piece): Token[] {
  const tokens: Token[] = [];
  let begin = 0;
  while (begin <= text.length) {
    const quote = /^\s*[A-Za-z]+\s*=\s*"/.exec(text.slice(begin));
    const quoted = quote === null ? null : quotedPart(text, begin, begin + quote[0].length, at);
    const comma = text.indexOf(',', begin);
    const end = comma === -1 ? text.length : comma;
    const token = quoted?.token ?? {
      ...trim({ text: text.slice(begin, end), at: at + begin }),
      quoted: false,
    };
    if (token.text !== '') tokens.push(token);
    begin = (quoted?.end ?? end) + 1;
  }
  return tokens;
}

/** `key="value"` from `begin` on, with the value at `open`. */
function quotedPart(
  text: string,
  begin: number,
  open: number,
  at: number,
): { readonly token: Token; readonly end: number } {
  const closing = /^((?:[^"]|"")*)"\s*(?:,|$)/.exec(text.slice(open));
  if (closing === null)
    throw refuse(
      at + open - 1,
      'a value that begins with a double quote must end with one, before the next comma or the end; a quote inside is written twice.',
    );
  const [matched, value = ''] = closing;
  const end = open + matched.length - (matched.endsWith(',') ? 1 : 0);
  const key = text.slice(begin, open - 1);
  const token = trim({ text: key, at: at + begin });
  return { token: { text: token.text + value.replaceAll('""', '"'), at: token.at, quoted: true }, end };
}

function takeEndpoint(draft: Draft, endpoints: WrittenEndpoint[], token: Piece): void {
  if (token.text.startsWith('!')) {
    if (draft.socket !== null) throw refuse(token.at, 'there can be only one Unix socket.');
    draft.socket = socketPath({ text: token.text.slice(1), at: token.at + 1 });
    return;
  }
  if (endpoints.length === ENDPOINTS_MAX)
    throw refuse(token.at, `there are more than ${ENDPOINTS_MAX} endpoints.`);
  endpoints.push(parseEndpoint(token));
}

function socketPath({ text, at }: Piece): string {
  if (text.startsWith('@'))
    throw refuse(
      at,
      'sockets without a file ("!@name") are not reachable from Node; give the server a path.',
    );
  if (!text.startsWith('/') || text === '/' || text.includes('\0'))
    throw refuse(at, 'behind the "!" there must be the absolute path of a Unix socket.');
  return text;
}

/** Takes one key and returns its name as it is usually spelt. */
function takeKey(
  draft: Draft,
  left: Piece,
  value: Piece,
  { passwordAt }: { readonly passwordAt: number | null },
): string {
  const written = left.text.trim();
  if (written.startsWith('$')) {
    if (passwordAt !== null && !/^\$[A-Za-z|]+$/.test(written)) throw commaInPassword(left, passwordAt);
    takeCommandMap(draft, { text: written.slice(1), at: left.at + 1 });
    return '$';
  }
  const key = KEYS_BY_LOWER_CASE.get(written.toLowerCase());
  const rule = key === undefined ? undefined : COMMA_KEYS[key];
  if (key === undefined || rule === undefined) {
    const meant = nearest(written, Object.keys(COMMA_KEYS));
    const known = meant === null ? 'see docs/redis.md for those there are' : `did you mean ${meant}?`;
    throw refuse(left.at, `there is no such key; ${known}.${hint(passwordAt)}`.replace('?.', '?'));
  }
  if ('refused' in rule) throw refuse(left.at, `${key}: ${rule.refused}`);
  if ('note' in rule) draft.notes.push(`${key} is ignored: ${rule.note}`);
  else rule.take(draft, value);
  return key;
}

/** After a password, something without a port is the rest of it rather than a host. */
function isUnmistakableEndpoint(text: string): boolean {
  return /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/.test(text);
}

const COMMA_HINT =
  'If it belongs to the password: a password with a comma must be in double quotes, password="…", or %2C in a URL.';

const hint = (passwordAt: number | null): string => (passwordAt === null ? '' : ` ${COMMA_HINT}`);

function commaInPassword({ at }: Piece, passwordAt: number) {
  return refuse(
    at,
    `this is neither key=value nor host:port. It follows the password of column ${passwordAt + 1}. ${COMMA_HINT}`,
  );
}
