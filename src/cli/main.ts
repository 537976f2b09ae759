#!/usr/bin/env node
import { Command } from 'commander';
import { VERSION } from '../runtime/identity.ts';
import { printUsageError, reportFailure } from './output.ts';

/** The program `conclave`: one file a command, registered here. */

type Register = (program: Command) => void;

const commands: readonly Register[] = [];

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
