import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { configReloadMachine, leadershipMachine } from '../../machines/index.ts';
import { jsonDifferences } from '../../src/journal/comparison.ts';
import { JournalFold } from '../../src/journal/fold.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { TRIMMED_EVENT } from '../../src/journal/own-events.ts';
import { encodeValue } from '../../src/journal/values.ts';
import { persistState } from '../../src/runtime/xstate-shapes.ts';
import type { ContextChange } from './model.ts';

/**
 * Contexts are in no record, only their digest is: folding the stream's events through its chart brings them back.
 * That is far for a late record, so the way is walked once, in the background, and a state is left behind every few
 * hundred records from which later ones are near.
 */

const CHARTS: Readonly<Record<string, AnyStateMachine>> = {
  leadership: leadershipMachine,
  configReload: configReloadMachine,
};

/** Records between two states that are kept: a few milliseconds of folding. */
const KEPT_EVERY = 250;

/** A state to go on from: a record that carries it, as one that stands for what was trimmed away. */
interface Kept {
  readonly at: number;
  readonly record: JournalRecord;
}

/** What is here of a stream, by its index from the very beginning. */
export interface Held {
  /** Those before were let go. */
  readonly first: number;
  readonly recordAt: (index: number) => JournalRecord;
}

export class StreamContexts {
  readonly #chart: AnyStateMachine | undefined;
  readonly #kept: Kept[] = [];
  /** Goes before the rest. */
  #walk: { fold: JournalFold; next: number } | null = null;

  constructor(machine: string) {
    this.#chart = CHARTS[machine];
  }

  /** How many records it would have to fold to know what the one at `index` changed. */
  distance(index: number): number {
    return index - (this.#before(index)?.at ?? -1);
  }

  /** Folds some records more; false when the stream's last is reached. */
  walk({ first, recordAt }: Held, length: number, isOver: () => boolean): boolean {
    if (this.#chart === undefined) return false;
    const walk = (this.#walk ??= { fold: new JournalFold(this.#chart), next: first });
    if (walk.next < first) return false;
    while (walk.next < length) {
      const record = recordAt(walk.next);
      walk.fold.apply(record);
      if (walk.next % KEPT_EVERY === KEPT_EVERY - 1) this.#keep(walk.next, record, walk.fold);
      walk.next += 1;
      if (isOver()) return walk.next < length;
    }
    return false;
  }

  /** What the record at `index` changed in the context; null if its chart gives no state there. */
  change({ first, recordAt }: Held, index: number): readonly ContextChange[] | null {
    if (this.#chart === undefined) return null;
    const fold = new JournalFold(this.#chart);
    const kept = this.#before(index);
    if (kept !== undefined) fold.apply(kept.record);
    for (let at = Math.max((kept?.at ?? -1) + 1, first); at < index; at += 1) fold.apply(recordAt(at));
    const step = fold.apply(recordAt(index));
    if (step === null) return null;
    const [before, after] = [contextOf(step.before), contextOf(step.after ?? step.before)];
    return jsonDifferences(before, after).map(({ path, recorded, replayed }) => ({
      path,
      before: recorded,
      after: replayed,
    }));
  }

  #before(index: number): Kept | undefined {
    return this.#kept.findLast(({ at }) => at < index);
  }

  #keep(at: number, record: JournalRecord, { snapshot, named, endedChildren }: JournalFold): void {
    if (snapshot === null) return;
    const { actor, parent, names } = named;
    const data = {
      actor,
      ...(parent !== null && { parent }),
      ...(names !== null && { names }),
      snapshot: encodeValue(persistState(snapshot, endedChildren), { onRefused: 'mark' }),
      timers: [],
    };
    this.#kept.push({
      at,
      record: { ...record, kind: 'trimmed', event: { type: TRIMMED_EVENT, data }, effects: [] },
    });
  }
}

const contextOf = (snapshot: AnyMachineSnapshot | null) =>
  snapshot === null ? undefined : encodeValue(snapshot.context as unknown, { onRefused: 'mark' });
