import type { Command } from 'commander';
import { type CommandModules, registerAsked } from './command-loading.ts';

const commands: CommandModules = {
  validate: () => import('./config-validate.ts'),
  explain: () => import('./config-explain.ts'),
  diff: () => import('./config-diff.ts'),
  convert: () => import('./config-convert.ts'),
  reload: () => import('./config-reload.ts'),
  status: () => import('./config-status.ts'),
  history: () => import('./config-history.ts'),
  rollback: () => import('./config-rollback.ts'),
};

/** `conclave config …`: one file a command. */
export async function register(program: Command, args: readonly string[]): Promise<void> {
  const config = program
    .command('config')
    .summary(
      'validate, explain, compare and convert configurations; reload, see and roll back what members run',
    )
    .description('Looks at configurations in files, at what members run, and at what they share in a store.')
    .helpCommand('help [command]', 'explain a command');
  await registerAsked(config, args, commands);
}
