import type { Checkpoint, Named } from './checkpoint.ts';
import type { JournalRecord, Json } from './journal.ts';
import { INIT_EVENT, RESUMED_EVENT, TRIMMED_EVENT } from './own-events.ts';
import { TimerLedger, type PendingTimer } from './pending-timers.ts';

/** Where a continued stream comes from: what its new entries do not say and its next checkpoint must. */
export interface Origin extends Named {
  /** Pending timers, encoded. */
  readonly timers: Json;
}

/** Reads the origin off the records of a stream, from its first or from any checkpoint on. */
export class OriginReader {
  readonly #timers = new TimerLedger();
  #named: Named = { actor: '', parent: null, names: null };

  begin({ actor, parent, names, timers }: Checkpoint): void {
    this.#named = { actor, parent, names };
    this.#timers.adopt(timers as unknown as readonly PendingTimer[]);
  }

  apply(record: JournalRecord): void {
    const { type, data } = record.event;
    if (type === INIT_EVENT || type === RESUMED_EVENT || type === TRIMMED_EVENT) {
      const { actor, parent, names } = (data ?? {}) as Partial<Named>;
      this.#named = { actor: actor ?? '', parent: parent ?? null, names: names ?? null };
    }
    this.#timers.apply(record, record.boot);
  }

  get origin(): Origin {
    return { ...this.#named, timers: this.#timers.pending as unknown as Json };
  }
}
