import type { PinnedFile } from './mounts.ts';
import type { HintWatches } from './watch-hints.ts';
import type { Sighting, WatchSubject } from './watch-subject.ts';

/** What a watch tells about itself, for people, metrics and health. */

/** Why changes may be noticed late, or never. */
export type DegradedReason =
  /** The system's hints do not come: the sweep found several changes in a row that nobody had told of. */
  | 'events'
  /** The system refused to watch some directory; the sweep still does. */
  | 'limits'
  /** A file is a mount of its own: once it is replaced on the host, it never changes here. */
  | 'pinned'
  /** The file system does not answer. */
  | 'stalled';

export interface Degradation {
  readonly reason: DegradedReason;
  /** What happened, and what to do. */
  readonly message: string;
}

/** So many changes in a row that no hint told of, and hints are taken not to work. */
const MISSED_IN_A_ROW_MAX = 3;

/** A finding that waits for one more sweep. */
export interface Holding {
  readonly location: string;
  readonly message: string;
  /** Monotonic milliseconds. */
  readonly since: number;
}

export interface ConfigWatchStatus {
  /** The first look is over: every change from now on is noticed. */
  readonly watching: boolean;
  /** Directories that the system watches for us; 0: the sweep alone. */
  readonly places: number;
  /** Interval of the sweep, in milliseconds, before it is varied by a fifth. */
  readonly sweepMs: number;
  /** The kind of file system, if it is one that other hosts write to. */
  readonly remote: string | null;
  /** Hints of the system that concerned the watched files. */
  readonly hints: number;
  readonly looks: number;
  readonly sweeps: number;
  /** Changes told. */
  readonly changes: number;
  /** Times something was written that left the bytes as they were. */
  readonly unchanged: number;
  /** Changes that no hint had told of. */
  readonly foundBySweep: number;
  /** Of these, how many in a row, up to now. */
  readonly foundBySweepInARow: number;
  /** Looks that failed, and places that the system refused to watch. */
  readonly errors: number;
  readonly lastError: string | null;
  readonly holding: Holding | null;
  readonly degraded: readonly Degradation[];
}

/** The books of one watch. */
export class WatchAccount {
  watching = false;
  sweepMs: number;
  remote: string | null = null;
  hints = 0;
  looks = 0;
  sweeps = 0;
  changes = 0;
  unchanged = 0;
  foundBySweep = 0;
  foundBySweepInARow = 0;
  pinned: PinnedFile | null = null;
  /** The look under way is late. */
  stalled = false;
  #failures = 0;
  #lastError: string | null = null;

  constructor(sweepMs: number) {
    this.sweepMs = sweepMs;
  }

  looked({ unchanged }: Sighting): void {
    this.looks += 1;
    if (unchanged) this.unchanged += 1;
  }

  failed(error: unknown): void {
    this.#failures += 1;
    this.#lastError = error instanceof Error ? error.message : String(error);
  }

  status(subjects: readonly WatchSubject[], hints: HintWatches): ConfigWatchStatus {
    const { watching, sweepMs, remote, looks, sweeps, changes, unchanged } = this;
    const { foundBySweep, foundBySweepInARow } = this;
    return {
      watching,
      sweepMs,
      remote,
      looks,
      sweeps,
      changes,
      unchanged,
      foundBySweep,
      foundBySweepInARow,
      places: hints.count,
      hints: this.hints,
      errors: this.#failures + hints.refusals,
      lastError: hints.failure?.message ?? this.#lastError,
      holding: subjects.map(({ holding }) => holding).find((each) => each !== null) ?? null,
      degraded: this.#degraded(hints),
    };
  }

  #degraded({ failure }: HintWatches): Degradation[] {
    const degraded: Degradation[] = [];
    const add = (reason: DegradedReason, message: string) => degraded.push({ reason, message });
    if (failure !== null) add('limits', failure.message);
    if (this.foundBySweepInARow >= MISSED_IN_A_ROW_MAX) {
      const why =
        this.remote === null
          ? 'The queue of hints overflowed, or the file system gives none'
          : `The file system (${this.remote}) gives none for what other hosts write`;
      add(
        'events',
        `The last ${this.foundBySweepInARow} changes were found by the sweep alone. ${why}: changes take up to ${this.sweepMs * 1.2} ms to be noticed.`,
      );
    }
    if (this.pinned !== null) add('pinned', this.pinned.message);
    if (this.stalled)
      add(
        'stalled',
        'The file system has not answered for ten seconds. Look at the disk or the network it is on.',
      );
    return degraded;
  }
}
