import { endpointText } from './connection-string-endpoints.ts';
import type { RedisEndpoint, RedisSettings, RedisTopology } from './settings-shape.ts';

/**
 * Where Redis is, for people and logs: a connection string without its secrets. Two settings for the same place and
 * user read the same, and without a password it is a connection string that can be used.
 *
 * @example
 * describeRedis(parseRedis('redis.internal:6380,user=app,password=secret,ssl=true')); // 'rediss://app:***@redis.internal:6380'
 */
export function describeRedis(settings: RedisSettings): string {
  const { topology, tls, database } = settings;
  const user = userInfo(settings);
  if (topology.kind === 'socket')
    return `unix://${user}${encodePath(topology.path)}${database === 0 ? '' : `?db=${database}`}`;
  const scheme = tls === null ? 'redis' : 'rediss';
  const text = `${scheme}${SUFFIX[topology.kind]}://${user}${endpointsOf(topology).map(endpointText).join(',')}`;
  const name = topology.kind === 'sentinel' ? `/${encodeURIComponent(topology.name)}` : '';
  return `${text}${name}${database === 0 ? '' : `/${database}`}`;
}

const SUFFIX = { standalone: '', probe: '', sentinel: '+sentinel', cluster: '+cluster' } as const;

/** The endpoints one begins with: servers, or the Sentinels that know them; none for a Unix socket. */
export function endpointsOf(topology: RedisTopology): readonly RedisEndpoint[] {
  switch (topology.kind) {
    case 'standalone':
      return [topology.endpoint];
    case 'sentinel':
      return topology.sentinels;
    case 'cluster':
    case 'probe':
      return topology.endpoints;
    case 'socket':
      return [];
  }
}

function userInfo({ credentials }: RedisSettings): string {
  if (credentials === null) return '';
  if (typeof credentials === 'function') return '***@';
  const { username } = credentials;
  return `${username === null ? '' : encodeURIComponent(username)}:***@`;
}

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
