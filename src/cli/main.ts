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

function createProgram(): Command {
  const program = new Command('conclave')
    .description(
      'Leader election for Node services with several replicas, recorded so that you can replay it.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: printUsageError })
    .configureHelp({ showGlobalOptions: false });
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
