import { type FSWatcher, watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Subject } from 'rxjs';
import { SettingsError, StoreUnavailableError, UsageError } from '../errors.ts';
import { fromWire, type WireError } from '../lease/sqlite-lease-errors.ts';
import { checkLeasePath, makeDirectory, realFileSystem } from '../lease/sqlite-file-system.ts';
import type { HeadCallOptions, HeadHint, HeadStore } from './head-store.ts';
import type { HeadFile } from './sqlite-head-file.ts';

/**
 * A configuration shared through one file, by processes of one host.
 *
 * What it promises: a move is one transaction, on disk before it is answered. All waiting for the disk and for locks
 * happens in a worker thread. Changes of the file are hints; where the system does not tell of them, members find what
 * changed by their polls.
 */
export interface SqliteHeadOptions {
  /** The file, on a local disk; made if it is not there. Not that of leases or journals. */
  readonly path: string;
  /** Names what is shared. Default `default`. */
  readonly namespace?: string;
}

export interface HeadRequest {
  readonly id: number;
  readonly op: Exclude<keyof HeadFile, symbol>;
  readonly args: readonly unknown[];
}

export type HeadReply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: WireError };

/** Calls under way at a time; more are refused at once. */
export const HEAD_CALLS_MAX = 128;

/**
 * The configuration that processes of one host share, in a SQLite file.
 *
 * @throws SettingsError `SETTINGS_INVALID`, `DIRECTORY_UNWRITABLE`, `STORE_ON_NETWORK_FS`; calls reject with
 * `STORE_NOT_A_DATABASE` if the file is another program's
 * @example
 * await using store = sqliteHead({ path: '.conclave/config.db', namespace: 'billing' });
 */
export function sqliteHead({ path, namespace = 'default' }: SqliteHeadOptions): HeadStore {
  if (path === '')
    throw new SettingsError('SETTINGS_INVALID', 'path is empty; name a file, such as config.db.');
  const file = resolve(path);
  makeDirectory(file);
  checkLeasePath(file, realFileSystem);
  return new SqliteHead(file, namespace);
}

interface Call {
  resolve(answer: never): void;
  reject(error: Error): void;
}

class SqliteHead implements HeadStore {
  readonly namespace: string;
  readonly #path: string;
  readonly #hints = new Subject<HeadHint>();
  readonly #calls = new Map<number, Call>();
  #worker: Worker | null = null;
  #watcher: FSWatcher | null = null;
  #ids = 0;
  #closed = false;

  constructor(path: string, namespace: string) {
    this.#path = path;
    this.namespace = namespace;
  }

  readonly head: HeadStore['head'] = (options) => this.#call('text', ['head'], options);
  readonly history: HeadStore['history'] = (options) => this.#call('text', ['history'], options);
  readonly content: HeadStore['content'] = (sha, options) => this.#call('content', [sha], options);
  readonly keep: HeadStore['keep'] = (sha, text, options) => this.#call('keep', [sha, text], options);
  readonly reports: HeadStore['reports'] = (options) => this.#call('reports', [], options);
  readonly audit: HeadStore['audit'] = (options) => this.#call('audit', [], options);

  readonly report: HeadStore['report'] = (member, text, forMs, options) =>
    this.#call('report', [member, text, forMs], options);

  readonly swap: HeadStore['swap'] = async (change, options) => {
    const swapped = await this.#call<boolean>('swap', [change], options);
    if (swapped) this.#hints.next('moved');
    return swapped;
  };

  /** Every write of the file is a hint, so that a call is another file's. */
  async call(): Promise<void> {
    try {
      await writeFile(this.#bell, `${process.pid}\n`);
    } catch (error) {
      throw this.#unavailable(error instanceof Error ? error.message : String(error), false);
    }
  }

  watch(): ReturnType<HeadStore['watch']> {
    this.#watchFile();
    return this.#hints.asObservable();
  }

  describe(): ReturnType<HeadStore['describe']> {
    return { kind: 'sqlite', location: this.#path };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher?.close();
    this.#hints.complete();
    const worker = this.#worker;
    if (worker === null) return;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    // An idle worker keeps no process alive, but its end is waited for.
    worker.ref();
    worker.once('exit', () => end());
    this.#post({ id: 0, op: 'close', args: [] });
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call<T>(op: HeadRequest['op'], args: readonly unknown[], { signal }: HeadCallOptions): Promise<T> {
    if (this.#closed)
      return Promise.reject(
        new UsageError('STORE_CLOSED', `The configuration store ${this.#path} was closed.`),
      );
    if (signal.aborted) return Promise.reject(this.#unavailable('the call was given up', false));
    if (this.#calls.size >= HEAD_CALLS_MAX)
      return Promise.reject(
        this.#unavailable(`${HEAD_CALLS_MAX} calls wait already; look at the disk`, false),
      );
    return new Promise<T>((resolveCall, reject) => {
      const id = (this.#ids += 1);
      const giveUp = () =>
        this.#settle(id)?.reject(this.#unavailable('the call was given up', op === 'swap'));
      signal.addEventListener('abort', giveUp, { once: true });
      const settled =
        <A>(settle: (value: A) => void) =>
        (value: A) => {
          signal.removeEventListener('abort', giveUp);
          settle(value);
        };
      this.#calls.set(id, { resolve: settled(resolveCall), reject: settled(reject) });
      const worker = this.#start();
      // What is under way keeps the process alive; an idle worker does not.
      worker.ref();
      this.#post({ id, op, args });
    });
  }

  get #bell(): string {
    return `${this.#path}-call`;
  }

  #post(request: HeadRequest): void {
    this.#worker?.postMessage(request);
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const url = new URL(`./sqlite-head-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(url, {
      workerData: { path: this.#path, namespace: this.namespace },
      name: 'conclave-config',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker.on('message', (reply: HeadReply) => {
      const call = this.#settle(reply.id);
      if ('error' in reply) call?.reject(fromWire(reply.error));
      else call?.resolve(reply.answer as never);
    });
    worker.on('error', (error) => this.#lost(worker, String(error)));
    worker.on('exit', () => this.#lost(worker, 'its thread ended'));
    this.#worker = worker;
    return worker;
  }

  /** The call, which waits no more; null if nobody waits for it. */
  #settle(id: number): Call | null {
    const call = this.#calls.get(id) ?? null;
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#worker?.unref();
    return call;
  }

  /** The next call starts another. */
  #lost(worker: Worker, why: string): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    for (const id of this.#calls.keys()) this.#settle(id)?.reject(this.#unavailable(why, true));
  }

  #watchFile(): void {
    if (this.#watcher !== null || this.#closed) return;
    const name = basename(this.#path);
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, (_, changed) => {
        if (changed === basename(this.#bell)) this.#hints.next('called');
        else if (changed?.startsWith(name) !== false) this.#hints.next('moved');
      });
      watcher.on('error', () => watcher.close());
      this.#watcher = watcher;
    } catch {
      // Without hints there are the polls.
    }
  }

  #unavailable(why: string, outcomeUnknown: boolean): StoreUnavailableError {
    return new StoreUnavailableError(
      'STORE_UNAVAILABLE',
      `The configuration store ${this.#path} cannot be asked at present: ${why}.`,
      { outcomeUnknown },
    );
  }
}
