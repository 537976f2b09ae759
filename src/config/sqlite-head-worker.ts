import { parentPort, workerData } from 'node:worker_threads';
import { statSync } from 'node:fs';
import { leaseErrorOf, toWire } from '../lease/sqlite-lease-errors.ts';
import { HeadFile } from './sqlite-head-file.ts';
import type { HeadReply, HeadRequest } from './sqlite-head.ts';

/** The thread that waits for the disk and for locks, so that the one that may have to step down in time never does. */

const port = parentPort;
if (port === null)
  throw new Error('sqlite-head-worker.ts is the inside of sqliteHead(); it runs as its worker.');
const { path, namespace } = workerData as { readonly path: string; readonly namespace: string };

let open: { readonly file: HeadFile; readonly inode: bigint } | null = null;

const inodeOf = (): bigint | null => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;

/** The file at the path; another one than before, if it was replaced. */
function file(): HeadFile {
  if (open !== null && open.inode === inodeOf()) return open.file;
  open?.file.close();
  open = null;
  const opened = new HeadFile(path, namespace);
  open = { file: opened, inode: inodeOf() ?? 0n };
  return opened;
}

port.on('message', ({ id, op, args }: HeadRequest) => {
  const reply = (message: HeadReply) => port.postMessage(message);
  try {
    if (op === 'close') {
      open?.file.close();
      port.close();
      return;
    }
    const act = file()[op] as (...given: readonly unknown[]) => unknown;
    reply({ id, answer: act.call(open?.file, ...args) });
  } catch (error) {
    reply({ id, error: toWire(leaseErrorOf(error, path, op === 'swap')) });
  }
});
