import { StoreUnavailableError } from '../errors.ts';
import { describeRedis } from './settings-text.ts';
import type { RedisSettings } from './settings-shape.ts';

/** What a failed connection means, and what helps; the first that fits the error's code or text. */
interface Explanation {
  readonly fits: RegExp;
  readonly meaning: string;
}

const EXPLANATIONS: readonly Explanation[] = [
  {
    fits: /sentinel.*(NOAUTH|WRONGPASS|NOPERM)/i,
    meaning:
      'the Sentinels refuse us; if they have a user and password of their own, give them as ?sentinel_username=…&sentinel_password=… (sentinelUser, sentinelPassword)',
  },
  {
    fits: /WRONGPASS|invalid password|invalid username-password/i,
    meaning:
      'user or password are wrong (WRONGPASS); check both, and that special characters are percent-encoded in a URL',
  },
  {
    fits: /^NOAUTH|NOAUTH /,
    meaning: 'the server asks for a password and none was given (NOAUTH); write redis://user:password@host',
  },
  {
    fits: /NOPERM/,
    meaning:
      'the user may not do this (NOPERM); give it the rights listed in docs/redis.md, conclave doctor tells which are missing',
  },
  {
    fits: /AUTH.*without any password configured|no password is set/i,
    meaning: 'a password was given but the server asks for none; leave it out, or set one on the server',
  },
  {
    fits: /DB index is out of range/i,
    meaning: 'the server has no such database; use a smaller number, or 0',
  },
  {
    fits: /SELECT is not allowed in cluster mode/i,
    meaning:
      'this server is part of a cluster, which has database 0 only; write redis+cluster://host:port without a database',
  },
  {
    fits: /cluster support disabled|unknown command ['`]?cluster/i,
    meaning: 'this server is no cluster; write redis:// instead of redis+cluster://',
  },
  {
    fits: /max number of clients/i,
    meaning:
      'the server has as many connections as it allows; raise maxclients, or find out who holds them (CLIENT LIST)',
  },
  {
    fits: /protected mode/i,
    meaning:
      'the server runs in protected mode and answers only to its own host; set a password on it, and bind it to the right address',
  },
  {
    fits: /^LOADING|LOADING Redis/,
    meaning: 'the server is still loading its data (LOADING); it will answer by itself',
  },
  {
    fits: /MASTERDOWN/,
    meaning:
      'this is a replica that has lost its primary (MASTERDOWN); connect to the primary, or name all servers',
  },
  {
    fits: /READONLY/,
    meaning:
      'this is a read-only replica (READONLY); connect to the primary, or name all servers, Sentinels or the cluster',
  },
  {
    fits: /Protocol error|Unknown RESP type/i,
    meaning: 'what listens there is not Redis, or speaks TLS; check the port, and rediss:// against redis://',
  },
  {
    fits: /ERR_TLS_CERT_ALTNAME_INVALID/,
    meaning:
      'the certificate is made out to another name; connect by a name it holds, or say which one with tls_server_name',
  },
  {
    fits: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    meaning: 'the certificate is out of date (or the clock of this machine is wrong); renew it',
  },
  {
    fits: /SELF_SIGNED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|CERT_SIGNATURE/,
    meaning: 'the certificate is signed by nobody this process trusts; name the authority with tls_ca=FILE',
  },
  {
    fits: /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|CERTIFICATE_UNKNOWN|UNKNOWN_CA|BAD_CERTIFICATE/,
    meaning:
      'the server refuses our certificate or the lack of one; give it with tls_cert=FILE and tls_key=FILE',
  },
  {
    fits: /WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|ERR_SSL|EPROTO/i,
    meaning: 'it does not speak TLS there; use redis:// (or ssl=false), or the port that has TLS',
  },
  {
    fits: /ECONNREFUSED/,
    meaning: 'nothing listens there (ECONNREFUSED); check host and port, and that Redis runs',
  },
  {
    fits: /ENOTFOUND|EAI_AGAIN|EAI_NODATA/,
    meaning: 'the host name cannot be resolved; check its spelling and the name server',
  },
  { fits: /ENOENT/, meaning: 'there is no such socket file; check its path, and unixsocket in redis.conf' },
  {
    fits: /EACCES|EPERM/,
    meaning: 'the socket file may not be opened by this user; see unixsocketperm in redis.conf',
  },
  {
    fits: /EHOSTUNREACH|ENETUNREACH/,
    meaning: 'there is no way to this host from here; check network and firewall',
  },
  {
    fits: /sentinel.*unknown command/i,
    meaning: 'what answers there is no Sentinel; Sentinels usually listen on port 26379',
  },
  {
    fits: /Sentinels? .*(none|no such|knows nothing)|invalid reply: null/i,
    meaning:
      'the Sentinels know no primary of this name; compare it with "sentinel monitor" in their configuration',
  },
  {
    fits: /ETIMEDOUT|timed out/i,
    meaning:
      'it did not answer in time; check host, port and firewall, whether both sides agree on TLS (rediss:// or redis://), and whether the server is overloaded',
  },
];

const CLOSED = 'the connection was closed before it could be used';

/**
 * An error of a connection as it is told to people: where, what it means, what helps. What ioredis attaches to its
 * errors (the arguments of AUTH among them) is left behind.
 */
export function explainConnectionError(settings: RedisSettings, error: unknown): StoreUnavailableError {
  const where = `Redis at ${describeRedis(settings)}`;
  const told = redact(settings, rootOf(error));
  if (told.message.startsWith('Connection is closed')) return explainClosed(settings);
  if (/ECONNRESET|EPIPE/.test(told.code)) return explainClosed(settings, told.code);
  const found = EXPLANATIONS.find(({ fits }) => fits.test(told.code) || fits.test(told.message));
  const original =
    told.code === '' || told.message.includes(told.code) ? told.message : `${told.code} ${told.message}`;
  const message =
    found === undefined ? `${where}: ${original}.` : `${where}: ${found.meaning}. (${original})`;
  return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: false });
}

