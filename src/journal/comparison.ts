import type { AnyMachineSnapshot, StateValue } from 'xstate';
import type { Effect } from '../runtime/xstate-internals.ts';
import { projectEffect } from '../runtime/xstate-shapes.ts';
import { digestOf, isList } from './canonical.ts';
import { NO_DIGEST, stateText } from './codec.ts';
import type { FoldStep } from './fold.ts';
import type { EffectRecord, JournalRecord, Json } from './journal.ts';
import { FAULT_EVENT } from './own-events.ts';
import { encodeValue, refusedIn } from './values.ts';

/** What of a record came out differently. */
export type DifferingPart = 'unreadable' | 'before' | 'fault' | 'state' | 'effects' | 'context';

/** Compares a record with what it came to again; null if they agree. */
export function differingPart(record: JournalRecord, step: FoldStep, digests: boolean): DifferingPart | null {
  if (record.event.data !== undefined && refusedIn(record.event.data) !== null) return 'unreadable';
  if (
    record.from !== null &&
    step.before !== null &&
    !sameState(record.from, step.before.value as StateValue)
  )
    return 'before';
  if ((step.thrown !== undefined) !== isTransitionFault(record)) return 'fault';
  if (step.after === null) return sameEffects(record.effects, step.effects) ? null : 'effects';
  if (record.to === null || !sameState(record.to, step.after.value as StateValue)) return 'state';
  if (!sameEffects(record.effects, step.effects)) return 'effects';
  if (digests && record.digest !== NO_DIGEST && record.digest !== digestOfState(step.after)) return 'context';
  return null;
}

function isTransitionFault({ event }: JournalRecord): boolean {
  return (
    event.type === FAULT_EVENT &&
    (event.data as { readonly phase?: Json } | undefined)?.phase === 'transition'
  );
}

/** The digest of a state, as records carry it. */
export function digestOfState(snapshot: AnyMachineSnapshot): string {
  return digestOf(stateText(snapshot));
}

/** Effects as a record of `seq` has them. */
export function effectRecords(seq: number, effects: readonly Effect[]): EffectRecord[] {
  return effects.map(({ type, params }, at) => {
    const encoded = encodedParams(type, params);
    return { id: `${seq}:${at}`, type, ...(encoded !== undefined && { params: encoded }) };
  });
}

function encodedParams(type: string, params: unknown): Json | undefined {
  const projected = projectEffect(type, params);
  return projected === undefined ? undefined : encodeValue(projected, { onRefused: 'mark' });
}

function sameEffects(recorded: readonly EffectRecord[], again: readonly Effect[] | null): boolean {
  if (again === null) return true;
  if (recorded.length !== again.length) return false;
  for (let at = 0; at < recorded.length; at += 1) {
    const { type, params } = recorded[at] as EffectRecord;
    const effect = again[at] as Effect;
    if (type !== effect.type || !sameJson(params, encodedParams(type, effect.params))) return false;
  }
  return true;
}

/** State values are strings or objects of them; order of regions means nothing. */
function sameState(one: StateValue, other: StateValue): boolean {
  return typeof one === 'string' || typeof other === 'string'
    ? one === other
    : sameJson(one as Json, other as Json);
}

/** Whether two JSON values are equal, whatever the order of keys. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (isList(one) !== isList(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  const members = other as Record<string, Json>;
  return keys.every(
    (key) => Object.hasOwn(members, key) && sameJson((one as Record<string, Json>)[key], members[key]),
  );
}

/** One place at which two JSON values differ; undefined means that it is not there. */
export interface JsonDifference {
  /** JSON pointer. */
  readonly path: string;
  readonly recorded: Json | undefined;
  readonly replayed: Json | undefined;
}

/** Most differences that are listed one by one. */
export const DIFFERENCES_MAX = 50;

/** Where two JSON values differ, at most `DIFFERENCES_MAX` places. */
export function jsonDifferences(
  recorded: Json | undefined,
  replayed: Json | undefined,
  path = '',
): JsonDifference[] {
  if (sameJson(recorded, replayed)) return [];
  const both = [recorded, replayed];
  const open =
    both.every((side) => typeof side === 'object' && side !== null) &&
    isList(recorded as Json) === isList(replayed as Json);
  if (!open) return [{ path: path === '' ? '/' : path, recorded, replayed }];
  const keys = new Set(both.flatMap((side) => Object.keys(side as object)));
  const differences: JsonDifference[] = [];
  for (const key of [...keys].toSorted()) {
    if (differences.length >= DIFFERENCES_MAX) break;
    const member = (side: Json | undefined) => (side as Record<string, Json>)[key];
    const place = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    differences.push(...jsonDifferences(member(recorded), member(replayed), place));
  }
  return differences.slice(0, DIFFERENCES_MAX);
}
