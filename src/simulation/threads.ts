import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PortionRequest } from './portion.ts';
import type { Totals } from './totals.ts';

/** Threads unless told otherwise: more would mostly wait for memory. */
const THREADS_MAX = 4;

/** Threads that run portions of seeds, each one portion at a time. */
export class Threads implements AsyncDisposable {
  readonly #threads: readonly Worker[];

  constructor(count = Math.min(availableParallelism(), THREADS_MAX)) {
    const file = new URL(`./campaign-worker${extname(import.meta.url)}`, import.meta.url);
    this.#threads = Array.from({ length: count }, () => new Worker(file));
  }

  /** Hands portions out until `take` has no more, and what comes of each to `done`. */
  async work<P extends PortionRequest>(
    take: () => P | null,
    done: (portion: P, totals: Totals) => void,
  ): Promise<void> {
    const workOn = async (thread: Worker) => {
      for (let portion = take(); portion !== null; portion = take())
        done(portion, await ask(thread, portion));
    };
    await Promise.all(this.#threads.map(workOn));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

function ask(thread: Worker, portion: PortionRequest): Promise<Totals> {
  return new Promise((resolve, reject) => {
    const onMessage = (totals: Totals) => {
      thread.off('error', onError);
      resolve(totals);
    };
    const onError = (error: Error) => {
      thread.off('message', onMessage);
      reject(error);
    };
    thread.once('message', onMessage);
    thread.once('error', onError);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.postMessage(portion);
  });
}
