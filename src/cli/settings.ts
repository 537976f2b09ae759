import type { Command } from 'commander';
import { examineSettings, type ExaminedSettings } from '../settings/resolve.ts';
import { shownSettings } from '../settings/shown-settings.ts';
import { forPeople } from './member-places.ts';
import { addCommand, EXIT, print, printJson, table } from './output.ts';
import { addSettingFlags, settingsInput } from './setting-flags.ts';

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'settings',
    summary: 'show each setting and where it comes from',
    description:
      'Resolves settings as `conclave up` does — defaults, preset, file, environment, flags, the later winning — and shows each value with its origin, everything that is wrong, and what has no effect. Secrets are not shown.',
    examples: [
      ['conclave settings', 'what a member started here would use'],
      ['conclave settings --config /etc/conclave/conclave.hcl', 'check a file'],
      ['conclave settings --lease 30s --json', 'with a flag on top, for programs'],
    ],
    exitCodes: { 0: 'a member could start with them', 2: 'something is wrong with them; all of it is told' },
  });
  addSettingFlags(command).action(async (options: Readonly<Record<string, unknown>>) => {
    const examined = await examineSettings(settingsInput(options));
    const tell = options['json'] === true ? tellJson : tellPeople;
    tell(examined);
    if (examined.problems.length > 0) process.exitCode = EXIT.usage;
  });
}

function tellJson({ file, settings, origins, problems, notes }: ExaminedSettings): void {
  printJson({
    valid: problems.length === 0,
    file,
    settings: settings === null ? [] : shownSettings(settings, origins),
    problems: problems.map(({ message, origin, text }) => ({ message, origin, text })),
    notes: notes.map(({ message, origin, text }) => ({ message, origin, text })),
  });
}

function tellPeople({ file, settings, origins, problems, notes }: ExaminedSettings): void {
  print(file === null ? 'no settings file' : `settings file ${forPeople(file)}`);
  if (settings !== null) {
    const rows = shownSettings(settings, origins).map(({ setting, text, from, reload }) => [
      setting,
      text,
      from,
      reload,
    ]);
    for (const line of table([['setting', 'value', 'from', 'changes'], ...rows])) print(line);
  }
  for (const { text } of notes) print(`note: ${text}`);
  if (problems.length === 0) return;
  process.stderr.write(`${problems.map(({ text }) => text).join('\n')}\n`);
}
