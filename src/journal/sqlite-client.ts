import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { JournalError } from '../errors.ts';
import type { OnNotice } from './durable-notice.ts';
import { fromWire } from './sqlite-errors.ts';
import type { Operation, Operations, Reply, WorkerOptions } from './sqlite-protocol.ts';

interface Call {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** The recording thread's end of the line to the worker. A worker that dies is replaced at the next call. */
export class SqliteClient {
  readonly #options: WorkerOptions;
  readonly #onNotice: OnNotice;
  readonly #calls = new Map<number, Call>();
  #worker: Worker | null = null;
  #ids = 0;
  #closed = false;

  constructor(options: WorkerOptions, onNotice: OnNotice) {
    this.#options = options;
    this.#onNotice = onNotice;
    this.#start();
  }

  /** Rejects with the worker's error, with `JOURNAL_FAILED` if the worker died, `JOURNAL_CLOSED` if it was closed. */
  call<O extends Operation>(op: O, ask: Operations[O]['ask']): Promise<Operations[O]['answer']> {
    if (this.#closed) return Promise.reject(this.#error('JOURNAL_CLOSED', 'is closed'));
    const worker = this.#worker ?? this.#start();
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      // What is under way keeps the process alive; an idle worker does not.
      worker.ref();
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage({ id, op, ...ask });
    });
  }

  /** Asks the worker to finish. Resolves when it has ended. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null || this.#closed) return;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    worker.once('exit', () => resolve());
    const closing = this.call('close', {});
    this.#closed = true;
    await closing.catch(() => {});
    await ended;
  }

  /** Lets go of a worker that does not answer. It ends as soon as the disk lets it. */
  abandon(): void {
    this.#closed = true;
    this.#worker?.unref();
    void this.#worker?.terminate();
    this.#lost(this.#error('JOURNAL_CLOSED', 'was closed before the disk answered'));
  }

  #start(): Worker {
    const url = new URL(`./sqlite-journal-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(url, {
      workerData: this.#options,
      name: 'conclave-journal',
      // None of the program's own flags: --input-type would refuse a file, --import would run its hooks twice.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Descriptors that must stay open (see durable-path.ts) outlive the thread.
      trackUnmanagedFds: false,
    });
    worker.unref();
    worker.on('message', (reply: Reply) => this.#receive(reply));
    worker.on('error', (cause) =>
      this.#lost(this.#error('JOURNAL_FAILED', `lost its writing thread: ${String(cause)}`, cause), worker),
    );
    worker.on('exit', () => this.#lost(this.#error('JOURNAL_FAILED', 'lost its writing thread'), worker));
    this.#worker = worker;
    return worker;
  }

  #receive(reply: Reply): void {
    if ('notice' in reply) {
      this.#onNotice(reply.notice);
      return;
    }
    const call = this.#calls.get(reply.id);
    this.#calls.delete(reply.id);
    if (this.#calls.size === 0) this.#worker?.unref();
    if ('error' in reply) call?.reject(fromWire(reply.error));
    else call?.resolve(reply.answer as never);
  }

  #lost(error: JournalError, worker = this.#worker): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(error);
  }

  #error(code: 'JOURNAL_FAILED' | 'JOURNAL_CLOSED', what: string, cause?: unknown): JournalError {
    const { path } = this.#options;
    return new JournalError(code, `The journal ${path} ${what}.`, { place: path, cause });
  }
}
