import type { Command } from 'commander';
import { SettingsError } from '../errors.ts';
import { bisect } from '../journal/bisect.ts';
import { formatDivergence } from '../journal/divergence.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { loadMachine, machineFor } from './journal-machine.ts';
import { print, printJson } from './output.ts';

interface BisectOptions extends JournalOptions {
  readonly machine?: readonly string[];
}

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'bisect <file>',
    summary: 'the first record on which two versions of a chart differ',
    description:
      'Gives the same recorded events to two versions of a chart and shows the first record on which their states, effects or contexts differ, whatever was recorded. With one --machine the other is the shipped chart of the recorded id. The exit codes are those that `git bisect run` understands.',
    examples: [
      ['conclave journal bisect run.jsonl --machine ./old.ts --machine ./new.ts', 'two versions of a chart'],
      ['conclave journal bisect run.jsonl --machine ./leader.ts', 'the shipped chart against yours'],
      [
        'git bisect run conclave journal bisect run.jsonl --machine ./leader.ts',
        'which commit made the difference',
      ],
    ],
    exitCodes: {
      0: 'they agree on every record',
      1: 'they differ; the first record is shown',
      3: JOURNAL_EXIT.text.damaged,
      4: JOURNAL_EXIT.text.incompatible,
    },
  })
    .option(
      '--machine <module>',
      'a chart: ./chart.ts#export (once or twice)',
      (module: string, before: readonly string[] | undefined) => [...(before ?? []), module],
    )
    .action((file: string, options: BisectOptions) =>
      withJournal(file, async (journal) => {
        const modules = options.machine ?? [];
        const given = await Promise.all(modules.map(loadMachine));
        if (given.length < 1 || given.length > 2)
          throw new SettingsError(
            'SETTINGS_INVALID',
            `--machine: give one chart or two, not ${given.length}; for example --machine ./old.ts#leadershipMachine.`,
          );
        const found = [];
        for (const summary of await journal.streams(options.stream)) {
          const [one, other] = given.length === 2 ? given : [machineFor(summary, null), given[0]];
          if (one === undefined || other === undefined) continue;
          const result = await bisect(journal.reader.read(summary.stream), one, other, journal.name);
          if (result.divergence !== null) process.exitCode = JOURNAL_EXIT.diverged;
          found.push({ stream: summary.stream, ...result });
          if (options.json) continue;
          print(summary.stream);
          const [first = '', second = ''] = [
            ...(given.length === 2 ? [] : ['the shipped chart']),
            ...modules,
          ];
          print(`  first        ${first}`);
          print(`  second       ${second}`);
          print(
            result.divergence === null
              ? `✓ they agree on ${result.matched} records`
              : formatDivergence(result.divergence, ['first', 'second']),
          );
        }
        if (options.json) printJson(found);
      }),
    );
}
