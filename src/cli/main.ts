#!/usr/bin/env node
import { reportFailure } from './output.ts';
import { createProgram } from './program.ts';

// A reader that has seen enough (`conclave journal log | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  const args = process.argv.slice(2);
  const program = await createProgram(args);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  process.exitCode = reportFailure(error);
}
