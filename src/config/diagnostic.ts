import type { Diagnostic } from '../../machines/config-reload.events.ts';
import { type ConfigPath, printable, showPath } from './formats/config-node.ts';
import { charactersOf, type SourceText } from './formats/source-text.ts';
import { looksSecret } from './redact-names.ts';

/**
 * What is wrong with a configuration, where, and what to do. Guarantee: no message and no excerpt shows a secret. So
 * messages are our own words: they never repeat a text that stands where a value stands. Excerpts, which do repeat
 * the source, hide what the caller says is secret, or are left out.
 */

/** What kind of problem it is; stable, for programs. */
export type ConfigProblem =
  | 'FORMAT_UNKNOWN'
  | 'ENCODING'
  | 'LIMIT'
  | 'SYNTAX'
  | 'UNSUPPORTED'
  | 'DUPLICATE_KEY'
  | 'VALUE'
  | 'REFERENCE'
  | 'UNKNOWN_KEY'
  | 'IMMUTABLE'
  | 'SCHEMA';

export interface ConfigDiagnostic extends Diagnostic {
  readonly stage: 'parsing' | 'checking';
  readonly code: ConfigProblem;
  /** A warning does not keep a configuration from being applied. */
  readonly severity: 'error' | 'warning';
  /** The source line and a caret under the place, two lines; null where there is no line, or it could show a secret. */
  readonly excerpt: string | null;
}

/** Offsets of a stretch of source text that must not be shown. */
export type Hidden = readonly [start: number, end: number];

export interface ProblemAt {
  readonly stage: 'parsing' | 'checking';
  readonly code: ConfigProblem;
  readonly message: string;
  readonly source: SourceText;
  readonly at: number;
  readonly path: ConfigPath | null;
  /** What the excerpt must not show; null: leave the excerpt out. */
  readonly hidden: readonly Hidden[] | null;
  readonly severity?: 'error' | 'warning';
}

/** A problem at an offset of a source. */
export function diagnosticAt(problem: ProblemAt): ConfigDiagnostic {
  const { stage, code, message, source, at, hidden } = problem;
  return {
    stage,
    code,
    severity: problem.severity ?? 'error',
    message,
    ...source.place(at),
    path: problem.path === null ? null : showPath(problem.path),
    excerpt: hidden === null ? null : excerptOf(source, at, hidden),
  };
}

/** A problem of a file as a whole, or of none. */
export function diagnosticOfFile(
  code: ConfigProblem,
  message: string,
  file: string | null,
): ConfigDiagnostic {
  return {
    stage: 'parsing',
    code,
    severity: 'error',
    message,
    file,
    line: null,
    column: null,
    path: null,
    excerpt: null,
  };
}

const EXCERPT_COLUMNS_MAX = 120;
const mask = '***';

function excerptOf(source: SourceText, at: number, hidden: readonly Hidden[]): string | null {
  const [lineStart, lineEnd] = source.line(at);
  let shown = '';
  let caret = 0;
  let done = lineStart;
  const show = (until: number): void => {
    if (until > done) shown += printable(source.text.slice(done, until).replaceAll('\t', ' '));
    done = Math.max(done, until);
  };
  const marks = [...mergedOn(hidden, lineStart, lineEnd), [lineEnd, lineEnd] as const];
  for (const [start, end] of marks) {
    if (at >= done && at < start) {
      show(at);
      caret = charactersOf(shown).length;
    }
    show(start);
    if (at >= start && (at < end || end === lineEnd)) caret = charactersOf(shown).length;
    if (end > start) shown += mask;
    done = Math.max(done, end);
  }
  if (looksSecret(shown.replaceAll(mask, ''))) return null;
  return windowed(charactersOf(shown), caret);
}

/** The hidden stretches of a line, in order and without overlaps. */
function mergedOn(hidden: readonly Hidden[], lineStart: number, lineEnd: number): readonly Hidden[] {
  const merged: [number, number][] = [];
  const onLine = hidden
    .map(([start, end]) => [Math.max(start, lineStart), Math.min(end, lineEnd)] as const)
    .filter(([start, end]) => start < end)
    .toSorted(([one], [other]) => one - other);
  for (const [start, end] of onLine) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function windowed(characters: readonly string[], caret: number): string {
  const from = caret > EXCERPT_COLUMNS_MAX - 20 ? caret - Math.floor(EXCERPT_COLUMNS_MAX / 2) : 0;
  const lead = from > 0 ? '…' : '';
  const tail = characters.length > from + EXCERPT_COLUMNS_MAX ? '…' : '';
  const line = lead + characters.slice(from, from + EXCERPT_COLUMNS_MAX).join('') + tail;
  return `${line.trimEnd()}\n${' '.repeat(caret - from + lead.length)}^`;
}

/**
 * A diagnostic as people read it: `file:line:column: path: message`, then the source line and a caret.
 *
 * @example
 * console.error(result.diagnostics.map(showDiagnostic).join('\n'));
 */
export function showDiagnostic(diagnostic: ConfigDiagnostic): string {
  const { file, line, column, path, message, severity } = diagnostic;
  const where = file === null ? '' : line === null ? `${file}: ` : `${file}:${line}:${column}: `;
  const what = `${severity === 'warning' ? 'warning: ' : ''}${path === null ? '' : `${path}: `}${message}`;
  const excerptLines = diagnostic.excerpt === null ? '' : `\n${diagnostic.excerpt.replaceAll(/^/gm, '  ')}`;
  return `${where}${what}${excerptLines}`;
}
