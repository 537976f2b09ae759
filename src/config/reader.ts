import type { ChangedKeys, Diagnostic } from '../../machines/index.ts';
import type { ConfigContent } from './content.ts';
import type { Differences } from './difference.ts';
import type { ConfigValue } from './formats/config-node.ts';

/**
 * What makes a configuration of bytes, in the two steps the chart tells apart: `parse` (syntax, and what the bytes refer
 * to) and `check` (the schema). Neither changes anything; both say everything that is wrong at once.
 */
export interface ConfigReader<T> {
  parse(content: ConfigContent): Promise<Parsed | Refused>;
  check(parsed: Parsed, previous: ConfigSnapshot<T> | null): Promise<Checked<T> | Refused>;
  /** Somebody else's words about a configuration, without its secrets. */
  scrub(message: string, parsed: Parsed): string;
  /** A configuration as it may be shown: `***` for each secret. */
  redact(snapshot: ConfigSnapshot<T>): ConfigValue;
  /** What differs between two configurations, secrets hidden. */
  difference(before: ConfigSnapshot<T> | null, after: ConfigSnapshot<T>): Differences;
}

export interface Parsed {
  readonly kind: 'parsed';
  /** Keyed digest of what the bytes refer to; null if they refer to nothing. */
  readonly dependencies: string | null;
  /** The same under another key, to compare it with what others have. */
  readonly digest: (key: string) => string | null;
  /** Absolute paths of files that the bytes refer to. */
  readonly files: readonly string[];
  /** For the reader that made it. */
  readonly tree: unknown;
}

export interface Checked<T> {
  readonly kind: 'checked';
  /** Deeply frozen. */
  readonly value: T;
  /** Against what was in force; all of the first one are live. */
  readonly changed: ChangedKeys;
  readonly warnings: readonly Diagnostic[];
  /** As the schema sees it. */
  readonly parsed: Parsed;
}

export interface Refused {
  readonly kind: 'refused';
  readonly diagnostics: readonly Diagnostic[];
  readonly dependencies: string | null;
  readonly files: readonly string[];
  /** May pass by itself: a provider of secrets that does not answer. */
  readonly transient: boolean;
}

/** A configuration that passed all checks: complete, frozen, and where it came from. */
export interface ConfigSnapshot<T> {
  readonly value: T;
  readonly content: ConfigContent;
  readonly parsed: Parsed;
}
