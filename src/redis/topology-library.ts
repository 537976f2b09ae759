import { SettingsError } from '../errors.ts';
import type { RedisCluster, RedisNode } from './client.ts';

/** What of the package ioredis is constructed; 5.6 and later, and 6, have it. */
export interface RedisLibrary {
  readonly Redis: new (options: Readonly<Record<string, unknown>>) => RedisNode;
  readonly Cluster: new (
    seeds: readonly { readonly host: string; readonly port: number }[],
    options: Readonly<Record<string, unknown>>,
  ) => RedisCluster;
}

/**
 * Loads ioredis, which is installed only where Redis is used.
 *
 * @throws SettingsError `REDIS_CLIENT_MISSING`
 */
export async function loadRedisLibrary(): Promise<RedisLibrary> {
  try {
    const library: object = await import('ioredis');
    return library as RedisLibrary;
  } catch (cause) {
    throw new SettingsError(
      'REDIS_CLIENT_MISSING',
      'Redis is reached through the package ioredis, which is not installed here: npm install ioredis.',
      { cause },
    );
  }
}
