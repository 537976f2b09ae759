/** What `--help` says: each command has a purpose, examples whose options exist, and exit codes. */
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

const program = await createProgram([]);

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function helpOf(command: Command): string {
  let text = '';
  command
    .configureOutput({ writeOut: (part) => void (text += part), getOutHelpWidth: () => 80 })
    .outputHelp();
  return text;
}

const commands = leaves(program).map((command) => ({ name: pathOf(command), command }));

test('there are as many as the program says', () => {
  expect(commands.length).toBeGreaterThan(20);
});

describe.for(commands)('$name', ({ name, command }) => {
  const help = helpOf(command);

  test('says what it is for, and what its exit codes mean', () => {
    expect(command.summary()).toMatch(/\w{3}/);
    expect(help).toContain('--json');
    // 0, or what the command that it runs says.
    expect(help).toMatch(/\nExit codes:\n(?: +\S+ +\S.*\n)*? +[0n] +\S/);
    expect(help).toMatch(/\n +2 +\S/);
  });

  test('gives examples that this command understands', () => {
    const [, examples = ''] = /\nExamples:\n(.*?)\nExit codes:/s.exec(help) ?? [];
    const lines = examples.split('\n').filter((line) => line.trim() !== '');
    expect(lines).not.toEqual([]);
    const known = new Set(command.options.flatMap(({ long, short }) => [long, short]));
    for (const line of lines) {
      // What follows `--` is another program's, what follows a pipe or `#` nobody's.
      const [, mine = ''] =
        /\$ (?:.*?\| *|git bisect run +)?(conclave .*?)(?: -- .*| [|#>] .*)?$/.exec(line) ?? [];
      expect(mine, line).toMatch(new RegExp(`^${name}( |$)`));
      const options = [...mine.matchAll(/ (--?[a-z][\w-]*)/g)].map(([, option]) => option);
      expect(options.filter((option) => !known.has(option))).toEqual([]);
    }
  });
});
