/**
 * What of ioredis Conclave uses, structurally: instances of ioredis 5.6 and later and of ioredis 6 fit as they are,
 * whichever copy of the package they come from.
 */

/** One argument of a command. */
export type RedisArgument = string | number;

/** The results of a pipeline, in order: an error, or null and the reply. */
export type PipelineResults = [error: Error | null, reply: unknown][] | null;

/** The options that decide whether a connection is safe for leases, and where it leads. */
export interface RedisConnectionOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | null | undefined;
  readonly db?: number | undefined;
  readonly keyPrefix?: string | undefined;
  readonly enableOfflineQueue?: boolean | undefined;
  readonly enableReadyCheck?: boolean | undefined;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly commandTimeout?: number | undefined;
  readonly readOnly?: boolean | undefined;
  readonly sentinels?: readonly unknown[] | null | undefined;
}

/** What both a connection and a cluster do. */
interface RedisConnection {
  /** `ready` when commands can be sent; `wait` before the first use of a lazy one; `end` when it never will be again. */
  readonly status: string;
  disconnect(reconnect?: boolean): void;
  connect(): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A connection to one server: `Redis` of ioredis. */
export interface RedisNode extends RedisConnection {
  readonly isCluster?: boolean;
  readonly options: RedisConnectionOptions;
  /** One write to the socket for all of them. */
  pipeline(commands: unknown[][]): { exec(): Promise<PipelineResults> };
  call(command: string, ...args: RedisArgument[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ping(): Promise<unknown>;
  duplicate(override?: Record<string, unknown>): RedisNode;
}

/**
 * A cluster: `Cluster` of ioredis. Only its knowledge of nodes and slots is used; commands go to the connection of
 * the owner of a slot, for the cluster's own `sendCommand` repeats commands whose outcome is unknown.
 */
export interface RedisCluster extends RedisConnection {
  readonly isCluster: boolean;
  /** For each slot the addresses of its owner and, after it, its replicas. */
  readonly slots: readonly (readonly string[])[];
  readonly options: {
    readonly keyPrefix?: string | undefined;
    readonly redisOptions?: RedisConnectionOptions | undefined;
  };
  nodes(role?: 'all' | 'master' | 'slave'): RedisNode[];
  refreshSlotsCache(callback?: (error?: Error | null) => void): void;
}

/** A client of ioredis (5 or 6) for one server or a cluster, by its shape. */
export type RedisClient = RedisNode | RedisCluster;

export function isCluster(client: RedisClient): client is RedisCluster {
  return client.isCluster === true;
}

/** What its connections to a node are made with. */
export function connectionOptionsOf(client: RedisClient): RedisConnectionOptions {
  return isCluster(client) ? (client.options.redisOptions ?? {}) : client.options;
}
