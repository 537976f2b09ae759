import type { Diagnostic } from '../../machines/index.ts';

/** Why a member reads the head. */
export type HeadLookCause = 'hint' | 'own' | 'poll';

/** What a member tells of the head it shares with others. */
export type HeadEvent =
  /** The store cannot be asked: what is in force stays, and grows stale. */
  | { readonly type: 'headUnavailable'; readonly message: string }
  | { readonly type: 'headRecovered'; readonly staleMs: number }
  /** The head went back: the store lost its newest moves. */
  | {
      readonly type: 'historyRegressed';
      readonly generation: number;
      readonly sha: string;
      readonly seen: number;
    }
  /** The head is another; `by` says what made this member look: a hint, its own doing, or only the poll. */
  | {
      readonly type: 'headObserved';
      readonly generation: number;
      readonly sha: string;
      /** Null for the first that it sees. */
      readonly previous: number | null;
      readonly by: HeadLookCause;
    }
  /** This member leads, and what its own file holds is not handed to the others: nobody has it in force. */
  | {
      readonly type: 'notProposed';
      /** Null: it could not be read. */
      readonly sha: string | null;
      readonly diagnostics: readonly Diagnostic[];
    }
  /** This member, leading, moved the head. */
  | {
      readonly type: 'proposed';
      readonly generation: number;
      readonly sha: string;
      readonly why: string;
    };
