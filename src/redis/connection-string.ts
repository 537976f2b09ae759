import { SettingsError } from '../errors.ts';
import type { RedisSettings } from './settings.ts';

export function parseConnectionString(text: string): RedisSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'redis:' || url.hostname === '')
    throw new SettingsError('SETTINGS_INVALID', 'This connection string is not understood.');
  return {
    topology: {
      kind: 'standalone',
      endpoint: { host: url.hostname, port: url.port === '' ? 6379 : Number(url.port) },
    },
    credentials:
      url.password === ''
        ? null
        : {
            username: url.username === '' ? null : decodeURIComponent(url.username),
            password: decodeURIComponent(url.password),
          },
    database: url.pathname.length > 1 ? Number(url.pathname.slice(1)) : 0,
    tls: null,
    connectTimeoutMs: 5000,
    commandTimeoutMs: 5000,
    keepAliveMs: 60_000,
    clientName: 'conclave',
    notes: [],
  };
}
