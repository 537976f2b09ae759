import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TimingOptions } from '../../machines/index.ts';
import type { Logger } from '../logger.ts';
import type { Settings } from '../settings/settings.ts';
import { keysOfLease } from './lease-stores.ts';
import type { MemberSettings } from './member-settings.ts';
import { placesIn } from './member-places.ts';

/** What a member is made of, out of settings. */
export function memberSettingsOf(settings: Settings, logger: Logger): MemberSettings {
  const { leaderElection, store, journal } = settings;
  const { enabled, resourceName, paused } = leaderElection;
  const name = leaderElection.instanceId ?? hostname();
  const { directory, journals } = placesIn(settings.directory);
  const own = join(journals, `${fileName(name)}-${process.pid}.db`);
  return {
    resource: resourceName,
    name,
    enabled,
    // Only a member that asks nobody and shares nothing has none.
    store: store.connection?.text ?? 'memory',
    directory,
    journal: journal.path === 'memory' ? null : (journal.path ?? own),
    retention: { bytesMax: journal.retentionBytes, ageMsMax: journal.retentionMs },
    timings: timingsOfSettings(settings),
    onJournalFailure: journal.onFailure,
    redis: { waitReplicas: store.waitReplicas, ...keysOfLease(leaderElection) },
    paused,
    logger,
  };
}

/** The timings of leases, which may change while a member runs. */
export function timingsOfSettings({ leaderElection, drainTimeoutMs }: Settings): TimingOptions {
  const { leaseDurationMs, renewIntervalMs, renewDeadlineMs, retryIntervalMs, gracePeriodMs } =
    leaderElection;
  return {
    leaseDurationMs,
    renewIntervalMs,
    gracePeriodMs,
    drainTimeoutMs,
    ...(renewDeadlineMs !== null && { renewDeadlineMs }),
    ...(retryIntervalMs !== null && { retryIntervalMs }),
  };
}

const fileName = (name: string): string => name.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
