/**
 * A third system that leaders write to, guarded by fencing tokens as the documentation tells users to guard theirs: a
 * write whose token is below the highest one seen is refused. No promise of the election covers a write that is on
 * its way when a term ends; this is what the tokens are for.
 */
export interface Write {
  readonly token: bigint;
  /** The incarnation that wrote. */
  readonly by: string;
}

export class ProtectedResource {
  #last: Write | null = null;
  accepted = 0;
  refused = 0;

  get last(): Write | null {
    return this.#last;
  }

  /** Whether the write was accepted; throws if the token is one that another member writes with, too. */
  write(write: Write): boolean {
    const last = this.#last;
    if (last !== null && write.token < last.token) {
      this.refused += 1;
      return false;
    }
    if (last !== null && write.token === last.token && write.by !== last.by)
      throw new Error(`${write.by} writes with the token ${write.token} that ${last.by} wrote with`);
    this.#last = write;
    this.accepted += 1;
    return true;
  }
}
