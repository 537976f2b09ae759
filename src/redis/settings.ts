import { SettingsError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { parseConnectionString } from './connection-string.ts';
import {
  CLIENT_NAME,
  DEFAULT_TLS,
  KEEP_ALIVE_RANGE,
  type RedisSettings,
  type RedisSettingsInput,
  type RedisTls,
  TIMEOUT_RANGE,
} from './settings-shape.ts';

export * from './settings-shape.ts';
export { describeRedis } from './settings-text.ts';

/**
 * Understands a connection string of any form, or an object that adds to one what no string can hold.
 *
 * @throws SettingsError `REDIS_SETTINGS_INVALID` with the place (1-based column) and never a secret
 * @example
 * parseRedis('rediss://conclave:secret@redis.internal:6380/0');
 * parseRedis({ url: 'rediss://cache.internal', credentials: async () => ({ username: 'app', password: await token() }) });
 */
export function parseRedis(input: string | RedisSettingsInput): RedisSettings {
  if (typeof input === 'string') return parseConnectionString(input);
  if (typeof input !== 'object' || input === null)
    throw invalid(`expected a connection string or an object with a url, but got ${typeOf(input)}.`);
  for (const key of Object.keys(input)) if (!isField(key)) throw unknownField(key);
  if (typeof input.url !== 'string')
    throw invalid(`url must be a connection string, but is ${typeOf(input.url)}.`);
  const settings = parseConnectionString(input.url);
  const { credentials, clientName } = input;
  checkCredentials(credentials);
  if (clientName !== undefined && !(typeof clientName === 'string' && CLIENT_NAME.test(clientName)))
    throw invalid('clientName must be 1 to 64 characters without spaces.');
  return {
    ...settings,
    ...withTls(settings, input.tls),
    ...(credentials !== undefined && { credentials }),
    connectTimeoutMs: numberIn(input, 'connectTimeoutMs', TIMEOUT_RANGE) ?? settings.connectTimeoutMs,
    commandTimeoutMs: numberIn(input, 'commandTimeoutMs', TIMEOUT_RANGE) ?? settings.commandTimeoutMs,
    keepAliveMs: numberIn(input, 'keepAliveMs', KEEP_ALIVE_RANGE) ?? settings.keepAliveMs,
    clientName: clientName ?? settings.clientName,
  };
}

const FIELDS = [
  'url',
  'credentials',
  'tls',
  'connectTimeoutMs',
  'commandTimeoutMs',
  'keepAliveMs',
  'clientName',
] as const satisfies readonly (keyof RedisSettingsInput)[];
const TLS_FIELDS = Object.keys(DEFAULT_TLS);

const isField = (key: string): boolean => (FIELDS as readonly string[]).includes(key);

const invalid = (problem: string): SettingsError =>
  new SettingsError('REDIS_SETTINGS_INVALID', `Redis settings: ${problem}`);

function unknownField(key: string, known: readonly string[] = FIELDS): SettingsError {
  const meant = nearest(key, known);
  return invalid(
    `there is no "${key}"; ${meant === null ? `there are ${known.join(', ')}` : `did you mean ${meant}`}${meant === null ? '.' : '?'}`,
  );
}

const typeOf = (value: unknown): string => (value === null ? 'null' : typeof value);

function numberIn(
  input: RedisSettingsInput,
  field: 'connectTimeoutMs' | 'commandTimeoutMs' | 'keepAliveMs',
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const value: unknown = input[field];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(
    `${field} is ${typeof value === 'number' ? value : typeOf(value)}, but must be a whole number of milliseconds from ${min} to ${max}.`,
  );
}

function checkCredentials(credentials: unknown): void {
  if (credentials === undefined || typeof credentials === 'function') return;
  if (typeof credentials !== 'object' || credentials === null)
    throw invalid(`credentials must be an object or a function, but are ${typeOf(credentials)}.`);
  const { username, password } = credentials as Readonly<Record<string, unknown>>;
  if (typeof password !== 'string')
    throw invalid(`credentials.password must be a string, but is ${typeOf(password)}.`);
  if (username !== null && typeof username !== 'string')
    throw invalid(`credentials.username must be a string or null, but is ${typeOf(username)}.`);
}

function withTls(
  settings: RedisSettings,
  tls: RedisSettingsInput['tls'],
): Pick<RedisSettings, 'tls' | 'topology'> {
  const { topology } = settings;
  const resolved = resolveTls(settings.tls, tls);
  if (resolved !== null && topology.kind === 'socket')
    throw invalid('a Unix socket has no TLS; leave tls out.');
  // Sentinels are reached as the servers are, unless the string says otherwise.
  const alike = topology.kind === 'sentinel' && (topology.tls === null) === (settings.tls === null);
  return { tls: resolved, topology: alike ? { ...topology, tls: resolved } : topology };
}

function resolveTls(written: RedisTls | null, tls: RedisSettingsInput['tls']): RedisTls | null {
  if (tls === undefined) return written;
  if (tls === false) return null;
  if (tls === true) return written ?? DEFAULT_TLS;
  if (typeof tls !== 'object' || tls === null)
    throw invalid(`tls must be true, false or an object, but is ${typeOf(tls)}.`);
  for (const key of Object.keys(tls)) if (!TLS_FIELDS.includes(key)) throw unknownField(key, TLS_FIELDS);
  checkTls(tls);
  return { ...DEFAULT_TLS, ...written, ...tls };
}

function checkTls({ ca, cert, key, serverName, verify }: Readonly<Record<string, unknown>>): void {
  for (const [field, source] of Object.entries({ ca, cert, key }))
    if (source !== undefined && source !== null && !isPemSource(source))
      throw invalid(`tls.${field} must be { file: PATH } or { pem: TEXT }, but is ${typeOf(source)}.`);
  if (serverName !== undefined && serverName !== null && typeof serverName !== 'string')
    throw invalid(`tls.serverName must be a string, but is ${typeOf(serverName)}.`);
  if (verify !== undefined && typeof verify !== 'boolean')
    throw invalid(`tls.verify must be true or false, but is ${typeOf(verify)}.`);
}

function isPemSource(source: unknown): boolean {
  if (typeof source !== 'object' || source === null) return false;
  const { pem, file } = source as Readonly<Record<string, unknown>>;
  return typeof (pem ?? file) === 'string';
}
