/**
 * Ends what a test started even if the runner itself is killed: a small shell holds the reading end of a pipe and the
 * list of processes and directories. However this process ends, the pipe ends with it; then the shell kills and
 * deletes what is still on the list.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const script = `
trap '' HUP INT TERM
pids=' '
set --
while IFS=' ' read -r what thing; do
  case $what in
  process) pids="$pids$thing ";;
  ended) pids="\${pids%% $thing *} \${pids#* $thing }";;
  directory) set -- "$@" "$thing";;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ $# -eq 0 ] || rm -rf -- "$@" 2>/dev/null
[ $# -eq 0 ] || { sleep 1; rm -rf -- "$@"; }
`;

let list: Socket | null = null;

/** One shell for all that this process starts, in a session of its own: a Ctrl-C is not for it. */
function guard(): Socket {
  if (list !== null) return list;
  const shell = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  list = shell.stdin as unknown as Socket;
  list.unref();
  return list;
}

/** Puts a process on the list until it has ended. */
export function guardProcess<T extends ChildProcess>(child: T): T {
  const { pid } = child;
  if (pid === undefined) return child;
  guard().write(`process ${pid}\n`);
  child.once('exit', () => guard().write(`ended ${pid}\n`));
  return child;
}

/** A directory of its own under the system's temporary one, deleted when disposed of or when this process ends. */
export function guardedDirectory(name?: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), name === undefined ? 'conclave-' : `conclave-${name}-`));
  guard().write(`directory ${path}\n`);
  // A process that is on its way out may still write there.
  const removal = { recursive: true, force: true, maxRetries: 10 };
  return { path, [Symbol.dispose]: () => rmSync(path, removal) };
}
