import { HEAD_POLL_MS } from '../config/head-member.ts';
import { placed } from '../config/reload-commentary.ts';
import type { ReloadStatus } from '../config/reload-status.ts';
import type { HealthResult } from './health.ts';

/** The store was not asked with success for this long: what is in force may be out of date, in milliseconds. */
export const STALE_AFTER_MS = 3 * HEAD_POLL_MS;

/** The health of a configuration: what is in force counts; what could not be applied is told, but leaves it usable. */
export function configurationHealth(status: ReloadStatus): HealthResult {
  const { trouble, generation, rejected, shared, watch } = status;
  const data = dataOf(status);
  if (trouble !== null)
    return {
      status: 'Unhealthy',
      description: 'A configuration is half done.',
      exception: `${trouble.code}: ${trouble.message}`,
      data,
    };
  const [first] = rejected?.diagnostics ?? [];
  const problem = first === undefined ? null : `${first.code}: ${placed(first)}`;
  const [unproposed] = shared?.notProposed?.diagnostics ?? [];
  if (generation === null)
    return {
      status: 'Unhealthy',
      description: 'No configuration is in force.',
      exception: problem ?? (unproposed ? `${unproposed.code}: ${placed(unproposed)}` : 'CONFIG_NOT_READY'),
      data,
    };
  if (rejected !== null)
    return {
      status: 'Degraded',
      description: 'The newest configuration was rejected; the one before stays in force.',
      exception: problem ?? 'CONFIG_INVALID',
      data,
    };
  if (shared !== null && (shared.staleMs === null || shared.staleMs > STALE_AFTER_MS))
    return {
      status: 'Degraded',
      description: 'The shared configuration cannot be asked for; the last one stays in force.',
      exception: 'STORE_UNAVAILABLE',
      data,
    };
  const [degraded] = watch?.degraded ?? [];
  if (degraded !== undefined)
    return { status: 'Degraded', description: degraded.message, exception: degraded.reason, data };
  return { status: 'Healthy', description: 'The configuration is in force.', data };
}

function dataOf({ memberId, state, generation, sha, confirmed, shared, source }: ReloadStatus) {
  return {
    member: memberId,
    state,
    generation,
    sha,
    confirmed,
    source,
    mode: shared?.mode ?? 'local',
    wanted_generation: shared?.head?.generation ?? generation,
    stale_seconds: shared?.staleMs === null || shared === null ? null : Math.round(shared.staleMs / 100) / 10,
  };
}
