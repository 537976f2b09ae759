import type { Command } from 'commander';
import { ConclaveError, type ErrorCode } from '../errors.ts';
import { JournalSource } from './journal-source.ts';
import { addCommand, type CommandDescription, reportFailure } from './output.ts';

/** What all `journal` commands share: which streams, how a damaged journal is reported. */

export interface JournalOptions {
  readonly stream?: readonly string[];
  readonly json?: true;
}

export const JOURNAL_EXIT = {
  diverged: 1,
  damaged: 3,
  incompatible: 4,
  text: {
    damaged: 'the journal is damaged or cut short; the message says where',
    incompatible: 'this chart cannot have written the journal',
  },
} as const;

const EXIT_OF: Partial<Readonly<Record<ErrorCode, number>>> = {
  JOURNAL_CORRUPT: JOURNAL_EXIT.damaged,
  JOURNAL_TRUNCATED: JOURNAL_EXIT.damaged,
  REPLAY_INCOMPATIBLE: JOURNAL_EXIT.incompatible,
};

export function addJournalCommand(parent: Command, about: CommandDescription): Command {
  return addCommand(parent, about).option(
    '--stream <name>',
    'only this stream, by its name or a part that no other has (repeatable)',
    (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
  );
}

/** Opens the journal, does the work, and gives damage an exit code of its own. */
export function withJournal(file: string, work: (journal: JournalSource) => Promise<void>): Promise<void> {
  return withJournals([file], ([journal]) => work(journal as JournalSource));
}

/** As `withJournal`, with several. */
export async function withJournals(
  files: readonly string[],
  work: (journals: readonly JournalSource[]) => Promise<void>,
): Promise<void> {
  try {
    await using opened = new AsyncDisposableStack();
    const journals: JournalSource[] = [];
    for (const file of files) journals.push(opened.use(await JournalSource.open(file)));
    await work(journals);
  } catch (error) {
    const exitCode = reportFailure(error);
    process.exitCode = error instanceof ConclaveError ? (EXIT_OF[error.code] ?? exitCode) : exitCode;
  }
}
