import type { ConfigDiagnostic } from '../diagnostic.ts';
import type { ConfigNode } from './config-node.ts';
import type { ReferenceTable } from './references.ts';
import type { SourceText } from './source-text.ts';

/**
 * The port of a configuration format: text in, a tree of placed values out. A format never throws for what a file
 * holds, takes time in proportion to its length, and says everything that keeps it from being read as diagnostics.
 */
export interface ConfigFormat {
  readonly name: FormatName;
  /** Endings of file names it is chosen by, with the dot. */
  readonly extensions: readonly string[];
  /** References the text makes are asked of the table; those it does not know yet make the result incomplete. */
  read(source: SourceText, references: ReferenceTable): FormatResult;
}

export type FormatName = 'hcl' | 'json' | 'yaml' | 'toml';

export interface FormatResult {
  /** Null if there are diagnostics, or references have to be fetched before reading on. */
  readonly node: ConfigNode | null;
  readonly diagnostics: readonly ConfigDiagnostic[];
}

/** More problems of one file than these are not told. */
export const PROBLEMS_MAX = 20;
