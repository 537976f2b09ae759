import type { Command } from 'commander';
import { register as bisect } from './journal-bisect.ts';
import { register as diff } from './journal-diff.ts';
import { register as exportTo } from './journal-export.ts';
import { register as log } from './journal-log.ts';
import { register as merge } from './journal-merge.ts';
import { register as play } from './journal-play.ts';
import { register as replay } from './journal-replay.ts';
import { register as show } from './journal-show.ts';
import { register as verify } from './journal-verify.ts';
import { register as whatIf } from './journal-whatif.ts';

/** `conclave journal …`: one file a command. */
export function register(program: Command): void {
  const journal = program
    .command('journal')
    .summary('list, show, verify, replay, compare and export what members recorded')
    .description(
      'Reads what members recorded: a journal.db, also while it is being written, a JSONL journal, or - for standard input.',
    )
    .helpCommand('help [command]', 'explain a command');
  for (const each of [log, show, verify, replay, diff, merge, bisect, whatIf, play, exportTo]) each(journal);
}
