import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { configReloadMachine, leadershipMachine } from '../../machines/index.ts';
import { jsonDifferences } from '../../src/journal/comparison.ts';
import { JournalFold } from '../../src/journal/fold.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { encodeValue } from '../../src/journal/values.ts';
import type { ContextChange } from './model.ts';

/** Contexts are in no record, only their digest is: folding the stream's events through its chart brings them back. */

const CHARTS: Readonly<Record<string, AnyStateMachine>> = {
  leadership: leadershipMachine,
  configReload: configReloadMachine,
};

/** Records folded for one detail at most: what is further from the beginning takes too long to wait for. */
export const FOLD_MAX = 250_000;

/** What record `at` of a stream changed in the context; null if its chart gives no state there. */
export function contextChange(
  records: Iterable<JournalRecord>,
  machine: string,
  seq: number,
): readonly ContextChange[] | null {
  const chart = CHARTS[machine];
  if (chart === undefined) return null;
  const fold = new JournalFold(chart);
  let folded = 0;
  for (const record of records) {
    folded += 1;
    if (folded > FOLD_MAX) return null;
    const step = fold.apply(record);
    if (record.seq !== seq) continue;
    if (step === null) return null;
    const [before, after] = [contextOf(step.before), contextOf(step.after ?? step.before)];
    return jsonDifferences(before, after).map(({ path, recorded, replayed }) => ({
      path,
      before: recorded,
      after: replayed,
    }));
  }
  return null;
}

const contextOf = (snapshot: AnyMachineSnapshot | null) =>
  snapshot === null ? undefined : encodeValue(snapshot.context as unknown, { onRefused: 'mark' });
