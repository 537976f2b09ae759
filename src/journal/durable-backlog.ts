import { CheckpointTracker, type Checkpoint } from './checkpoint.ts';
import { draftRecord, type Draft } from './codec.ts';
import type { Origin } from './durable-origin.ts';
import type { Entry, StreamHeader } from './journal.ts';
import { TRIMMED_EVENT } from './own-events.ts';
import { Ring } from './ring.ts';
import { decodeValue } from './values.ts';

/** Entries one writer holds while the disk does not take them. Beyond it the oldest are given up, and that is told. */
export const PENDING_ENTRIES_MAX = 10_000;

/** Entries encoded in one go, on the thread that renews leases: about a millisecond's worth. */
const PARCEL_ENTRIES_MAX = 64;

/** A record on its way to the disk, still to be sealed. */
export interface OutgoingDraft {
  readonly draft: Draft;
  /** Where the entries before it were given up: what the `trimmed` record in this one's place says. */
  readonly cut: Checkpoint | null;
}

/** What goes to the disk in one go. Plain JSON. */
export interface Parcel {
  readonly drafts: readonly OutgoingDraft[];
  /** The state behind the last draft (or, without drafts, behind the last one of the parcel before), where due. */
  readonly checkpoint: Checkpoint | null;
}

/** What has been recorded and is not yet durable: adding costs one slot, encoding waits until parcels are made. */
export class Backlog {
  readonly #header: StreamHeader;
  readonly #checkpointEvery: number;
  readonly #entries: Ring<Entry>;
  readonly #tracker = new CheckpointTracker();
  /** The last entry given up. */
  #cut: Entry | null = null;
  #lost = 0;
  #sinceCheckpoint = 0;

  constructor(header: StreamHeader, checkpointEvery: number, limit = PENDING_ENTRIES_MAX) {
    this.#header = header;
    this.#checkpointEvery = checkpointEvery;
    this.#entries = new Ring(limit);
  }

  get size(): number {
    return this.#entries.size + (this.#cut === null ? 0 : 1);
  }

  /** How many entries have been given up since the last parcel. */
  get lost(): number {
    return this.#lost;
  }

  push(entry: Entry): void {
    const evicted = this.#entries.push(entry);
    if (evicted !== undefined) this.#giveUp(evicted);
  }

  /** Tells where a continued stream stands, before the first parcel is made. */
  continueFrom({ timers, ...named }: Origin, seq: number): void {
    const event = { type: TRIMMED_EVENT, ...named, timers: decodeValue(timers) };
    const entry: Entry = {
      seq,
      kind: 'trimmed',
      mono: 0,
      wall: 0,
      event,
      source: 'external',
      before: null,
      after: null,
      effects: [],
    };
    this.#tracker.apply(entry, this.#header);
  }

  /**
   * The next parcel, or null when there is nothing to write.
   *
   * @param checkpointNow Whether to take a checkpoint even where none is due.
   */
  next(checkpointNow = false): Parcel | null {
    const drafts = this.#cutDraft();
    const taken = this.#take(PARCEL_ENTRIES_MAX - drafts.length);
    for (const entry of taken) {
      this.#tracker.apply(entry, this.#header);
      drafts.push({ draft: draftRecord(this.#header, entry), cut: null });
    }
    this.#sinceCheckpoint += drafts.length;
    const checkpoint = this.#checkpoint(checkpointNow);
    return drafts.length === 0 && checkpoint === null ? null : { drafts, checkpoint };
  }

  #checkpoint(now: boolean): Checkpoint | null {
    if (this.#sinceCheckpoint < (now ? 1 : this.#checkpointEvery)) return null;
    const checkpoint = this.#tracker.checkpoint();
    if (checkpoint !== null) this.#sinceCheckpoint = 0;
    return checkpoint;
  }

  #take(count: number): Entry[] {
    let left = count;
    return this.#entries.takeWhile(() => left-- > 0);
  }

  #giveUp(entry: Entry): void {
    this.#tracker.apply(entry, this.#header);
    this.#cut = entry;
    this.#lost += 1;
  }

  /** The record that stands for the entries given up. It needs a state, so it waits for one. */
  #cutDraft(): OutgoingDraft[] {
    while (this.#cut !== null) {
      const checkpoint = this.#tracker.checkpoint();
      if (checkpoint !== null) {
        const draft = draftRecord(this.#header, this.#cut);
        this.#cut = null;
        this.#lost = 0;
        return [{ draft, cut: checkpoint }];
      }
      const [next] = this.#take(1);
      if (next === undefined) return [];
      this.#giveUp(next);
    }
    return [];
  }
}
