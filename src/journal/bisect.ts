import type { AnyStateMachine } from 'xstate';
import { JournalError } from '../errors.ts';
import { runtimeVersion } from '../runtime/identity.ts';
import { compareStructures, describeStructure } from '../runtime/structure.ts';
import { differingPart, effectRecords, jsonDifferences } from './comparison.ts';
import { describeDivergence, type Divergence } from './divergence.ts';
import { JournalFold } from './fold.ts';
import type { JournalRecord } from './journal.ts';
import { identityOf, sideOf } from './replay.ts';

/** Where two versions of a chart part. */
export interface Bisection {
  /** How many records both charts agree on. */
  readonly matched: number;
  /** The first they do not; `recorded` is the first chart's side, `replayed` the second's. */
  readonly divergence: Divergence | null;
}

/**
 * Gives the same recorded events to two versions of a chart and finds the first record on which they differ, whatever
 * was recorded. A linear pass: each record is computed once by each.
 *
 * @throws JournalError `REPLAY_INCOMPATIBLE` if one of them cannot take a state that was recorded
 * @example
 * const { divergence } = await bisect(journal.read(stream), before, after);
 */
export async function bisect(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  one: AnyStateMachine,
  other: AnyStateMachine,
  source = 'JOURNAL',
): Promise<Bisection> {
  const folds = [new JournalFold(one), new JournalFold(other)] as const;
  let matched = 0;
  for await (const record of records) {
    const [first, second] = [folds[0].apply(record), folds[1].apply(record)];
    if (first === null || second === null)
      throw new JournalError(
        'REPLAY_INCOMPATIBLE',
        `${record.stream}@${record.seq} has no state to begin from. Begin at the start of a life or at a cut.`,
      );
    const recorded = sideOf(record.seq, first);
    const said: JournalRecord = {
      ...record,
      to: recorded.to,
      effects: first.effects === null ? record.effects : effectRecords(record.seq, first.effects),
      digest: recorded.digest === '' ? record.digest : recorded.digest,
      machine: identityOf(one),
      runtime: runtimeVersion(),
    };
    const part = differingPart(said, second, true);
    if (part === null) {
      matched += 1;
      continue;
    }
    const replayed = sideOf(record.seq, second);
    const contextDifferences =
      recorded.context === null || replayed.context === null
        ? null
        : jsonDifferences(recorded.context, replayed.context);
    const judgement = compareStructures(describeStructure(one), describeStructure(other));
    const replayedBy = { runtime: runtimeVersion(), machine: identityOf(other) };
    const parts = { part, recorded, replayed, contextDifferences, judgement, matched, replayedBy };
    return { matched, divergence: describeDivergence({ ...parts, record: said, source }) };
  }
  return { matched, divergence: null };
}
