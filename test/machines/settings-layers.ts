import { readRedis } from '../../src/cli/setting-flags.ts';
import { compose, type Composed, type SettingsLayers } from '../../src/settings/compose.ts';
import { type Finding, showOrigin } from '../../src/settings/origin.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { Settings } from '../../src/settings/settings.ts';

/** Settings out of given layers, as a process in `/app` would have them. */
export function composed(layers: Partial<SettingsLayers>): Composed {
  return compose({
    file: null,
    environment: {},
    flags: {},
    cwd: '/app',
    defaultResource: 'default',
    readRedis,
    ...layers,
  });
}

/** One value by its name, secrets as their texts. */
export function valueAt(settings: Settings, name: string): unknown {
  let at: unknown = settings;
  for (const segment of name.split('.')) at = (at as Record<string, unknown> | null)?.[segment];
  return revealed(at);
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.text;
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealed(each)]));
}

/** `LeaderElection.Enabled` with a value, as an object in an object; several merged. */
export function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const segments = path.split('.');
    let at = tree;
    for (const segment of segments.slice(0, -1)) at = (at[segment] ??= {}) as Record<string, unknown>;
    at[segments.at(-1) ?? ''] = value;
  }
  return tree;
}

/** Findings in words, each with its origin. */
export const told = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ origin, message, other }) => {
    const where = origin === null ? '' : `${showOrigin(origin)}: `;
    return `${where}${message}${other === undefined ? '' : ` ${showOrigin(other)}`}`;
  });
