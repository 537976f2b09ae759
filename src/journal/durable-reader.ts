import type { Journal } from './journal.ts';

/** A journal opened to be looked at: all of `Journal` but writing and trimming. */
export type JournalReader = Pick<Journal, 'kind' | 'head' | 'streams' | 'read' | 'close'> & AsyncDisposable;
