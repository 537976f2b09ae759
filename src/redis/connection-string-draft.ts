import { withPorts, type WrittenEndpoint } from './connection-string-endpoints.ts';
import { isClusterEndpoint, managedService } from './connection-string-hosts.ts';
import { refuse } from './connection-string-text.ts';
import {
  DEFAULT_TLS,
  DEFAULTS,
  type RedisSettings,
  type RedisTls,
  type RedisTopology,
} from './settings-shape.ts';

/** What was written, before it is completed with what was not. */
export interface Draft {
  /** The two forms differ in default ports and in what the Sentinels are told. */
  readonly form: 'url' | 'comma';
  endpoints: readonly WrittenEndpoint[];
  /** Path of a Unix socket instead of endpoints. */
  socket: string | null;
  mode: 'standalone' | 'sentinel' | 'cluster' | null;
  sentinelName: string | null;
  username: string | null;
  password: string | null;
  sentinelUsername: string | null;
  sentinelPassword: string | null;
  /** Null if it was not said: then as for the servers. */
  sentinelTls: boolean | null;
  /** Where something was written that is for Sentinels only (0-based). */
  sentinelAt: number | null;
  /** Null if it was not said: then as the service needs it. */
  tls: boolean | null;
  tlsDetails: Partial<RedisTls>;
  database: number;
  /** Where the database was written, for messages (0-based). */
  databaseAt: number | null;
  connectTimeoutMs: number | null;
  commandTimeoutMs: number | null;
  keepAliveMs: number | null;
  clientName: string | null;
  readonly notes: string[];
}

export function newDraft(form: Draft['form']): Draft {
  return {
    form,
    endpoints: [],
    socket: null,
    mode: null,
    sentinelName: null,
    username: null,
    password: null,
    sentinelUsername: null,
    sentinelPassword: null,
    sentinelTls: null,
    sentinelAt: null,
    tls: null,
    tlsDetails: {},
    database: 0,
    databaseAt: null,
    connectTimeoutMs: null,
    commandTimeoutMs: null,
    keepAliveMs: null,
    clientName: null,
    notes: [],
  };
}

/** @throws SettingsError if parts of it contradict each other */
export function complete(draft: Draft): RedisSettings {
  const useTls = decideTls(draft);
  const topology = decideTopology(draft, useTls);
  if (topology.kind === 'cluster' && draft.database !== 0)
    throw refuse(draft.databaseAt, 'a cluster has only database 0; leave the database out.');
  if (topology.kind !== 'sentinel' && draft.sentinelAt !== null)
    throw refuse(
      draft.sentinelAt,
      'this is for Sentinels, but there are none; leave it out, or name them: redis+sentinel://host/NAME or serviceName=NAME.',
    );
  const tls = useTls ? tlsOf(draft, topology) : null;
  const { username, password } = draft;
  if (username !== null && password === null)
    throw refuse(
      null,
      'there is a user but no password; write user:password@ (user:@ for a user without one).',
    );
  return {
    topology:
      topology.kind === 'sentinel' ? { ...topology, tls: sentinelTlsOf(draft, topology, tls) } : topology,
    credentials: password === null ? null : { username, password },
    database: draft.database,
    tls,
    connectTimeoutMs: draft.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
    commandTimeoutMs: draft.commandTimeoutMs ?? DEFAULTS.commandTimeoutMs,
    keepAliveMs: draft.keepAliveMs ?? DEFAULTS.keepAliveMs,
    clientName: draft.clientName ?? DEFAULTS.clientName,
    notes: draft.notes,
  };
}

/** Whether to use TLS: as written; else as the service needs it, and then it is noted. */
function decideTls(draft: Draft): boolean {
  const { tls, endpoints, notes, tlsDetails } = draft;
  const [first] = endpoints;
  const service = first === undefined ? null : managedService(first.host);
  if (tls === false && service?.tls === 'always')
    throw refuse(null, `${service.name} accepts connections by TLS only, but TLS is switched off here.`);
  if (tls !== null) return tls;
  if (service === null || (service.tls === 'unless-plain-port' && first?.port === 6379)) {
    if (Object.keys(tlsDetails).length > 0 && draft.sentinelTls !== true)
      throw refuse(null, 'there are TLS settings, but TLS is not on; use rediss://, ?tls=true or ssl=true.');
    return false;
  }
  notes.push(`${service.name}: TLS is used although it was not asked for, because this service needs it.`);
  return true;
}

