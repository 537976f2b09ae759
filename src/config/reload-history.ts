/** Generations that are remembered; the oldest are forgotten first. */
export const HISTORY_MAX = 50;

/** A configuration that came into force. */
export interface HistoryEntry {
  readonly generation: number;
  readonly sha: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The member that decided it. */
  readonly who: string;
  /** What set it off: a changed file, a command, a rollback. */
  readonly why: string;
  /** Fencing token it was decided under, where members share it. */
  readonly token: string | null;
}

export class ReloadHistory {
  #entries: readonly HistoryEntry[] = [];

  /** The newest first. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  add(entry: HistoryEntry): void {
    this.#entries = [entry, ...this.#entries].slice(0, HISTORY_MAX);
  }
}
