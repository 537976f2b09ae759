import type { KeyOptions } from '../lease/redis-lease-keys.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RedisFinding } from './doctor-findings.ts';
import type { RedisSettings, RedisSettingsInput } from './settings.ts';

/** What the doctor looks at. */
export interface CheckRedisOptions extends KeyOptions {
  /** Whose lease is looked at. Default `default`. */
  readonly resource?: string;
  /** Milliseconds; default 15 000. */
  readonly leaseDurationMs?: number;
  /** Milliseconds; default a third of the lease. */
  readonly renewIntervalMs?: number;
  /** What `redisLeases` is told; default 0. */
  readonly waitReplicas?: number;
  /** How long to try to connect, in milliseconds; default 5000. */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

/** What a Redis can promise, as far as one can ask. */
export interface RedisCheckup {
  /** Without a secret. */
  readonly location: string;
  readonly resource: string;
  /** The worst comes first. */
  readonly findings: readonly RedisFinding[];
}

/**
 * Looks whether a Redis can keep what leases promise: eviction, persistence, failover, rights, clocks, round trips.
 * Changes nothing.
 *
 * @throws SettingsError if the place or the resource is none; what is wrong with the server is a finding
 * @example
 * const { findings } = await checkRedis('redis://localhost:6379', { resource: 'billing' });
 * const dangers = findings.filter(({ severity }) => severity === 'danger');
 */
export async function checkRedis(
  place: string | RedisSettingsInput | RedisSettings,
  options: CheckRedisOptions = {},
): Promise<RedisCheckup> {
  // Few members ask, and it is a fifth of what leases in Redis would load.
  const { examine } = await import('./doctor.ts');
  return await examine(place, options);
}
