import { DEPTH_MAX } from './config-node.ts';
import { Unreadable } from './unreadable.ts';

/** What values every format has in common: those that JSON can carry and that come back the same. */

/** A number that is held exactly, as far as whole numbers go. */
export function heldNumber(value: number | bigint, at: number): number {
  const number = Number(value);
  if (!Number.isFinite(number)) {
    throw new Unreadable('VALUE', at, 'This is no finite number. Leave it out, or put it in quotes.');
  }
  if ((typeof value === 'bigint' || Number.isInteger(number)) && !Number.isSafeInteger(number)) {
    throw new Unreadable(
      'VALUE',
      at,
      'This number cannot be held exactly. Put it in double quotes to keep all its digits.',
    );
  }
  // There is no difference that -0 could make, but to comparisons that see one.
  return number === 0 ? 0 : number;
}

/** A text that can be written again: no half of a surrogate pair. */
export function heldText(value: string, at: number): string {
  if (value.isWellFormed()) return value;
  throw new Unreadable('VALUE', at, 'This text has half a character in it (a lone surrogate).');
}

export function tooDeep(at: number): Unreadable {
  return new Unreadable('LIMIT', at, `This is nested deeper than ${DEPTH_MAX} levels.`);
}
