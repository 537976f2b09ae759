import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** All measurements of the runtime and the journals, one after the other, each in a process of its own. */
for (const file of ['overhead.ts', 'replaying.ts', 'memory.ts', 'journals.ts']) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, file)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