/** The other side hung up without a word. */
export function explainClosed(settings: RedisSettings, code = ''): StoreUnavailableError {
  const guess =
    settings.topology.kind === 'sentinel'
      ? 'the server that the Sentinels name is not the primary (a failover may be under way), or TLS is used on one side only'
      : settings.tls === null
        ? 'either the port expects TLS (use rediss:// or ssl=true), or the server allows no more connections'
        : 'either the port does not speak TLS (use redis:// or ssl=false), or the server wants a certificate of ours (tls_cert, tls_key)';
  return new StoreUnavailableError(
    'STORE_UNAVAILABLE',
    `Redis at ${describeRedis(settings)}: ${CLOSED}; ${guess}.${code === '' ? '' : ` (${code})`}`,
    { outcomeUnknown: false },
  );
}

interface Told {
  readonly code: string;
  readonly message: string;
}

/** A cluster wraps the error of its last node. */
function rootOf(error: unknown): Told {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  const inner: unknown = (error as { readonly lastNodeError?: unknown }).lastNodeError;
  if (inner instanceof Error) return rootOf(inner);
  const code: unknown = (error as { readonly code?: unknown }).code;
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  if (first instanceof Error && error.message === '') return rootOf(first);
  return { code: typeof code === 'string' ? code : '', message: error.message.replace(/\.$/, '') };
}

/** A server may repeat what it was sent. */
function redact({ credentials, topology }: RedisSettings, { code, message }: Told): Told {
  const secrets = [
    typeof credentials === 'function' ? null : credentials?.password,
    topology.kind === 'sentinel' ? topology.password : null,
  ];
  let clean = message;
  for (const secret of secrets)
    if (secret !== null && secret !== undefined && secret.length >= SECRET_MIN_LENGTH)
      clean = clean.replaceAll(secret, '***');
  return {
    code,
    message: clean.length > MESSAGE_MAX_LENGTH ? `${clean.slice(0, MESSAGE_MAX_LENGTH)}…` : clean,
  };
}

const MESSAGE_MAX_LENGTH = 300;
/** Shorter ones are parts of ordinary words. */
const SECRET_MIN_LENGTH = 4;
