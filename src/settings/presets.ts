import type { EnvironmentName } from './settings.ts';

/** What `environment = "…"` fills in where nothing else is said. */
export interface Preset {
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly detailedLogging: boolean;
}

export const PRESETS: Readonly<Record<EnvironmentName, Preset>> = {
  development: { leaseDurationMs: 15_000, renewIntervalMs: 5000, detailedLogging: true },
  staging: { leaseDurationMs: 30_000, renewIntervalMs: 10_000, detailedLogging: true },
  production: { leaseDurationMs: 30_000, renewIntervalMs: 10_000, detailedLogging: false },
  'high-load': { leaseDurationMs: 60_000, renewIntervalMs: 15_000, detailedLogging: false },
};

/** What applies where neither a preset nor anybody says more. */
export const DEFAULTS = {
  keyPrefix: 'conclave:leader:',
  leaseDurationMs: 15_000,
  gracePeriodMs: 0,
  waitReplicas: 0,
  directory: '.conclave',
  debounceMs: 300,
  channel: 'conclave:config:changes',
  address: '127.0.0.1',
  port: 8080,
  metricsPort: 8081,
  metricsPrefix: 'conclave',
  retentionBytes: 64 * 1024 * 1024,
  retentionMs: 14 * 24 * 3600 * 1000,
} as const;
