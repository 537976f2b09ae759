import type { Catalogue, NoEffect, SettingId } from './catalogue-entry.ts';
import { electionEntries } from './catalogue-election.ts';
import { memberEntries } from './catalogue-member.ts';
import { servingEntries } from './catalogue-serving.ts';

/** Every setting there is, and every key that is accepted without effect. */

export const CATALOGUE: Catalogue = { ...memberEntries, ...electionEntries, ...servingEntries };

export const SETTING_IDS = Object.keys(CATALOGUE) as readonly SettingId[];

const reconnects = 'A lost connection is always made again; this cannot be switched off.';
const validates = 'A configuration is always validated; this cannot be switched off.';
const logsChanges = 'Changes are always logged, a line each; the log level decides what is shown.';
const cachePrefix = 'It is for caches, and never put before the key of a lease. Use key_prefix for that.';

export const NO_EFFECT: readonly NoEffect[] = [
  { path: 'cache.prefix', note: cachePrefix, example: 'my:' },
  { path: 'cache.redis.prefix', note: cachePrefix, example: 'my:' },
  { path: 'high_availability.auto_reconnect', note: reconnects, example: false },
  { path: 'HighAvailability.AutoReconnect', note: reconnects, example: false },
  { path: 'ConfigurationWatcher.LogChangeEvents', note: logsChanges, example: true },
  { path: 'ConfigurationWatcher.ValidateOnReload', note: validates, example: false },
];

/** Accepted in silence: it says which shape a file has, and there is one. */
export const VERSION_KEY = 'version';

/** `CONCLAVE_…` of a flag. */
export const variableOfFlag = (flag: string): string => `CONCLAVE_${flag.toUpperCase().replaceAll('-', '_')}`;
