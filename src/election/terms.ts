import { LeadershipError } from '../errors.ts';
import type { LeadershipTerm } from './term.ts';

/** What the functions below need of an election. */
export interface Terms {
  /** The term this member is in, or null. */
  current(): LeadershipTerm | null;
  /** Whether the election was stopped: no term will begin. */
  ended(): boolean;
  /** Calls back when a term begins, and with null when the election stops. */
  onTerm(listener: (term: LeadershipTerm | null) => void): () => void;
  resign(): Promise<void>;
}

/** The present term, or the next; null when the election stops or `signal` is aborted first. */
export function nextTerm(
  election: Terms,
  signal: AbortSignal | undefined,
  after: LeadershipTerm | null = null,
): Promise<LeadershipTerm | null> {
  const present = election.current();
  if (signal?.aborted || election.ended()) return Promise.resolve(null);
  if (present !== null && present !== after && present.isCurrent) return Promise.resolve(present);
  return new Promise((resolve) => {
    const settle = (term: LeadershipTerm | null) => {
      unsubscribe();
      signal?.removeEventListener('abort', onAbort);
      resolve(term);
    };
    const onAbort = () => settle(null);
    const unsubscribe = election.onTerm(settle);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * One turn for each term. Leaving the loop by `break`, `return` or a throw resigns; a body that returns early keeps
 * the term, and the next turn comes with the next term. Aborting `signal` resigns and ends the loop.
 */
export async function* terms(
  election: Terms,
  signal: AbortSignal | undefined,
): AsyncGenerator<LeadershipTerm, void, undefined> {
  const stopListening = resignOnAbort(election, signal);
  try {
    let last: LeadershipTerm | null = null;
    for (;;) {
      const term: LeadershipTerm | null = await nextTerm(election, signal, last);
      if (term === null) return;
      last = term;
      if (term.signal.aborted) continue;
      const body = Promise.withResolvers<void>();
      term.waitUntil(body.promise);
      let completed = false;
      try {
        yield term;
        completed = true;
      } finally {
        body.resolve();
        if (!completed && term === election.current()) await election.resign();
      }
    }
  } finally {
    stopListening();
  }
}

/**
 * Runs `work` in each term. Work that returns or throws while its term stands ends it all: the lease is handed
 * over, and the value or the error passed on. Work that ends because its term ended runs again in the next one.
 */
export async function runWhileLeader<T>(
  election: Terms,
  work: (term: LeadershipTerm) => Promise<T> | T,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const stopListening = resignOnAbort(election, signal);
  try {
    let last: LeadershipTerm | null = null;
    for (;;) {
      const term: LeadershipTerm | null = await nextTerm(election, signal, last);
      if (term === null) return undefined;
      last = term;
      if (term.signal.aborted) continue;
      const running = (async () => work(term))();
      term.waitUntil(running);
      try {
        const value = await running;
        if (!term.signal.aborted) {
          await election.resign();
          return value;
        }
      } catch (error) {
        if (!term.signal.aborted) await election.resign();
        else if (isEndOf(term, error)) continue;
        throw error;
      }
    }
  } finally {
    stopListening();
  }
}

/** Has the caller's signal end the term, and with it whatever watches the term's own signal. */
function resignOnAbort(election: Terms, signal: AbortSignal | undefined): () => void {
  const onAbort = () => void election.resign();
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => signal?.removeEventListener('abort', onAbort);
}

/** Whether an error only says that the term ended: its signal's reason, or an abort error. */
function isEndOf(term: LeadershipTerm, error: unknown): boolean {
  if (error === term.signal.reason || error instanceof LeadershipError) return true;
  return error instanceof Error && (error.name === 'AbortError' || error.cause === term.signal.reason);
}