/** As for the servers, unless it was said. */
function sentinelTlsOf(draft: Draft, topology: RedisTopology, tls: RedisTls | null): RedisTls | null {
  if (draft.sentinelTls === null) return tls;
  return draft.sentinelTls ? (tls ?? tlsOf(draft, topology)) : null;
}

function tlsOf({ tlsDetails, endpoints }: Draft, topology: RedisTopology): RedisTls {
  const [first] = endpoints;
  const service = first === undefined ? null : managedService(first.host);
  // These services announce the nodes of a cluster by address, while their certificates carry the name.
  const announcesAddresses = service?.topology === 'unknown' && topology.kind !== 'standalone';
  const serverName = announcesAddresses ? (first?.host ?? null) : null;
  return { ...DEFAULT_TLS, serverName, ...tlsDetails };
}

function decideTopology(draft: Draft, useTls: boolean): RedisTopology {
  const { socket, sentinelName, mode } = draft;
  if (socket !== null) return socketTopology(draft, socket);
  const endpoints = withPorts(draft.endpoints, (host) => defaultPort(draft, host, useTls));
  const [endpoint, another] = endpoints;
  if (endpoint === undefined)
    throw refuse(
      null,
      'no endpoint is named; write where Redis listens, for example redis://localhost:6379.',
    );
  if (sentinelName !== null || mode === 'sentinel') {
    if (sentinelName === null)
      throw refuse(
        null,
        'Sentinels are asked by the name of the primary, which is missing: redis+sentinel://host/NAME or serviceName=NAME.',
      );
    if (mode !== null && mode !== 'sentinel')
      throw refuse(null, `a name for Sentinels and the mode ${mode} exclude each other.`);
    return sentinelTopology(draft, sentinelName, endpoints);
  }
  if (mode === 'cluster' || (mode === null && another === undefined && isClusterEndpoint(endpoint.host)))
    return { kind: 'cluster', endpoints };
  if (mode === 'standalone' && another !== undefined)
    throw refuse(null, `mode standalone takes one endpoint, but there are ${endpoints.length}.`);
  const unknown = mode === null && managedService(endpoint.host)?.topology === 'unknown';
  return another === undefined && !unknown ? { kind: 'standalone', endpoint } : { kind: 'probe', endpoints };
}

function sentinelTopology(
  draft: Draft,
  name: string,
  sentinels: ReturnType<typeof withPorts>,
): RedisTopology {
  // In the comma form one user and password are meant for both, unless the Sentinels have their own.
  const shared = draft.form === 'comma' && draft.sentinelPassword === null;
  return {
    kind: 'sentinel',
    sentinels,
    name,
    username: shared ? draft.username : draft.sentinelUsername,
    password: shared ? draft.password : draft.sentinelPassword,
    tls: null,
  };
}

function socketTopology({ endpoints, sentinelName, mode, tls }: Draft, path: string): RedisTopology {
  if (endpoints.length > 0 || sentinelName !== null || (mode !== null && mode !== 'standalone'))
    throw refuse(
      null,
      'a Unix socket is one server; it cannot be combined with hosts, Sentinels or a cluster.',
    );
  if (tls === true) throw refuse(null, 'a Unix socket has no TLS; leave it out.');
  return { kind: 'socket', path };
}

function defaultPort({ form, sentinelName, mode }: Draft, host: string, useTls: boolean): number {
  if (sentinelName !== null || mode === 'sentinel') return 26_379;
  const service = managedService(host);
  if (useTls && service !== null) return service.port;
  return form === 'comma' && useTls ? 6380 : 6379;
}
