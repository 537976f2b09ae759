import type { Command } from 'commander';
import { register as convert } from './config-convert.ts';
import { register as diff } from './config-diff.ts';
import { register as explain } from './config-explain.ts';
import { register as history } from './config-history.ts';
import { register as reload } from './config-reload.ts';
import { register as rollback } from './config-rollback.ts';
import { register as status } from './config-status.ts';
import { register as validate } from './config-validate.ts';

/** `conclave config …`: one file a command. */
export function register(program: Command): void {
  const config = program
    .command('config')
    .summary(
      'validate, explain, compare and convert configurations; reload, see and roll back what members run',
    )
    .description('Looks at configurations in files, at what members run, and at what they share in a store.')
    .helpCommand('help [command]', 'explain a command');
  for (const each of [validate, explain, diff, convert, reload, status, history, rollback]) each(config);
}
