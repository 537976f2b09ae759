import { type ConclaveError, StoreUnavailableError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import type { RedisClient, RedisCluster, RedisNode } from './client.ts';
import type { RedisCredentials, RedisEndpoint, RedisSettings, RedisTopology } from './settings-shape.ts';
import { describeRedis } from './settings-text.ts';
import { Backoff } from './topology-backoff.ts';
import { beforeEachConnect } from './topology-connect.ts';
import { explainConnectionError } from './topology-errors.ts';
import { loadRedisLibrary, type RedisLibrary } from './topology-library.ts';
import { clusterOptions, connectionOptions, sentinelOptions, serverOptions } from './topology-options.ts';
import { type Found, probe } from './topology-probe.ts';
import { ConnectionReporter } from './topology-report.ts';
import { reconnector, SentinelWatch } from './topology-sentinel.ts';
import { nodeTls } from './topology-tls.ts';

export interface OpenClientOptions {
  /** Told what is worth a log line: what probing found. */
  readonly onNotice?: (message: string) => void;
  /** Gives up looking for the servers. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly randomness?: Randomness;
  /** A particular ioredis; the one that is installed by default. */
  readonly library?: RedisLibrary;
}

/**
 * Opens a client that is safe for leases: nothing is queued, nothing is sent twice, and it goes on trying to connect
 * for as long as it is not closed, with pauses of at most two seconds.
 *
 * Returns as soon as it is known what to connect to; whether the connection stands is the client's `status`. Only
 * several endpoints that must be told apart first are waited for, without an end unless `signal` aborts.
 *
 * A cluster goes on until it has the state of the cluster. A node of it that is lost then is connected to again by the
 * next `refreshSlotsCache`, which is asked for when the node is needed.
 *
 * @param purpose Part of the client's name, so that `CLIENT LIST` tells the connections of a process apart.
 * @param onError Told of every failed attempt, with the cure; never with a secret.
 * @throws SettingsError if ioredis is missing, or a certificate cannot be read
 * @example
 * const client = await openClient(parseRedis('redis://localhost'), 'commands', (error) => console.warn(error.message));
 */
export async function openClient(
  settings: RedisSettings,
  purpose: 'commands' | 'subscriber',
  onError: (error: ConclaveError) => void,
  options: OpenClientOptions = {},
): Promise<RedisClient> {
  const { clock = systemClock, randomness = systemRandomness, signal } = options;
  const library = options.library ?? (await loadRedisLibrary());
  const { topology } = settings;
  const tls = settings.tls === null ? null : await nodeTls(settings.tls);
  const sentinelTls =
    topology.kind === 'sentinel' && topology.tls !== null ? await nodeTls(topology.tls) : null;
  const opener = new Opener({ ...settings, clientName: `${settings.clientName}-${purpose}` }, library, {
    tls,
    sentinelTls,
    clock,
    randomness,
    backoff: new Backoff(clock, randomness),
    onError,
    onNotice: options.onNotice ?? (() => {}),
  });
  return opener.open(signal);
}

interface Means {
  readonly tls: Readonly<Record<string, unknown>> | null;
  readonly sentinelTls: Readonly<Record<string, unknown>> | null;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly backoff: Backoff;
  readonly onError: (error: ConclaveError) => void;
  readonly onNotice: (message: string) => void;
}

type SentinelTopology = Extract<RedisTopology, { readonly kind: 'sentinel' }>;

class Opener {
  readonly #settings: RedisSettings;
  readonly #library: RedisLibrary;
  readonly #means: Means;
  readonly #reporter: ConnectionReporter;

  constructor(settings: RedisSettings, library: RedisLibrary, means: Means) {
    this.#settings = settings;
    this.#library = library;
    this.#means = means;
    this.#reporter = new ConnectionReporter(settings, means.backoff, means.onError);
  }

  async open(signal: AbortSignal | undefined): Promise<RedisClient> {
    const { topology } = this.#settings;
    switch (topology.kind) {
      case 'standalone':
        return this.#server({ ...topology.endpoint });
      case 'socket':
        return this.#server({ path: topology.path });
      case 'sentinel': {
        const { sentinelTls, backoff } = this.#means;
        const client = this.#server(sentinelOptions(this.#settings, sentinelTls, backoff));
        this.#watchSentinels(client, topology);
        return client;
      }
      case 'cluster':
        return this.#cluster(topology.endpoints);
      case 'probe': {
        const found = await this.#find(topology.endpoints, signal);
        return found.kind === 'cluster'
          ? this.#cluster(topology.endpoints)
          : this.#server({ ...found.endpoint }, topology.endpoints);
      }
    }
  }

  #watchSentinels(client: RedisNode, { name, sentinels, username, password }: SentinelTopology): void {
    const { clock, randomness, sentinelTls } = this.#means;
    const watch = new SentinelWatch({
      name,
      sentinels,
      clock,
      backoff: new Backoff(clock, randomness),
      connect: (sentinel) =>
        new this.#library.Redis({
          ...this.#connection(),
          ...sentinel,
          username,
          password,
          tls: sentinelTls ?? undefined,
          lazyConnect: true,
          enableReadyCheck: false,
          retryStrategy: null,
        }),
      onSwitch: reconnector(client),
    });
    client.on('end', () => watch.close());
  }

  /** @param among Where to look anew for the primary before every later connect. */
  #server(place: Readonly<Record<string, unknown>>, among: readonly RedisEndpoint[] = []): RedisNode {
    const client = new this.#library.Redis({
      ...this.#connection(),
      ...serverOptions(this.#settings, this.#means.backoff),
      ...place,
    });
    this.#reporter.watchServer(client);
    let first = true;
    this.#prepareEach(client, async () => {
      Object.assign(client.options, await this.#freshCredentials());
      if (among.length > 0 && !first) Object.assign(client.options, await this.#primary(among));
      first = false;
    });
    client.connect().catch(() => {});
    return client;
  }

  #cluster(endpoints: readonly RedisEndpoint[]): RedisCluster {
    const seeds = endpoints.map((endpoint) => ({ ...endpoint }));
    const cluster = new this.#library.Cluster(
      seeds,
      clusterOptions(this.#settings, this.#connection(), this.#means.backoff, (reason) =>
        this.#reporter.tell(reason),
      ),
    );
    this.#reporter.watchCluster(cluster);
    cluster.on('+node', (node) => this.#startNode(node as RedisNode));
    // Seeds have options of their own, which win over those of the cluster.
    this.#prepareEach(cluster, async () => {
      const fresh = await this.#freshCredentials();
      for (const seed of seeds) Object.assign(seed, fresh);
    });
    cluster.connect().catch(() => {});
    return cluster;
  }

  /** ioredis would keep for a node what it cannot send yet, and connect only when there is something to send. */
  #startNode(node: RedisNode): void {
    Object.assign(node.options, { enableOfflineQueue: false });
    this.#prepareEach(node, async () => {
      Object.assign(node.options, await this.#freshCredentials());
    });
    node.connect().catch(() => {});
  }

  #connection(): Record<string, unknown> {
    return connectionOptions(this.#settings, this.#means.tls);
  }

  /** @throws StoreUnavailableError if the source of credentials fails */
  async #freshCredentials(): Promise<Partial<RedisCredentials>> {
    const { credentials } = this.#settings;
    if (typeof credentials !== 'function') return {};
    try {
      const { username, password } = await credentials();
      return { username, password };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The credentials for Redis at ${describeRedis(this.#settings)} could not be had: ${why}.`;
      throw new StoreUnavailableError('STORE_UNAVAILABLE', message, { cause, outcomeUnknown: false });
    }
  }

  #prepareEach(client: RedisClient, prepare: () => Promise<void>): void {
    beforeEachConnect(client, {
      prepare,
      onFailure: (error) => this.#reporter.tell(error),
      pause: () => this.#pause(),
    });
  }

  #pause(): Promise<void> {
    const { clock, backoff } = this.#means;
    return new Promise((resolve) => clock.setTimeout(resolve, backoff.nextMs()));
  }

  async #find(endpoints: readonly RedisEndpoint[], signal: AbortSignal | undefined): Promise<Found> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        const found = await probe(endpoints, (endpoint) => this.#ask(endpoint));
        this.#means.onNotice(`Redis endpoints were asked what they are: ${found.told}.`);
        return found;
      } catch (error) {
        this.#reporter.tell(error);
        await this.#pause();
      }
    }
  }

  async #primary(among: readonly RedisEndpoint[]): Promise<RedisEndpoint> {
    const found = await probe(among, (endpoint) => this.#ask(endpoint));
    if (found.kind === 'primary') return found.endpoint;
    const message = `The Redis endpoints were one primary with replicas and are a cluster now: ${found.told}. Start anew.`;
    throw new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: false });
  }

  /** A connection for one question. */
  async #ask(endpoint: RedisEndpoint): Promise<string> {
    const client = new this.#library.Redis({
      ...this.#connection(),
      ...(await this.#freshCredentials()),
      ...endpoint,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: null,
    });
    let failure: unknown = null;
    client.on('error', (error) => {
      failure = error;
    });
    try {
      await client.connect();
      return String(await client.call('INFO'));
    } catch (error) {
      throw explainConnectionError(
        { ...this.#settings, topology: { kind: 'standalone', endpoint } },
        failure ?? error,
      );
    } finally {
      client.disconnect();
    }
  }
}
