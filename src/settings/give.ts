import { nearest } from '../suggest.ts';
import { CATALOGUE } from './catalogue.ts';
import type { Name, SettingId, Values } from './catalogue-entry.ts';
import type { Layer, Origin } from './origin.ts';
import type { Kind } from './setting-kinds.ts';
import { isDeepStrictEqual } from 'node:util';

/** Reads what stands for one setting and puts it into a layer, or what is wrong with it. */

export interface Offer {
  readonly id: SettingId;
  readonly kind: Kind;
  readonly name: Name | null;
  readonly priority: number;
  readonly value: unknown;
  /** Where something inside the value came from; `[]` is the value itself. */
  readonly originOf: (inside: readonly (string | number)[]) => Origin;
}

/** Nothing, an empty text (as `env("NAME", "")` and an empty variable give it) and null say nothing. */
export const saysNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

export function give(layer: Layer, offer: Offer): void {
  const { id, kind, name, priority, value, originOf } = offer;
  if (saysNothing(value)) return;
  const read = kind.schema.safeParse(value);
  if (read.success) {
    layer.given.push({ id, value: read.data as Values[SettingId], origin: originOf([]), name, priority });
    return;
  }
  for (const issue of read.error.issues) {
    const inside = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const near = nearest(key, ['token', 'scopes']);
        const hint = near === null ? '' : ` Did you mean ${near}?`;
        const message = `There is no such key; there are token and scopes.${hint}`;
        layer.problems.push({ origin: originOf([...inside, key]), message, ofKey: true, secret: true });
      }
    } else {
      const secret = kind.secret && { secret: true as const };
      layer.problems.push({ origin: originOf(inside), message: issue.message, ...secret });
    }
  }
}

/** Leaves one value of each setting: the one with the smallest priority. Others are told, or, if different, refused. */
export function oneOfEach(layer: Layer): void {
  const kept = new Map<SettingId, Layer['given'][number]>();
  for (const each of layer.given.toSorted((one, other) => one.priority - other.priority)) {
    const first = kept.get(each.id);
    if (first === undefined) {
      kept.set(each.id, each);
      continue;
    }
    if (isDeepStrictEqual(first.value, each.value)) continue;
    const isAlternative =
      CATALOGUE[each.id].alternatives === true || Math.abs(first.priority - each.priority) >= WAYS_APART;
    layer[isAlternative ? 'notes' : 'problems'].push({
      origin: each.origin,
      other: first.origin,
      message: isAlternative
        ? 'Another value of this is used, which stands at'
        : 'This is given another value at',
    });
  }
  layer.given.splice(0, layer.given.length, ...kept.values());
}

/** Ways to give a setting in the environment rank so far apart that none is a mere spelling of another. */
export const WAYS_APART = 1000;
