import { KeyClasses, type KeyClass } from '../config/validate-key-classes.ts';
import { isPlainObject } from '../config/difference.ts';
import { printable } from '../config/formats/config-node.ts';
import { type Origin, showOrigin } from './origin.ts';
import { SETTINGS_KEYS } from './reload-schema.ts';
import { Secret } from './secret.ts';
import type { Settings } from './settings.ts';

/** Settings as they may be shown: no secret, and beside each value where it came from. */
export interface ShownSetting {
  /** Its name in {@link Settings}. */
  readonly setting: string;
  /** Secrets as `***`. */
  readonly value: unknown;
  /** The same for people. */
  readonly text: string;
  readonly origin: Origin;
  /** The same for people. */
  readonly from: string;
  /** When a change of it takes effect. */
  readonly reload: KeyClass;
}

/** What is told by another one beside it. */
const DERIVED: ReadonlySet<string> = new Set(['store.connection', 'store.kind']);

const classes = new KeyClasses(SETTINGS_KEYS);

export function shownSettings(
  settings: Settings,
  origins: ReadonlyMap<string, Origin>,
): readonly ShownSetting[] {
  return [...leaves(settings, [])]
    .filter(([path]) => !DERIVED.has(path.join('.')))
    .map(([path, value]) => {
      const setting = path.join('.');
      const origin = origins.get(setting === 'store.name' ? 'store.connection' : setting) ?? {
        layer: 'default' as const,
      };
      const shown = hidden(value);
      return {
        setting,
        value: shown,
        text: textOf(setting, shown),
        origin,
        from: showOrigin(origin),
        reload: classes.classOf(path),
      };
    });
}

function* leaves(value: object, path: readonly string[]): Generator<readonly [readonly string[], unknown]> {
  for (const [key, each] of Object.entries(value) as [string, unknown][]) {
    if (isPlainObject(each)) yield* leaves(each, [...path, key]);
    else yield [[...path, key], each];
  }
}

function hidden(value: unknown): unknown {
  if (value instanceof Secret) return String(value);
  if (Array.isArray(value)) return value.map(hidden);
  if (isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hidden(each)]));
  return value;
}

function textOf(setting: string, value: unknown): string {
  if (value === null) return '–';
  if (typeof value === 'number')
    return setting.endsWith('Ms')
      ? `${value} ms`
      : setting.endsWith('Bytes')
        ? `${value} bytes`
        : String(value);
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
