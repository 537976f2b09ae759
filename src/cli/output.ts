import { looksSecret } from '../config/redact-names.ts';
import { type Command, CommanderError } from 'commander';
import { ConclaveError, ERRORS } from '../errors.ts';

/** What all commands share: how they are described, what they print, how they fail. */

export const EXIT = {
  ok: 0,
  /** It was tried and did not work, or what was asked for does not hold. */
  failure: 1,
  /** The command line, a setting or a path is wrong; nothing was done. */
  usage: 2,
} as const;

export interface CommandDescription {
  /** Name and arguments, for example `diagram [chart]`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` opens with; the summary if missing. */
  readonly description?: string;
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  /** What the exit codes mean; 2 is the same everywhere and may be left out. */
  readonly exitCodes: Readonly<Record<number | string, string>>;
}

/** Adds a command that has `--json`, examples and exit codes in its `--help`. Its action sets `process.exitCode`. */
export function addCommand(parent: Command, about: CommandDescription): Command {
  const { usage, summary, description = summary, examples, exitCodes } = about;
  const codes = {
    ...exitCodes,
    2: exitCodes[2] ?? 'the command line or a setting is wrong; nothing was done',
  };
  const pad = (text: string, all: readonly string[]) =>
    text.padEnd(all.reduce((longest, each) => Math.max(longest, each.length), 0));
  const commands = examples.map(([command]) => command);
  return parent
    .command(usage)
    .summary(summary)
    .description(description)
    .option('--json', 'print JSON, for programs')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        ...examples.map(([command, purpose]) => `  $ ${pad(command, commands)}  # ${purpose}`),
        '\nExit codes:',
        ...Object.entries(codes).map(([code, meaning]) => `  ${pad(code, Object.keys(codes))}  ${meaning}`),
      ].join('\n'),
    );
}

/** Whether this process was asked for JSON; what follows `--` is another program's. */
export function wantsJson(argv: readonly string[] = process.argv): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

/** One line on standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One JSON value on one line of standard output; bigints as decimal strings. */
export function printJson(value: unknown): void {
  print(toJson(value));
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}

/**
 * Rows as aligned columns; numbers to the right. The first row is the heading.
 *
 * @example
 * table([['member', 'ms'], ['web-1', 12]]); // ['member  ms', 'web-1   12']
 */
export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
  const rightAligned = widths.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] !== 'string'),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const text = String(cell);
        return rightAligned[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Says on standard error what went wrong: a line for people, a JSON object for programs. */
export function printError(
  message: string,
  details: { readonly code?: string; readonly cure?: string } = {},
) {
  process.stderr.write(
    wantsJson() ? `${toJson({ error: { ...details, message } })}\n` : `conclave: ${message}\n`,
  );
}

/** Reports an error of a command and tells the exit code it deserves. */
export function reportFailure(error: unknown): number {
  // Commander has printed its own complaint already; `--help` and `--version` come this way, too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ConclaveError) {
    printError(error.message, { code: error.code, cure: error.cure });
    return ERRORS[error.code].reaction === 'fix-settings' ? EXIT.usage : EXIT.failure;
  }
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  printError(`unexpected: ${told}`, { code: 'UNEXPECTED' });
  return EXIT.failure;
}

/** What was wrong with a command line, without what an option it names was given, and without words that look secret. */
export function withoutValues(message: string): string {
  return message
    .replaceAll(/(--[\w-]+)=[^']*/g, '$1=***')
    .replaceAll(/[^\s']+/g, (word) => (looksSecret(word) ? '***' : word));
}

/** How commander's own complaints are printed: one line, as all others. */
export function printUsageError(text: string): void {
  const message = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ');
  printError(withoutValues(message), { code: 'USAGE', cure: 'See --help.' });
}
