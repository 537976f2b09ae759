import type { Diagnostic } from '../../machines/index.ts';
import { changesBetween, type Differences } from './difference.ts';
import { type ConfigValue, showPath } from './formats/config-node.ts';
import { REDACTED } from './redact.ts';

/** What is in force, as it may be shown. */
export interface ShownConfig {
  readonly generation: number;
  readonly sha: string;
  /** With `***` for each secret. */
  readonly value: ConfigValue;
}

/** Whether a configuration would be accepted, and what it would change. */
export type ConfigCheck =
  | ({ readonly kind: 'accepted'; readonly sha: string } & Differences)
  | { readonly kind: 'refused'; readonly sha: string; readonly diagnostics: readonly Diagnostic[] };

const isPlaceholder = (segment: string | number): boolean => /^\*\*\*\d*$/.test(String(segment));

/**
 * Where a configuration holds what is shown instead of a secret. Whoever gets one, edits it and hands it back would
 * otherwise make `***` the password.
 */
export function placeholdersIn(value: unknown, file: string | null): readonly Diagnostic[] {
  return changesBetween(undefined, value)
    .filter(({ path, after }) => after === REDACTED || path.some(isPlaceholder))
    .map(({ path }) => ({
      stage: 'checking',
      code: 'VALUE',
      message: `${REDACTED} is what is shown instead of a secret. Give the secret, or better what refers to it.`,
      file,
      line: null,
      column: null,
      path: showPath(path),
    }));
}
