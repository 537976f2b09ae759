import { SettingsError } from '../errors.ts';

/** How much a durable journal keeps. Older records go first; the last of each stream and its state always stay. */
export interface Retention {
  /** Bytes of records over all streams; default 64 MiB. */
  readonly bytesMax?: number;
  /** Age of a record in milliseconds by the wall clock; default 14 days. */
  readonly ageMsMax?: number;
}

/** Default of `Retention.bytesMax`. */
export const RETENTION_BYTES_MAX = 64 * 1024 * 1024;

/** Default of `Retention.ageMsMax`: 14 days. */
export const RETENTION_AGE_MS_MAX = 14 * 24 * 3600 * 1000;

/** Streams that one durable journal keeps; beyond it, the oldest that nobody writes any more is forgotten. */
export const DURABLE_STREAMS_MAX = 10_000;

/** Checks a retention and fills in what was left out. Throws SettingsError `SETTINGS_INVALID`. */
export function checkedRetention(retention: Retention = {}): Required<Retention> {
  const { bytesMax = RETENTION_BYTES_MAX, ageMsMax = RETENTION_AGE_MS_MAX } = retention;
  for (const [name, value] of Object.entries({ bytesMax, ageMsMax })) {
    if (value > 0) continue;
    throw new SettingsError(
      'SETTINGS_INVALID',
      `retention.${name} must be a number greater than 0, not ${value}. Use Infinity to keep everything.`,
    );
  }
  return { bytesMax, ageMsMax };
}
