/** Clients as `openClient` makes them, with what was told about them, closed with the test. */
import * as version6 from 'ioredis';
import * as version5 from 'ioredis5';
import type { ConclaveError } from '../../src/index.ts';
import { isCluster, type RedisClient, type RedisCluster, type RedisNode } from '../../src/redis/client.ts';
import { parseRedis, type RedisSettingsInput } from '../../src/redis/settings.ts';
import type { RedisLibrary } from '../../src/redis/topology-library.ts';
import { openClient } from '../../src/redis/topology.ts';
import { until } from '../redis/until.ts';

/** Both that Conclave is made for. */
export const LIBRARIES = [
  { version: 5, library: version5 as unknown as RedisLibrary },
  { version: 6, library: version6 as unknown as RedisLibrary },
] as const;

export interface OpenedClient extends AsyncDisposable {
  readonly client: RedisClient;
  readonly errors: readonly ConclaveError[];
  readonly notices: readonly string[];
  /** The client of a single server, once it can be used. */
  node(): Promise<RedisNode>;
  /** The client of a cluster, once all its nodes can be used. */
  cluster(): Promise<RedisCluster>;
  /** The first error that was told; `nth` counts from 1. */
  error(nth?: number): Promise<ConclaveError>;
}

export async function opened(
  input: string | RedisSettingsInput,
  { library = LIBRARIES[1].library }: { readonly library?: RedisLibrary } = {},
): Promise<OpenedClient> {
  const errors: ConclaveError[] = [];
  const notices: string[] = [];
  const client = await openClient(parseRedis(input), 'commands', (error) => errors.push(error), {
    library,
    onNotice: (message) => notices.push(message),
  });
  const ended = new Promise<void>((resolve) => void client.on('end', () => resolve()));
  return {
    client,
    errors,
    notices,
    node: async () => {
      if (isCluster(client)) throw new Error('This is a cluster.');
      await until('the connection stands', () => client.status === 'ready');
      return client;
    },
    cluster: async () => {
      if (!isCluster(client)) throw new Error('This is no cluster.');
      await until(
        'all nodes are connected',
        () => client.nodes().length > 2 && client.nodes().every(({ status }) => status === 'ready'),
      );
      return client;
    },
    error: (nth = 1) => until('an error is told', () => errors[nth - 1]),
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await ended;
    },
  };
}
