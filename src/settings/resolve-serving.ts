import { resolve } from 'node:path';
import type { Layers } from './layers.ts';
import { DEFAULTS } from './presets.ts';
import type {
  ConfigurationMode,
  ConfigurationSettings,
  JournalSettings,
  ServerSettings,
} from './settings.ts';

/**
 * How a configuration reaches the members, of the documents' four deployments: alone and watching, sharing and watching,
 * sharing and reloading when told to, neither. `store` is chosen by name only.
 */
export function deploymentMode(highAvailability: boolean, watching: boolean): ConfigurationMode {
  if (highAvailability) return 'file';
  return watching ? 'local' : 'static';
}

export function resolveConfiguration(
  layers: Layers,
  highAvailability: boolean,
  cwd: string,
): ConfigurationSettings {
  const path = layers.take('configurationPath', 'configuration.path', null);
  const asked = layers.get('configurationMode');
  const watched = layers.take('watching', 'configuration.watching', asked?.value !== 'static');
  // The settings file is each member's own: without another file there is nothing that could be shared.
  const shares = highAvailability && path !== null;
  const mode = layers.take('configurationMode', 'configuration.mode', deploymentMode(shares, watched));
  if (asked === undefined) {
    const note =
      path === null ? 'nothing is shared without configuration.path' : 'by high availability and watching';
    layers.origins.set('configuration.mode', { layer: 'default', note });
  }
  if (mode === 'static' && watched && layers.get('watching') !== undefined)
    layers.note(
      'A configuration that is static is read once, and not watched.',
      layers.get('watching')?.origin ?? null,
    );
  return {
    path: path === null ? null : resolve(cwd, path),
    mode,
    watching: watched && mode !== 'static',
    pollMs: positive(layers, 'pollMs', layers.take('pollMs', 'configuration.pollMs', null)),
    debounceMs: layers.take('debounceMs', 'configuration.debounceMs', DEFAULTS.debounceMs),
    channel: layers.take('channel', 'configuration.channel', DEFAULTS.channel),
  };
}

function positive<T extends number | null>(layers: Layers, id: 'pollMs', value: T): T {
  if (value === 0) layers.problem('It must be longer than nothing.', layers.get(id)?.origin ?? null);
  return value;
}

export function resolveServer(layers: Layers, cwd: string): ServerSettings {
  const certFile = layers.take('certFile', 'server.certificates.certFile', null);
  const keyFile = layers.take('keyFile', 'server.certificates.keyFile', null);
  if ((certFile === null) !== (keyFile === null)) {
    const [there, missing] =
      certFile === null ? (['keyFile', 'cert_file'] as const) : (['certFile', 'key_file'] as const);
    layers.problem(
      `HTTPS needs a certificate and its key; ${missing} is missing.`,
      layers.get(there)?.origin ?? null,
    );
  }
  const certificates =
    certFile === null || keyFile === null
      ? null
      : { certFile: resolve(cwd, certFile), keyFile: resolve(cwd, keyFile) };
  return {
    address: layers.take('address', 'server.address', DEFAULTS.address),
    port: layers.take('port', 'server.port', DEFAULTS.port),
    metricsPort: layers.take('metricsPort', 'server.metricsPort', DEFAULTS.metricsPort),
    allowedHosts: layers.take('allowedHosts', 'server.allowedHosts', []),
    tokens: layers.take('tokens', 'server.tokens', []),
    followerStatus: layers.take('followerStatus', 'server.followerStatus', 'degraded'),
    certificates,
  };
}

export function resolveJournal(layers: Layers, cwd: string): JournalSettings {
  const path = layers.take('journalPath', 'journal.path', null);
  const retention = layers.take('journalRetention', 'journal.retentionBytes', null);
  layers.take('journalRetention', 'journal.retentionMs', null);
  return {
    path: path === null || path === 'memory' ? path : resolve(cwd, path),
    retentionBytes: retention?.bytes ?? DEFAULTS.retentionBytes,
    retentionMs: retention?.ms ?? DEFAULTS.retentionMs,
    onFailure: layers.take('journalOnFailure', 'journal.onFailure', 'continue'),
  };
}
