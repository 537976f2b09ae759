import { CHANGED_KEYS_MAX, type ChangedKeys } from '../../machines/config-reload.events.ts';
import { SettingsError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import type { Change } from './difference.ts';
import { type ConfigPath, showPath } from './formats/config-node.ts';
import { PathPattern } from './formats/path-pattern.ts';
import { type Secrets, shownPath } from './redact.ts';

/** When a changed key takes effect: at once, after a restart, or never while the process runs. */
export type KeyClass = 'live' | 'restart' | 'immutable';

const classes: readonly KeyClass[] = ['live', 'restart', 'immutable'];

/** Declares the classes of keys; what is not declared is live. A key means all that is in it. */
export class KeyClasses {
  readonly #declared: readonly (readonly [pattern: PathPattern, keyClass: KeyClass])[];

  /**
   * @param declared `{ 'server.port': 'restart', 'server.*.name': 'immutable' }`; where several cover a key, the
   * longest decides, then the one with fewer `*`
   * @throws SettingsError `SETTINGS_INVALID`: no pattern, or no class
   */
  constructor(declared: Readonly<Record<string, KeyClass>> = {}) {
    this.#declared = Object.entries(declared).map(([text, keyClass]) => {
      if (!classes.includes(keyClass)) throw notAClass(text, keyClass);
      return [new PathPattern(text), keyClass] as const;
    });
  }

  classOf(path: ConfigPath): KeyClass {
    let best: readonly [PathPattern, KeyClass] | null = null;
    for (const each of this.#declared) {
      if (each[0].covers(path) && (best === null || each[0].outranks(best[0]))) best = each;
    }
    if (best !== null && best[0].segments.length === path.length) return best[1];
    // An empty object or list that came or went may hold keys that are stricter than itself.
    const inside = this.#declared
      .filter(([pattern]) => pattern.reachesInto(path))
      .map(([, keyClass]) => keyClass);
    return strictest([best?.[1] ?? 'live', ...inside]);
  }

  /** The changes by their classes, at most {@link CHANGED_KEYS_MAX} of each. */
  changedKeys(changes: readonly Change[], secrets: readonly Secrets[]): ChangedKeys {
    const keys: Record<KeyClass, Set<string>> = { live: new Set(), restart: new Set(), immutable: new Set() };
    for (const { path } of changes) {
      keys[this.classOf(path)].add(showPath(shownPath(path, secrets)));
    }
    const told = (keyClass: KeyClass) => [...keys[keyClass]].slice(0, CHANGED_KEYS_MAX);
    const omitted = classes.reduce((sum, each) => sum + Math.max(0, keys[each].size - CHANGED_KEYS_MAX), 0);
    return { live: told('live'), restart: told('restart'), immutable: told('immutable'), omitted };
  }
}

function strictest(among: readonly KeyClass[]): KeyClass {
  return classes.findLast((each) => among.includes(each)) ?? 'live';
}

function notAClass(key: string, given: unknown): SettingsError {
  const near = nearest(String(given), classes);
  const hint = near === null ? '' : ` Did you mean "${near}"?`;
  const message = `keys[${JSON.stringify(key)}] is ${JSON.stringify(given)}; a class of keys is "live", "restart" or "immutable".${hint}`;
  return new SettingsError('SETTINGS_INVALID', message);
}
