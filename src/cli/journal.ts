import type { Command } from 'commander';
import { type CommandModules, registerAsked } from './command-loading.ts';

const commands: CommandModules = {
  log: () => import('./journal-log.ts'),
  show: () => import('./journal-show.ts'),
  verify: () => import('./journal-verify.ts'),
  replay: () => import('./journal-replay.ts'),
  diff: () => import('./journal-diff.ts'),
  merge: () => import('./journal-merge.ts'),
  bisect: () => import('./journal-bisect.ts'),
  whatif: () => import('./journal-whatif.ts'),
  play: () => import('./journal-play.ts'),
  export: () => import('./journal-export.ts'),
};

/** `conclave journal …`: one file a command. */
export async function register(program: Command, args: readonly string[]): Promise<void> {
  const journal = program
    .command('journal')
    .summary('list, show, verify, replay, compare and export what members recorded')
    .description(
      'Reads what members recorded: a journal.db, also while it is being written, a JSONL journal, or - for standard input.',
    )
    .helpCommand('help [command]', 'explain a command');
  await registerAsked(journal, args, commands);
}
