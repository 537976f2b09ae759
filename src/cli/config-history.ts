import type { Command } from 'commander';
import { addStoreOptions, type ConfigStoreOptions, settingsOfMembers, withHead } from './config-store.ts';
import { unlessWrong } from './given-settings.ts';
import { addCommand, print, printJson, table } from './output.ts';

export function register(parent: Command): void {
  const command = addCommand(parent, {
    usage: 'history',
    summary: 'list the generations that members shared, the newest first',
    examples: [['conclave config history', 'who changed what, when and why']],
    exitCodes: { 0: 'listed', 1: 'the store cannot be asked' },
  });
  addStoreOptions(command).action(async (options: ConfigStoreOptions) =>
    withHead(options, unlessWrong(await settingsOfMembers(options)), async (calls) => {
      const { history } = await calls.state();
      if (options.json) return printJson({ history });
      if (history.length === 0) return print('No configuration was shared yet.');
      const rows = history.map(({ generation, sha, at, who, why, token }) => [
        generation,
        sha.slice(0, 12),
        new Date(at).toISOString(),
        who,
        token,
        why,
      ]);
      for (const line of table([['generation', 'sha', 'when', 'who', 'token', 'why'], ...rows])) print(line);
      return undefined;
    }),
  );
}
