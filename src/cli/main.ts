#!/usr/bin/env node
import { Command } from 'commander';
import { VERSION } from '../runtime/identity.ts';
import { register as config } from './config.ts';
import { register as demo } from './demo.ts';
import { register as diagram } from './diagram.ts';
import { register as doctor } from './doctor.ts';
import { register as inspect } from './inspect.ts';
import { register as journal } from './journal.ts';
import { printUsageError, reportFailure } from './output.ts';
import { register as release } from './release.ts';
import { register as resign } from './resign.ts';
import { register as run } from './run.ts';
import { register as settings } from './settings.ts';
import { register as simulate } from './simulate.ts';
import { register as status } from './status.ts';
import { register as up } from './up.ts';

/** The program `conclave`: one file a command, registered here. */

type Register = (program: Command) => void;

const commands: readonly Register[] = [
  up,
  demo,
  run,
  status,
  resign,
  release,
  doctor,
  settings,
  config,
  journal,
  inspect,
  diagram,
  simulate,
];

const FIRST_STEPS = `
First steps:
  $ conclave demo       # three members on this machine, and what their failovers cost
  $ conclave up         # one member; start it in two terminals, and end the one that leads
  $ conclave up --help  # what a command does, its options, examples and exit codes

Exit codes of all commands:
  0  it worked
  1  it was tried and did not work, or what was asked for does not hold
  2  the command line or a setting is wrong; nothing was done`;

function createProgram(): Command {
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
  for (const register of commands) register(program);
  return program;
}

// A reader that has seen enough (`conclave journal log | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
