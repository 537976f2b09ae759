/**
 * How to reach Redis, resolved: whatever form it was written in, this is what connections are made from.
 * No secret of it ever gets into a message; `describeRedis` says it for people.
 */
export interface RedisSettings {
  readonly topology: RedisTopology;
  readonly credentials: RedisCredentials | RedisCredentialsSource | null;
  /** Number of the database; 0 in a cluster. */
  readonly database: number;
  /** Null for connections in plain text. */
  readonly tls: RedisTls | null;
  readonly connectTimeoutMs: number;
  /** After this a command counts as unanswered. Calls of the lease protocol have shorter limits of their own. */
  readonly commandTimeoutMs: number;
  /** How long a connection is silent before TCP asks whether the other side is there; 0 never asks. */
  readonly keepAliveMs: number;
  /** What `CLIENT LIST` shows. */
  readonly clientName: string;
  /** What was understood otherwise than it may have been meant; for a log line each. */
  readonly notes: readonly string[];
}

/** Where a server listens. */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
}

/** Which servers there are, and how the one to ask is found among them. */
export type RedisTopology =
  | { readonly kind: 'standalone'; readonly endpoint: RedisEndpoint }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisEndpoint[];
      /** What the Sentinels call the group of servers. */
      readonly name: string;
      /** Of the Sentinels themselves; null if they ask for none. */
      readonly username: string | null;
      readonly password: string | null;
      readonly tls: RedisTls | null;
    }
  | { readonly kind: 'cluster'; readonly endpoints: readonly RedisEndpoint[] }
  /** Several endpoints: a cluster, or a primary with its replicas; whoever connects finds out. */
  | { readonly kind: 'probe'; readonly endpoints: readonly RedisEndpoint[] }
  | { readonly kind: 'socket'; readonly path: string };

/** Who logs in. The password is never printed by this library. */
export interface RedisCredentials {
  /** Null for the default user. */
  readonly username: string | null;
  readonly password: string;
}

/** Asked anew for each connection, for tokens that expire. */
export type RedisCredentialsSource = () => Promise<RedisCredentials>;

/** How the connection is encrypted, and whom it trusts. */
export interface RedisTls {
  /** The name the certificate must have; null for the host that is connected to. */
  readonly serverName: string | null;
  /** Whom to trust besides what Node trusts. */
  readonly ca: PemSource | null;
  /** The client's own certificate and key, where the server asks for them. */
  readonly cert: PemSource | null;
  readonly key: PemSource | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3' | null;
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3' | null;
  /** False accepts any certificate, so that anybody in between can read and change what is said. */
  readonly verify: boolean;
}

/** PEM text, or the file to read it from when a connection is made. */
export type PemSource = { readonly pem: string } | { readonly file: string };

export const DEFAULT_TLS: RedisTls = {
  serverName: null,
  ca: null,
  cert: null,
  key: null,
  minVersion: null,
  maxVersion: null,
  verify: true,
};

/** Settings given as an object: a connection string, and what cannot be written in one. */
export interface RedisSettingsInput {
  /** A connection string of any form. */
  readonly url: string;
  /** Instead of those in `url`; a function is asked anew for each connection. */
  readonly credentials?: RedisCredentials | RedisCredentialsSource;
  /** True turns TLS on; an object adds to what `url` says of it. */
  readonly tls?: boolean | Partial<RedisTls>;
  readonly connectTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
  readonly keepAliveMs?: number;
  readonly clientName?: string;
}

/** What holds where nothing else was said. */
export const DEFAULTS = {
  connectTimeoutMs: 5000,
  commandTimeoutMs: 5000,
  keepAliveMs: 60_000,
  clientName: 'conclave',
} as const;

/** Milliseconds a timeout may be; what is longer is a slip of the keyboard. */
export const TIMEOUT_RANGE = { min: 1, max: 600_000 } as const;
export const KEEP_ALIVE_RANGE = { min: 0, max: 86_400_000 } as const;
export const CLIENT_NAME = /^[!-~]{1,64}$/;
