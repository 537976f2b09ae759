import { SettingsError } from '../errors.ts';

/**
 * A connection string while it is read. No message made here repeats a part of it: a password that landed in the wrong
 * place looks like a host, a port, a key or a value, so that only the place (1-based column) is safe to tell.
 */

/** A part of the string, and where it begins (0-based). */
export interface Piece {
  readonly text: string;
  readonly at: number;
}

/** Longer ones are no connection strings: a limit for everything that reads them. */
export const CONNECTION_STRING_MAX_LENGTH = 16_384;

/** An error about the place `at` (0-based), or about the whole. */
export function refuse(at: number | null, problem: string): SettingsError {
  const where = at === null ? '' : `, column ${at + 1}`;
  return new SettingsError('REDIS_SETTINGS_INVALID', `Redis connection string${where}: ${problem}`);
}

/** The same without white space around it; columns stay those of the original. */
export function trim({ text, at }: Piece): Piece {
  const begin = text.length - text.trimStart().length;
  return { text: text.trim(), at: at + begin };
}

/** Splits at each occurrence of one character. */
export function split({ text, at }: Piece, separator: string): Piece[] {
  let from = at;
  return text.split(separator).map((part) => {
    const piece = { text: part, at: from };
    from += part.length + 1;
    return piece;
  });
}

/** What stands before the first `separator`, and what after it; null if there is none. */
export function cut({ text, at }: Piece, separator: string): readonly [Piece, Piece | null] {
  const index = text.indexOf(separator);
  if (index === -1) return [{ text, at }, null];
  return [
    { text: text.slice(0, index), at },
    { text: text.slice(index + 1), at: at + index + 1 },
  ];
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', '1'].map((text) => [text, true] as const),
  ...['false', 'no', 'off', '0'].map((text) => [text, false] as const),
]);

/** @throws SettingsError naming `key` */
export function booleanOf({ text, at }: Piece, key: string): boolean {
  const value = BOOLEANS.get(text.toLowerCase());
  if (value === undefined) throw refuse(at, `${key} must be true or false.`);
  return value;
}

/** @throws SettingsError naming `key` */
export function integerOf(
  { text, at }: Piece,
  key: string,
  range: { readonly min: number; readonly max: number; readonly unit?: string },
): number {
  const { min, max, unit = '' } = range;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw refuse(
      at,
      `${key} must be a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}.`,
    );
  return value;
}
