/** Generations that are remembered; the oldest are forgotten first. */
export const HISTORY_MAX = 50;

/** A configuration that came into force. */
export interface HistoryEntry {
  readonly generation: number;
  readonly sha: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What set it off: a changed file, a command, a rollback. */
  readonly why: string;
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

  find(generation: number): HistoryEntry | null {
    return this.#entries.find((entry) => entry.generation === generation) ?? null;
  }
}
