import { parentPort, workerData } from 'node:worker_threads';
import { leaseErrorOf, toWire } from './sqlite-lease-errors.ts';
import type { FromWorker, LeaseWorkerOptions, ToWorker } from './sqlite-lease-messages.ts';
import { LeaseSession } from './sqlite-lease-session.ts';
import { LeaseWatch } from './sqlite-lease-watch.ts';

/** The thread that waits for the disk and for locks, so that the one that must step down in time never does. */

const options = workerData as LeaseWorkerOptions;
const port = parentPort;
if (port === null)
  throw new Error('sqlite-lease-worker.ts is the inside of sqliteLeases(); it runs as its worker.');

const { path } = options;
const say = (message: FromWorker) => {
  port.postMessage(message);
};

const session = new LeaseSession(options, () => {
  say({
    notice: { kind: 'replaced', message: `${path} is another file than before; what it held is waited out.` },
  });
  watch.replaced();
});

const watch = new LeaseWatch(path, session, {
  signal: (signal) => say({ signal }),
  lost: (error) =>
    say({
      notice: { kind: 'watch-lost', message: `Changes of ${path} cannot be watched: ${String(error)}` },
    }),
  restored: () =>
    say({ notice: { kind: 'watch-restored', message: `Changes of ${path} are watched again.` } }),
});

port.on('message', (message: ToWorker) => {
  if ('watch' in message) return watch.set(message.watch);
  if ('close' in message) {
    watch.close();
    session.close();
    port.close();
    return undefined;
  }
  const { id, op, ask } = message;
  try {
    say({ id, answer: session.perform(message) });
  } catch (error) {
    say({ id, error: toWire(leaseErrorOf(error, path, false)) });
  }
  if (op !== 'read') watch.changed(ask.resource);
  return undefined;
});
