import type { Command } from 'commander';
import { placed } from '../config/reload-commentary.ts';
import { SettingsError } from '../errors.ts';
import { askOverHttp } from './config-reload-http.ts';
import { askOverSockets } from './config-reload-sockets.ts';
import { isInForce, type ReloadReport } from './member-reloads.ts';
import { parsePositiveDuration } from './duration.ts';
import { addConfigOption, addDirOption, settingsIfAny } from './given-settings.ts';
import { forPeople } from './member-places.ts';
import { addCommand, EXIT, print, printJson } from './output.ts';

export interface ReloadCommandOptions {
  readonly config?: string;
  readonly dir?: string;
  readonly resource?: string;
  readonly url?: string;
  readonly token?: string;
  readonly force?: true;
  readonly wait: number;
  readonly json?: true;
}

/** What came of it on one member. */
export interface ReloadAnswer {
  readonly member: string;
  /** Null where nothing came of it; `problem` says why. */
  readonly reports: readonly Pick<
    ReloadReport,
    'what' | 'path' | 'outcome' | 'generation' | 'sha' | 'restart' | 'diagnostics'
  >[];
  readonly problem: string | null;
}

export function register(parent: Command): void {
  const command = addCommand(parent, {
    usage: 'reload',
    summary: 'have running members read their configuration again, and say what came of it',
    description:
      'Asks all members that were started below the same --dir: over their control sockets, so that no token is needed. Each reads its settings file and, if it has one, the configuration of the application. With --url one member elsewhere is asked over HTTP, which tells the others that share its configuration.',
    examples: [
      ['conclave config reload', 'all members of this directory'],
      ['conclave config reload --force', 'even what was refused before and has not changed'],
      ['conclave config reload --url http://web-1:8080', 'with the token in $CONCLAVE_TOKEN'],
    ],
    exitCodes: {
      0: 'everything that was asked for is in force',
      1: 'some member refused it, did not answer, or has nothing to reload',
    },
  });
  addDirOption(addConfigOption(command))
    .option('--resource <name>', 'only the members of this one')
    .option('--url <url>', 'address of a member elsewhere')
    .option(
      '--token <token>',
      'for --url: what the member knows with the scope "reload" (default: $CONCLAVE_TOKEN)',
    )
    .option('--force', 'try again what was refused before')
    .option('--wait <duration>', 'wait at most this long for an answer', parsePositiveDuration, 60_000)
    .action(reload);
}

async function reload(options: ReloadCommandOptions): Promise<void> {
  if (options.token !== undefined && options.url === undefined)
    throw new SettingsError('SETTINGS_INVALID', '--token is for --url; a control socket asks for none.');
  if (options.url !== undefined) return tell(await askOverHttp(options, options.url), options);
  const { config, dir, json } = options;
  const flags = { ...(config !== undefined && { config }), ...(dir !== undefined && { dir }) };
  const { directory, wrong } = await settingsIfAny(flags, ['dir']);
  const answers = await askOverSockets(options, directory);
  // What is wrong with their file the members say themselves.
  if (answers.length > 0) return tell(answers, options);
  if (wrong !== null) throw wrong;
  process.exitCode = EXIT.failure;
  if (json) return printJson({ reloaded: false, members: [] });
  return print(`No member runs below ${forPeople(directory)}. Start one: conclave up --configuration FILE`);
}

function tell(answers: readonly ReloadAnswer[], { json }: ReloadCommandOptions): void {
  const isGood = ({ problem, reports }: ReloadAnswer) =>
    problem === null && reports.length > 0 && reports.every(({ outcome }) => isInForce(outcome));
  if (!answers.every(isGood)) process.exitCode = EXIT.failure;
  if (json) return printJson({ reloaded: process.exitCode !== EXIT.failure, members: answers });
  for (const line of answers.flatMap(told)) print(line);
}

function told({ member, reports, problem }: ReloadAnswer): string[] {
  if (problem !== null) return [`${member}: ${problem}`];
  if (reports.length === 0) return [`${member}: has no file to reload; start it with --config`];
  return reports.flatMap(({ path, outcome, generation, sha, restart, diagnostics }) => {
    const inForce =
      generation === null ? 'nothing is in force' : `${generation} (${sha?.slice(0, 12)}) is in force`;
    const waits = restart.length === 0 ? [] : [`  needs a restart: ${restart.join(', ')}`];
    return [
      `${member}: ${path === '' ? '' : `${forPeople(path)}: `}${outcome}; ${inForce}`,
      ...diagnostics.map((each) => `  ${placed(each)}`),
      ...waits,
    ];
  });
}
