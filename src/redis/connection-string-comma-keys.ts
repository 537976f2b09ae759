import type { Draft } from './connection-string-draft.ts';
import { booleanOf, integerOf, type Piece, refuse, split } from './connection-string-text.ts';
import { CLIENT_NAME, TIMEOUT_RANGE, type RedisTls } from './settings-shape.ts';

/** Every key of the comma form: taken, ignored with a reason, or refused with one. */
export type CommaKey =
  | { readonly take: (draft: Draft, value: Piece) => void }
  | { readonly note: string }
  | { readonly refused: string };

const KEEP_ALIVE_SECONDS_MAX = 86_400;

const SECONDS = { min: 0, max: KEEP_ALIVE_SECONDS_MAX, unit: 'seconds' } as const;
const MILLISECONDS = { ...TIMEOUT_RANGE, unit: 'milliseconds' } as const;
const DATABASES = { min: 0, max: 1_000_000 } as const;

const taken = (take: (draft: Draft, value: Piece) => void): CommaKey => ({ take });

/** An empty value is as good as none. */
const text = (field: 'username' | 'password' | 'sentinelUsername' | 'sentinelPassword' | 'sentinelName') =>
  taken((draft, { text: value, at }) => {
    draft[field] = value === '' ? null : value;
    if (value !== '' && (field === 'sentinelUsername' || field === 'sentinelPassword'))
      draft.sentinelAt ??= at;
  });

const obsolete = { note: 'it does nothing in newer clients either.' } as const;

export const COMMA_KEYS: Readonly<Record<string, CommaKey>> = {
  abortConnect: taken((draft, piece) => {
    if (booleanOf(piece, 'abortConnect'))
      draft.notes.push(
        'abortConnect is ignored: a member goes on trying, and leads once Redis can be reached.',
      );
  }),
  allowAdmin: { note: 'what may be done is decided by the rights of the user in Redis.' },
  asyncTimeout: taken((draft, piece) => {
    // Of the two timeouts it is this one that counts, wherever it stands.
    draft.commandTimeoutMs = integerOf(piece, 'asyncTimeout', MILLISECONDS);
  }),
  channelPrefix: { note: 'channels are named after the key of a lease; set the key prefix instead.' },
  checkCertificateRevocation: taken((draft, piece) => {
    if (booleanOf(piece, 'checkCertificateRevocation'))
      draft.notes.push(
        'checkCertificateRevocation is ignored: Node cannot ask whether a certificate was revoked.',
      );
  }),
  configChannel: { note: 'Conclave needs no channel to learn of changes in the topology.' },
  configCheckSeconds: {
    note: 'the topology is looked at anew whenever a reply or a lost connection says that it changed.',
  },
  connectRetry: { note: 'connecting is tried until it works, with growing pauses.' },
  connectTimeout: taken((draft, piece) => {
    draft.connectTimeoutMs = integerOf(piece, 'connectTimeout', MILLISECONDS);
  }),
  defaultDatabase: taken((draft, piece) => {
    draft.database = integerOf(piece, 'defaultDatabase', DATABASES);
    draft.databaseAt = piece.at;
  }),
  defaultVersion: { note: 'the server is asked for its version.' },
  heartbeatConsistencyChecks: { note: 'a lease is a check of its own.' },
  heartbeatInterval: { note: 'renewals show whether a connection works.' },
  highIntegrity: { note: 'replies are matched to requests by their order on one connection.' },
  highPriorityThreads: obsolete,
  keepAlive: taken((draft, piece) => {
    const seconds = piece.text === '-1' ? 60 : integerOf(piece, 'keepAlive', SECONDS);
    // tcpKeepAlive=false wins, wherever it stands.
    if (draft.keepAliveMs !== 0) draft.keepAliveMs = seconds * 1000;
  }),
  mode: taken((draft, { text: value, at }) => {
    const mode = value.toLowerCase();
    if (mode !== 'standalone' && mode !== 'sentinel' && mode !== 'cluster')
      throw refuse(at, 'mode must be standalone, sentinel or cluster.');
    draft.mode = mode;
  }),
  name: taken((draft, { text: value, at }) => {
    if (!CLIENT_NAME.test(value)) throw refuse(at, 'name must be 1 to 64 characters without spaces.');
    draft.clientName = value;
  }),
  password: text('password'),
  preserveAsyncOrder: obsolete,
  protocol: { note: 'RESP2 is spoken, which every server understands.' },
  proxy: taken((_, { text: value, at }) => {
    if (value.toLowerCase() !== 'none')
      throw refuse(
        at,
        'through a proxy that distributes commands neither leases nor publish/subscribe are safe; name the servers themselves.',
      );
  }),
  resolveDns: { note: 'names are resolved anew at each connect.' },
  responseTimeout: obsolete,
  sentinelPassword: text('sentinelPassword'),
  sentinelUser: text('sentinelUsername'),
  serviceName: text('sentinelName'),
  setlib: { note: 'it changes nothing but what CLIENT LIST shows.' },
  ssl: taken((draft, piece) => {
    draft.tls = booleanOf(piece, 'ssl');
  }),
  sslHost: taken((draft, { text: value, at }) => {
    if (!/^[\p{L}\p{N}._:-]+$/u.test(value)) throw refuse(at, 'sslHost must be a host name.');
    draft.tlsDetails = { ...draft.tlsDetails, serverName: value };
  }),
  sslProtocols: taken((draft, piece) => {
    draft.tlsDetails = { ...draft.tlsDetails, ...tlsVersions(piece) };
  }),
  syncTimeout: taken((draft, piece) => {
    draft.commandTimeoutMs ??= integerOf(piece, 'syncTimeout', MILLISECONDS);
  }),
  tcpKeepAlive: taken((draft, piece) => {
    if (!booleanOf(piece, 'tcpKeepAlive')) draft.keepAliveMs = 0;
  }),
  tiebreaker: { note: 'which server is the primary is asked of the servers.' },
  tunnel: {
    refused:
      'tunnels through an HTTP proxy are not supported; connect directly, or run the tunnel beside the process.',
  },
  user: text('username'),
  version: { note: 'the server is asked for its version.' },
  writeBuffer: obsolete,
};

/** Commands Conclave sends, or its scripts do. */
const NEEDED = new Set(
  'auth cluster del eval evalsha expire get hdel hello hget hgetall hmget hset info pexpire ping psetex pttl publish role script select set subscribe time unsubscribe wait'.split(
    ' ',
  ),
);

/** `$COMMAND=new`: a command that has another name, or none, on the server. */
export function takeCommandMap(draft: Draft, { text: command, at }: Piece): void {
  if (NEEDED.has(command.toLowerCase()))
    throw refuse(
      at,
      'this command is needed, by its own name, by the scripts that decide who leads. Limit users by ACL rules instead of renaming commands.',
    );
  draft.notes.push('A renamed command is ignored: Conclave does not use it.');
}

const VERSIONS: ReadonlyMap<string, NonNullable<RedisTls['minVersion']>> = new Map([
  ['tls12', 'TLSv1.2'],
  ['tls13', 'TLSv1.3'],
]);

function tlsVersions(piece: Piece): Pick<RedisTls, 'minVersion' | 'maxVersion'> {
  const versions = split(piece, '|').map(({ text: name, at }) => {
    const version = VERSIONS.get(name.trim().toLowerCase());
    if (version === undefined)
      throw refuse(at, 'sslProtocols may be tls12, tls13 or tls12|tls13; older ones are broken.');
    return version;
  });
  const sorted = versions.toSorted();
  return { minVersion: sorted[0] ?? null, maxVersion: sorted.at(-1) ?? null };
}
