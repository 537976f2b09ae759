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
  /** This member, leading, moved the head. */
  | {
      readonly type: 'proposed';
      readonly generation: number;
      readonly sha: string;
      readonly why: string;
    };
