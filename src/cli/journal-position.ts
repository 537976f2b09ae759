import { InvalidArgumentError } from 'commander';
import { type JournalError, SettingsError } from '../errors.ts';
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
    throw new InvalidArgumentError(
      `"${text}" is no position: write @N (from @1 on), @-N from the end, @first or @last.`,
    );
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
 * @param damage Of the journal, if it has any: what is at its end, or behind the damage, cannot be told.
 * @throws SettingsError that says which records there are; the damage where that is why
 */
export function heldSeqAt(
  position: Position,
  summary: StreamSummary,
  damage: JournalError | null = null,
): number {
  const seq = seqAt(position, summary);
  if (damage !== null && (position.kind === 'from-end' || seq > summary.seq)) throw damage;
  if (seq >= summary.first && seq <= summary.seq) return seq;
  const before = summary.first > 1 && seq < summary.first ? '; what was before is trimmed' : '';
  throw new SettingsError(
    'SETTINGS_INVALID',
    `There is no record @${seq} in ${summary.stream}: it holds @${summary.first} to @${summary.seq}${before}.`,
  );
}
