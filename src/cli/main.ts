#!/usr/bin/env node
import { endAsFirstProcess } from './stop-signals.ts';

endAsFirstProcess();
// The rest takes a while to load, in which a signal may come already.
const { reportFailure } = await import('./output.ts');
const { checkNode } = await import('./node-version.ts');

// A reader that has seen enough (`conclave journal log | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  checkNode(process.versions.node);
  const { createProgram } = await import('./program.ts');
  const args = process.argv.slice(2);
  const program = await createProgram(args);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  process.exitCode = reportFailure(error);
}
