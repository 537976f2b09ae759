import type { JournalRecord } from './journal.ts';

/**
 * Several members' records as one timeline. A journal is ordered by itself alone, so what goes before what among
 * members is told by three things, in this order: the order within each stream; tokens, since nobody can have seen a
 * token before it was won; and clocks. Monotonic times compare exactly within one boot of one host. Boots are held
 * against each other by their wall clocks, moved as far as tokens prove that these were wrong.
 */

/** A record and when it happened on the common clock. */
export interface TimedRecord<R extends JournalRecord = JournalRecord> {
  readonly record: R;
  /** Milliseconds since the Unix epoch, by the clock of the boot that recorded most. */
  readonly timeMs: number;
}

/** How the clock of one boot relates to the common one. */
export interface BootClock {
  readonly boot: string;
  readonly records: number;
  /** Add this to monotonic milliseconds of the boot to get the common time. */
  readonly offsetMs: number;
  /** How much of that is no wall clock's word but follows from tokens; 0 if the wall clocks agree with them. */
  readonly movedMs: number;
}

/** The records of several members in one order, and how far their clocks were apart. */
export interface Timeline<R extends JournalRecord = JournalRecord> {
  readonly records: readonly TimedRecord<R>[];
  readonly clocks: readonly BootClock[];
  /** Where no setting of the clocks agrees with all tokens: a clock was stepped, or a record is not what it says. */
  readonly contradictions: readonly string[];
}

/** `before` happened before `after`: it won the token that the other has seen. */
interface Edge {
  readonly before: JournalRecord;
  readonly after: JournalRecord;
}

/** Clocks may seem to disagree by what timestamps are rounded to. */
const ROUNDING_MS = 1;

/**
 * Merges the records of several streams; those of each stream must come in order.
 *
 * @example
 * const { records } = mergeRecords([...(await recordsOf('web-1.jsonl')), ...(await recordsOf('web-2.jsonl'))]);
 */
export function mergeRecords<R extends JournalRecord>(records: readonly R[]): Timeline<R> {
  const byBoot = Map.groupBy(records, ({ boot }) => boot);
  const anchors = new Map([...byBoot].map(([boot, own]) => [boot, anchorOf(own)]));
  const edges = edgesOf(records).filter(({ before, after }) => before.boot !== after.boot);
  const moved = settle(anchors, edges);
  const [main = ''] = [...byBoot].toSorted((a, b) => b[1].length - a[1].length)[0] ?? [];
  const common = moved.get(main) ?? 0;
  const clocks = [...byBoot].map(([boot, own]) => {
    const movedMs = (moved.get(boot) ?? 0) - common;
    return { boot, records: own.length, offsetMs: (anchors.get(boot) ?? 0) + movedMs, movedMs };
  });
  const offsets = new Map(clocks.map(({ boot, offsetMs }) => [boot, offsetMs]));
  const timeOf = ({ boot, mono }: JournalRecord) => mono + (offsets.get(boot) ?? 0);
  const contradictions = edges
    .filter(({ before, after }) => timeOf(before) > timeOf(after) + ROUNDING_MS)
    .map(
      ({ before, after }) =>
        `${placeOf(after)} speaks of token ${String(before.token)}, which ${placeOf(before)} won ${(timeOf(before) - timeOf(after)).toFixed(0)} ms later by any setting of the clocks.`,
    );
  return { records: interleave(records, timeOf), clocks, contradictions };
}

const placeOf = ({ stream, seq }: JournalRecord): string => `${stream}@${seq}`;

/** What the wall clock read when the monotonic one read 0: the median, so that steps of the former do little. */
function anchorOf(records: readonly JournalRecord[]): number {
  const sorted = Float64Array.from(records, ({ wall, mono }) => wall - mono).toSorted();
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** From the record that brought a token into its own stream to every other stream's first that speaks of it. */
function edgesOf(records: readonly JournalRecord[]): Edge[] {
  const won = new Map<string, JournalRecord>();
  for (const record of records)
    if (record.token !== null && !won.has(record.token)) won.set(record.token, record);
  const told = new Set<string>();
  const edges: Edge[] = [];
  for (const after of records) {
    const { token } = (after.event.data ?? {}) as { readonly token?: unknown };
    const before = typeof token === 'string' ? won.get(token) : undefined;
    if (before === undefined || before.stream === after.stream) continue;
    const once = `${after.stream} ${String(token)}`;
    if (told.has(once)) continue;
    told.add(once);
    edges.push({ before, after });
  }
  return edges;
}

/** Moves the clocks of boots forward until no edge runs backwards, or as often as there are boots. */
function settle(anchors: ReadonlyMap<string, number>, edges: readonly Edge[]): Map<string, number> {
  const moved = new Map([...anchors.keys()].map((boot) => [boot, 0]));
  const timeOf = ({ boot, mono }: JournalRecord) => mono + (anchors.get(boot) ?? 0) + (moved.get(boot) ?? 0);
  for (let round = 0; round < anchors.size; round += 1) {
    for (const { before, after } of edges) {
      const backwardMs = timeOf(before) - timeOf(after);
      if (backwardMs > 0) moved.set(after.boot, (moved.get(after.boot) ?? 0) + backwardMs);
    }
  }
  return moved;
}

/** By time, but never against the order within a stream. */
function interleave<R extends JournalRecord>(
  records: readonly R[],
  timeOf: (record: JournalRecord) => number,
): TimedRecord<R>[] {
  // A record is not earlier than the one before it in its stream, whatever clocks say after a restart.
  const latest = new Map<string, number>();
  const timed = records.map((record) => {
    const timeMs = Math.max(timeOf(record), latest.get(record.stream) ?? -Infinity);
    latest.set(record.stream, timeMs);
    return { record, timeMs };
  });
  return timed.toSorted(
    (a, b) =>
      a.timeMs - b.timeMs ||
      (a.record.stream === b.record.stream
        ? a.record.seq - b.record.seq
        : a.record.stream < b.record.stream
          ? -1
          : 1),
  );
}
