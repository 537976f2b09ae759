import { isDeepStrictEqual } from 'node:util';
import { type ConfigPath, printable, showPath } from './formats/config-node.ts';
import { REDACTED, type Secrets, shownPath } from './redact.ts';

/** What differs between two configurations, key by key: first with values, for deciding, then without secrets, to be told. */

export interface Change {
  readonly path: ConfigPath;
  readonly change: 'added' | 'removed' | 'changed';
  /** `undefined` where there was or is nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Every plain value that was added, removed or changed, in the order of the newer configuration. Items of lists are
 * compared by their index. Holds the values as they are, secrets included.
 */
export function changesBetween(before: unknown, after: unknown): readonly Change[] {
  const changes: Change[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: ConfigPath, changes: Change[]): void {
  const [old, young] = [membersOf(before), membersOf(after)];
  const sameKind = old !== null && young !== null && Array.isArray(before) === Array.isArray(after);
  if (!sameKind) {
    if (isDeepStrictEqual(before, after)) return;
    if (old === null && young === null && before !== undefined && after !== undefined) {
      changes.push({ path, change: 'changed', before, after });
      return;
    }
    addLeaves(before, path, 'removed', changes);
    addLeaves(after, path, 'added', changes);
    return;
  }
  for (const [key, value] of young) compare(old.get(key), value, [...path, key], changes);
  for (const [key, value] of old) if (!young.has(key)) addLeaves(value, [...path, key], 'removed', changes);
}

function addLeaves(value: unknown, path: ConfigPath, change: 'added' | 'removed', changes: Change[]): void {
  if (value === undefined) return;
  const members = membersOf(value);
  if (members === null || members.size === 0) {
    const sides =
      change === 'added' ? { before: undefined, after: value } : { before: value, after: undefined };
    changes.push({ path, change, ...sides });
    return;
  }
  for (const [key, each] of members) addLeaves(each, [...path, key], change, changes);
}

/** What is in a list or a plain object; null of anything else. A key with `undefined` counts as absent. */
function membersOf(value: unknown): ReadonlyMap<string | number, unknown> | null {
  if (Array.isArray(value)) return new Map(value.entries());
  if (!isPlainObject(value)) return null;
  return new Map(Object.entries(value).filter(([, each]) => each !== undefined));
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One key that differs; values are text, `***` for secrets, null where there was or is nothing. */
export interface Difference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between two configurations, with secrets hidden, up to a limit. */
export interface Differences {
  readonly differences: readonly Difference[];
  /** How many more there are. */
  readonly omitted: number;
}

/** More differences than these are counted, not told. */
export const DIFFERENCES_MAX = 1000;
/** Longer values are cut where they are shown. */
const VALUE_SHOWN_MAX = 200;

/**
 * Changes as they may be told: a value that is secret in either configuration is `***` in both, and of what a secret
 * was made into nothing is told but that it changed.
 */
export function tellDifferences(
  changes: readonly Change[],
  before: Secrets | null,
  after: Secrets,
): Differences {
  const both = before === null ? [after] : [before, after];
  const told = new Map<string, Difference>();
  for (const { path, change, before: old, after: young } of changes) {
    const shown = shownPath(path, both);
    const isSecret =
      shown.length < path.length ||
      both.some((secrets) => [old, young].some((value) => secrets.isSecret(path, value)));
    const text = (value: unknown) => (value === undefined ? null : isSecret ? REDACTED : showValue(value));
    const key = showPath(shown);
    const first = told.get(key);
    if (first === undefined) told.set(key, { path: key, change, before: text(old), after: text(young) });
    // Several changes inside one secret, or a value that became one of another kind.
    else
      told.set(key, {
        path: key,
        change: 'changed',
        before: first.before ?? text(old),
        after: first.after ?? text(young),
      });
  }
  const differences = [...told.values()];
  const omitted = Math.max(0, differences.length - DIFFERENCES_MAX);
  return { differences: differences.slice(0, DIFFERENCES_MAX), omitted };
}

function showValue(value: unknown): string {
  const text = value instanceof Date ? value.toJSON() : safeJson(value);
  const short = text.length > VALUE_SHOWN_MAX ? `${text.slice(0, VALUE_SHOWN_MAX)}…` : text;
  return printable(short);
}

/** What a schema made of a value need not be JSON. */
function safeJson(value: unknown): string {
  const isPlain =
    value === null || ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value);
  if (isPlain || isPlainObject(value)) return JSON.stringify(value) ?? '';
  return typeof value === 'bigint' ? String(value) : `(${typeof value})`;
}
