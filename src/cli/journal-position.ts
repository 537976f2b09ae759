import { InvalidArgumentError } from 'commander';
import { SettingsError } from '../errors.ts';
import type { StreamSummary } from '../journal/journal.ts';

/** Where in a stream: a sequence number, or so many records from its end. */
export type Position =
  { readonly kind: 'seq'; readonly seq: number } | { readonly kind: 'from-end'; readonly back: number };

/**
 * `@12` or `12` is the record 12; `@-3` is the third from the end; `@first` and `@last` are what they say.
 *
 * @throws InvalidArgumentError
 */
export function parsePosition(text: string): Position {
  const [, place = ''] = /^@?(-?\d{1,15}|first|last)$/.exec(text) ?? [];
  if (place === 'first') return { kind: 'seq', seq: 1 };
  if (place === 'last') return { kind: 'from-end', back: 1 };
  const number = Number(place);
  if (place === '' || number === 0)
    throw new InvalidArgumentError('A position is @N, @-N from the end, @first or @last.');
  return number > 0 ? { kind: 'seq', seq: number } : { kind: 'from-end', back: -number };
}

/** The sequence number of a position; within what the stream holds for positions from the end and `@first`. */
export function seqAt(position: Position, { first, seq }: StreamSummary): number {
  if (position.kind === 'from-end') return Math.max(first, seq - position.back + 1);
  return position.seq === 1 ? first : position.seq;
}

/**
 * As `seqAt`, for a record that must be there.
 *
 * @throws SettingsError that says which records there are
 */
export function heldSeqAt(position: Position, summary: StreamSummary): number {
  const seq = seqAt(position, summary);
  if (seq >= summary.first && seq <= summary.seq) return seq;
  const before = summary.first > 1 && seq < summary.first ? '; what was before is trimmed' : '';
  throw new SettingsError(
    'SETTINGS_INVALID',
    `There is no record @${seq} in ${summary.stream}: it holds @${summary.first} to @${summary.seq}${before}.`,
  );
}
