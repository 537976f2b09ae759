import { Command } from 'commander';
import { VERSION } from '../runtime/identity.ts';
import { type CommandModules, registerAsked } from './command-loading.ts';
import { printUsageError } from './output.ts';

const commands: CommandModules = {
  up: () => import('./up.ts'),
  demo: () => import('./demo.ts'),
  run: () => import('./run.ts'),
  status: () => import('./status.ts'),
  resign: () => import('./resign.ts'),
  release: () => import('./release.ts'),
  doctor: () => import('./doctor.ts'),
  settings: () => import('./settings.ts'),
  config: () => import('./config.ts'),
  journal: () => import('./journal.ts'),
  inspect: () => import('./inspect.ts'),
  diagram: () => import('./diagram.ts'),
  simulate: () => import('./simulate.ts'),
};

const FIRST_STEPS = `
First steps:
  $ conclave demo       # three members on this machine, and what their failovers cost
  $ conclave up         # one member; start it in two terminals, and end the one that leads
  $ conclave up --help  # what a command does, its options, examples and exit codes

Exit codes of all commands:
  0  it worked
  1  it was tried and did not work, or what was asked for does not hold
  2  the command line or a setting is wrong; nothing was done`;

/** The program `conclave` for a command line: one file a command, registered here; all of them if it names none. */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('conclave')
    .description(
      'Leader election for Node services with several replicas, recorded so that you can replay it.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [command]', 'explain a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: printUsageError })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', FIRST_STEPS);
  const isVersion = args[0] === '-V' || args[0] === '--version';
  if (!isVersion) await registerAsked(program, args, commands);
  return program;
}
