import { SettingsError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KeyOptions } from './redis-lease-keys.ts';

/** What `redisLeases` takes besides the place. */
export interface RedisLeaseOptions extends KeyOptions {
  /**
   * How many replicas must have confirmed a grant and each renewal before it counts. Default 0: a failover may then
   * make two leaders for a while, unless the servers have `min-replicas-to-write`. Safe from that is only the number of
   * all replicas of the primary: one that need not confirm may be promoted while the others go on.
   */
  readonly waitReplicas?: number;
  /**
   * Whether a resource never seen before may be led at once (`trust`), or its first term waits for one lease, in case
   * that data were lost while somebody leads (`wait`, the default).
   */
  readonly freshStore?: 'wait' | 'trust';
  /** Extra wait after a loss of data, in milliseconds, for writes still on their way. Default 0. */
  readonly settleMs?: number;
  /** Told about what is worth a log line. */
  readonly onNotice?: (notice: RedisLeaseNotice) => void;
  /** Time of this process's own waits; default the system's. Leases live on the server's clock in any case. */
  readonly clock?: Clock;
}

/**
 * - `settings`: something in the settings was understood otherwise than it may have been meant, or is unsafe.
 * - `connection-lost`, `connection-restored`: commands cannot be sent, or can again.
 * - `watch-lost`, `watch-restored`: the subscriber is gone; waiting members ask when the lease they know of ends.
 * - `server`: what the server told of itself makes leases on it worth less.
 * - `deposed`: somebody deleted or overwrote the key of a leader, who steps down.
 */
export interface RedisLeaseNotice {
  readonly kind:
    | 'settings'
    | 'connection-lost'
    | 'connection-restored'
    | 'watch-lost'
    | 'watch-restored'
    | 'server'
    | 'deposed';
  readonly message: string;
}

/** The options with their defaults. */
export type ResolvedOptions = KeyOptions &
  Required<Pick<RedisLeaseOptions, 'waitReplicas' | 'freshStore' | 'settleMs'>>;

/** @throws SettingsError naming the option, its value and what would do */
export function resolveLeaseOptions(options: RedisLeaseOptions): ResolvedOptions {
  const { waitReplicas = 0, freshStore = 'wait', settleMs = 0, keyPrefix, keys } = options;
  if (!Number.isInteger(waitReplicas) || waitReplicas < 0)
    throw refused('waitReplicas', waitReplicas, 'a whole number of replicas, 0 or more');
  if (freshStore !== 'wait' && freshStore !== 'trust')
    throw refused('freshStore', freshStore, "'wait' or 'trust'");
  if (!Number.isFinite(settleMs) || settleMs < 0)
    throw refused('settleMs', settleMs, 'a finite number of milliseconds, 0 or more');
  return {
    waitReplicas,
    freshStore,
    settleMs,
    ...(keyPrefix !== undefined && { keyPrefix }),
    ...(keys !== undefined && { keys }),
  };
}

function refused(option: string, value: unknown, allowed: string): SettingsError {
  return new SettingsError('SETTINGS_INVALID', `${option} is ${String(value)}, but must be ${allowed}.`);
}
