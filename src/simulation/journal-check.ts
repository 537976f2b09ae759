import { leadershipMachine } from '../../machines/index.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { replayAll } from '../journal/replay.ts';
import { verify } from '../journal/verify.ts';
import { formatDivergence } from '../journal/divergence.ts';
import { digestOf } from '../journal/canonical.ts';
import { recordToLine } from '../journal/codec.ts';
import type { RunResult } from './simulation.ts';
import { Violation } from './violation.ts';

/** What the journals of a run come to: whether each verifies and replays to the same digests. */
export interface JournalCheck {
  readonly streams: number;
  readonly records: number;
  /** Digest of all lines of all streams: equal for two runs whose journals are equal byte for byte. */
  readonly digest: string;
  readonly violation: Violation | null;
}

/** Verifies and replays all journals of a run, those of processes that died included. */
export async function checkJournals({ journals, simulatedMs }: RunResult): Promise<JournalCheck> {
  let violation: Violation | null = null;
  let records = 0;
  const digests: string[] = [];
  for (const stream of journals.names) {
    const held: JournalRecord[] = [];
    for await (const record of journals.read(stream)) held.push(record);
    records += held.length;
    digests.push(digestOf(held.map((record) => recordToLine(record)).join('\n')));
    violation ??= await judge(stream, held, simulatedMs);
  }
  return { streams: journals.names.length, records, digest: digestOf(digests.join('\n')), violation };
}

async function judge(
  stream: string,
  records: readonly JournalRecord[],
  atMs: number,
): Promise<Violation | null> {
  const { findings } = await verify(records);
  const [finding] = findings;
  if (finding !== undefined)
    return new Violation('journals-verify', atMs, `${finding.place}: ${finding.problem}`);
  if (records.length === 0) return null;
  const { divergence } = replayAll(records, leadershipMachine);
  if (divergence === null) return null;
  return new Violation('journals-replay', atMs, `${stream}: ${formatDivergence(divergence)}`);
}
