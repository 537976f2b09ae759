/** Leases in Redis, and how to reach it. */
export { redisLeases } from './lease/redis-leases.ts';
export type { RedisPlace } from './redis/place.ts';
export type { RedisLeaseNotice, RedisLeaseOptions } from './lease/redis-lease-options.ts';
export type { ForcedRelease, RedisConnectionState, RedisLeaseStore } from './lease/redis-lease-store.ts';
export type { LeaseInspection } from './lease/redis-lease-replies.ts';
export type { RedisClient, RedisCluster, RedisNode } from './redis/client.ts';
export { checkRedis, type CheckRedisOptions, type RedisCheckup } from './redis/check-redis.ts';
export type { RedisFinding } from './redis/doctor-findings.ts';
export { describeRedis, parseRedis } from './redis/settings.ts';
export type {
  RedisCredentials,
  RedisCredentialsSource,
  RedisEndpoint,
  RedisSettings,
  RedisSettingsInput,
  RedisTls,
  RedisTopology,
} from './redis/settings.ts';
export { redisHead, type RedisHeadOptions } from './config/redis-head.ts';
