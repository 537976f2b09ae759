import { Worker } from 'node:worker_threads';
import { StoreUnavailableError, UsageError, type ConclaveError } from '../errors.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import type { LeaseSignal } from './lease-store.ts';
import { fromWire } from './sqlite-lease-errors.ts';
import type {
  FromWorker,
  LeaseWorkerOptions,
  Operation,
  Operations,
  ToWorker,
} from './sqlite-lease-messages.ts';
import type { SqliteLeaseNotice } from './sqlite-lease-store.ts';

/** Calls that may wait behind one that the disk holds up; more are refused at once. */
export const CALLS_WAITING_MAX = 128;
/** How long a worker that died is left dead when nobody calls, but somebody watches. */
const RESTART_MS = 1000;
/** How long closing waits for the call that is under way. */
const CLOSE_DEADLINE_MS = 1000;

export interface LeaseClientOptions {
  readonly worker: URL;
  readonly options: LeaseWorkerOptions;
  readonly clock: Clock;
  readonly onSignal: (signal: LeaseSignal) => void;
  readonly onNotice: (notice: SqliteLeaseNotice) => void;
}

interface Call {
  readonly id: number;
  readonly message: ToWorker;
  /** A change whose outcome matters, rather than a look. */
  readonly changes: boolean;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  /** Stops listening to the caller's signal. */
  readonly detach: () => void;
}

/**
 * The calling thread's end of the line to the worker. One call is with the worker at a time, the others wait here:
 * one that is given up while it waits is never made, so that its outcome is known; one that is with the worker may
 * happen all the same. A worker that dies is replaced for the next call.
 */
export class SqliteLeaseClient {
  readonly #options: LeaseClientOptions;
  readonly #waiting: Call[] = [];
  #current: Call | null = null;
  #worker: Worker | null = null;
  #watched: readonly string[] = [];
  #restart: TimerId = null;
  #ids = 0;
  #closing: Promise<void> | null = null;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
    // Now, so that the first call, which has a timeout, need not wait for a thread to start.
    this.#start();
  }

  /** Rejects at once when `signal` aborts. */
  call<O extends Operation>(
    op: O,
    ask: Operations[O]['ask'],
    signal: AbortSignal,
  ): Promise<Operations[O]['answer']> {
    if (this.#closing) return Promise.reject(this.#closed());
    if (signal.aborted) return Promise.reject(this.#givenUp('before it was made', false, signal));
    if (this.#waiting.length >= CALLS_WAITING_MAX) return Promise.reject(this.#overloaded());
    return new Promise((resolve, reject) => {
      this.#ids += 1;
      const id = this.#ids;
      const abort = () => this.#abort(id, signal);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push({
        id,
        message: { id, op, ask } as ToWorker,
        changes: op !== 'read',
        resolve,
        reject,
        detach: () => signal.removeEventListener('abort', abort),
      });
      this.#pump();
    });
  }

  /** The resources to tell of from now on. */
  watch(resources: readonly string[]): void {
    this.#watched = resources;
    // A worker that is to replace a dead one is told at its start.
    if (!this.#closing) this.#post({ watch: resources });
  }

  /** Refuses what waits, lets what is under way finish within a second, and ends the worker. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    if (this.#restart !== null) clock.clearTimeout(this.#restart);
    for (const call of this.#waiting.splice(0)) settle(call, this.#closed());
    const worker = this.#worker;
    if (worker === null) return;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.ref();
    worker.once('exit', () => resolve());
    const deadline = clock.setTimeout(resolve, CLOSE_DEADLINE_MS);
    this.#post({ close: true });
    await ended;
    clock.clearTimeout(deadline);
    // A thread in the middle of a system call ends when the disk lets it; nobody waits for that.
    worker.unref();
    void worker.terminate();
    this.#lost(worker, 'the store was closed before the disk answered');
  }

  #pump(): void {
    if (this.#current || this.#closing) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#current = next;
    const worker = this.#worker ?? this.#start();
    // What is under way keeps the process alive; an idle worker does not.
    worker.ref();
    this.#post(next.message);
  }

  #start(): Worker {
    const { worker: url, options } = this.#options;
    // None of the program's own flags: --input-type would refuse a file, --import would run its hooks twice.
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    const worker = new Worker(url, { workerData: options, name: 'conclave-leases', execArgv });
    worker.unref();
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#lost(worker, `its thread died: ${String(error)}`));
    worker.on('exit', () => this.#lost(worker, 'its thread ended'));
    this.#worker = worker;
    if (this.#watched.length > 0) this.#post({ watch: this.#watched });
    return worker;
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if ('signal' in message) return this.#options.onSignal(message.signal);
    if ('notice' in message) return this.#options.onNotice(message.notice);
    const call = this.#current;
    if (call?.id !== message.id) return undefined;
    this.#current = null;
    this.#worker?.unref();
    if ('error' in message) settle(call, fromWire(message.error));
    else {
      call.detach();
      call.resolve(message.answer as never);
    }
    return this.#pump();
  }

  #abort(id: number, signal: AbortSignal): void {
    const at = this.#waiting.findIndex((call) => call.id === id);
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (waiting) settle(waiting, this.#givenUp('before it was made', false, signal));
    else if (this.#current?.id === id) {
      settle(this.#current, this.#givenUp('while the disk was asked', this.#current.changes, signal));
    }
  }

  #lost(worker: Worker, why: string): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    const { clock, onNotice, onSignal, options } = this.#options;
    const call = this.#current;
    this.#current = null;
    if (call) {
      const message = `${options.path} cannot be asked at present: ${why}.`;
      settle(call, new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: call.changes }));
    }
    if (this.#closing) return;
    onNotice({ kind: 'worker-lost', message: `The store ${options.path} starts again: ${why}.` });
    this.#pump();
    if (this.#watched.length === 0) return;
    this.#restart ??= clock.setTimeout(() => {
      this.#restart = null;
      if (this.#worker === null) this.#start();
      for (const resource of this.#watched) onSignal({ kind: 'gap', resource });
    }, RESTART_MS);
  }

  #givenUp(when: string, outcomeUnknown: boolean, signal: AbortSignal): ConclaveError {
    const message = `A call to ${this.#options.options.path} was given up ${when}.`;
    return new StoreUnavailableError('STORE_TIMEOUT', message, { outcomeUnknown, cause: signal.reason });
  }

  #overloaded(): ConclaveError {
    const message =
      `${this.#options.options.path} does not answer: ${CALLS_WAITING_MAX} calls wait already. ` +
      'Look at the disk; the calls that wait are made when it answers.';
    return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: false });
  }

  #closed(): ConclaveError {
    return new UsageError('STORE_CLOSED', `The lease store ${this.#options.options.path} was closed.`);
  }
}

/** Settling a call twice does nothing: one that was given up has told its caller already. */
function settle(call: Call, error: Error): void {
  call.detach();
  call.reject(error);
}
