import type { Command } from 'commander';
import { placed } from '../config/reload-commentary.ts';
import { addStoreOptions, type ConfigStoreOptions, withHead } from './config-store.ts';
import { addCommand, EXIT, print, printJson, table } from './output.ts';

export function register(parent: Command): void {
  const command = addCommand(parent, {
    usage: 'status',
    summary: 'show what members share, and how each of them stands',
    examples: [['conclave config status --store sqlite:.conclave/config.db', 'a row for each member']],
    exitCodes: {
      0: 'every member that reported has what is wanted',
      1: 'some have not, or nothing is shared',
    },
  });
  addStoreOptions(command).action((options: ConfigStoreOptions) =>
    withHead(options, async (calls) => {
      const [{ head }, reports] = [await calls.state(), await calls.reports()];
      const isThere = ({ applied }: (typeof reports)[number]) =>
        applied?.sha === head?.sha && applied?.generation === head?.generation;
      if (head === null || !reports.every(isThere)) process.exitCode = EXIT.failure;
      if (options.json) return printJson({ head: head && { ...head, key: undefined }, members: reports });
      print(
        head
          ? `Generation ${head.generation}, ${head.sha.slice(0, 12)}, token ${head.term}`
          : 'Nothing is shared.',
      );
      const rows = reports.map(({ member, state, generation, applied, diagnostics: [first] }) => [
        member,
        `${state} ${generation}`,
        applied === null ? '-' : `${applied.generation} ${applied.sha.slice(0, 12)}`,
        first ? placed(first) : '',
      ]);
      for (const line of rows.length > 0 ? table([['member', 'state', 'in force', 'problem'], ...rows]) : [])
        print(line);
      return undefined;
    }),
  );
}
