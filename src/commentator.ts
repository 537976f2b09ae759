import type { Logger } from './logger.ts';

/** A line for the log: what an operator expects to read, at the level an operator expects. */
export interface Comment {
  readonly level: keyof Logger;
  readonly message: string;
}

/** Where a line comes from. */
export interface CommentPlace {
  readonly stream: string;
  /** Number of the record it is about. */
  readonly seq: number;
  /** Number of the term, or the token of the leader that decided it, where there is one. */
  readonly term: number | string | null;
}

/**
 * Says what happened, one line an event, each with `record`: `actor@seq/term`. `conclave journal show` finds the record
 * by it, so that a line leads to what was known and decided at that moment.
 */
export class Commentator {
  readonly #logger: Logger;
  readonly #fields: object;
  readonly #placeNow: () => CommentPlace | null;

  /** @param placeNow null where nothing was recorded yet */
  constructor(logger: Logger, fields: object, placeNow: () => CommentPlace | null) {
    this.#logger = logger;
    this.#fields = fields;
    this.#placeNow = placeNow;
  }

  /** Null is what is not worth a line. */
  say(comment: Comment | null, about: { readonly term?: CommentPlace['term'] } = {}): void {
    if (comment === null) return;
    const place = this.#placeNow();
    const record = place === null ? {} : { record: recordOf({ ...place, ...about }) };
    this.#logger[comment.level]({ ...this.#fields, ...record }, comment.message);
  }
}

const recordOf = ({ stream, seq, term }: CommentPlace): string =>
  `${stream}@${seq}${term === null ? '' : `/${term}`}`;
