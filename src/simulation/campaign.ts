import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FixedOptions } from './run-options.ts';
import { addTotals, emptyTotals, type SeedFailure, type Totals } from './totals.ts';

/**
 * Many seeds, on several threads. A campaign fails if a promise broke, and also if something that it is meant to try
 * never happened: then it has proved nothing about it.
 */
export interface CampaignRequest {
  /** Name of the kind of store. */
  readonly store: string;
  readonly fixed: FixedOptions;
  readonly firstSeed: number;
  readonly seeds: number;
  /** Name of a planted bug. */
  readonly mutant?: string | undefined;
  /** Whether to go on after a failure; default true. */
  readonly all?: boolean;
  /** Journals of one seed in so many are verified and replayed; default 20. */
  readonly journalsEvery?: number;
  /** Default as many as there are cores, four at most. */
  readonly threads?: number;
}

export interface CampaignResult extends Totals {
  /** The first seed that failed, by number. */
  readonly failure: SeedFailure | null;
}

/** Seeds that a thread takes at once. */
const PORTION = 5;

/** A portion of work, and what came of it. */
export interface PortionRequest extends Omit<CampaignRequest, 'threads' | 'all'> {}

export const JOURNALS_EVERY = 20;
const THREADS_MAX = 4;

/** Runs the seeds `firstSeed … firstSeed + seeds - 1`. */
export async function runCampaign(request: CampaignRequest): Promise<CampaignResult> {
  const { threads = Math.min(availableParallelism(), THREADS_MAX) } = request;
  const portions = new Portions(request);
  const wanted = Math.min(threads, Math.ceil(request.seeds / PORTION));
  await Promise.all(Array.from({ length: wanted }, () => workOn(portions)));
  const { totals } = portions;
  const failures = totals.failures.toSorted((a, b) => a.seed - b.seed);
  return { ...totals, failures, failure: failures[0] ?? null };
}

/** What is left to do, and what came of the rest. */
class Portions {
  readonly #request: CampaignRequest;
  #next: number;
  totals = emptyTotals();

  constructor(request: CampaignRequest) {
    this.#request = request;
    this.#next = request.firstSeed;
  }

  /** The next portion; null when all are taken, or one failed where that is enough. */
  take(): PortionRequest | null {
    const { all = true, threads: _, ...portion } = this.#request;
    const left = portion.firstSeed + portion.seeds - this.#next;
    if (left <= 0 || (!all && this.totals.failures.length > 0)) return null;
    const firstSeed = this.#next;
    const seeds = Math.min(PORTION, left);
    this.#next += seeds;
    return { ...portion, firstSeed, seeds };
  }
}

async function workOn(portions: Portions): Promise<void> {
  const thread = new Worker(new URL(`./campaign-worker${extname(import.meta.url)}`, import.meta.url));
  try {
    for (let portion = portions.take(); portion !== null; portion = portions.take()) {
      const done = await ask(thread, portion);
      portions.totals = addTotals(portions.totals, done);
    }
  } finally {
    await thread.terminate();
  }
}

function ask(thread: Worker, message: PortionRequest): Promise<Totals> {
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
    thread.postMessage(message);
  });
}
