import type { AnyStateMachine } from 'xstate';
import { structureHash } from '../runtime/structure.ts';
import { chainAfter, checkpointOf, trimmedRecord, type Checkpoint } from './checkpoint.ts';
import type { Journal, JournalRecord } from './journal.ts';
import { Replayer } from './replay.ts';

/**
 * A state worth keeping so that not every record must be folded again. It is a cache and nothing more: it is used only
 * when the record it was taken at is still that very record and the chart still has the structure it had; otherwise
 * the stream is folded from its beginning, and nobody notices but the clock.
 */
export interface CachedSnapshot extends Checkpoint {
  readonly stream: string;
  /** Structure of the chart that computed it. */
  readonly machineHash: string;
  /** Hash of that record. */
  readonly chain: string;
}

/** Where cached snapshots live, one for each stream. */
export interface SnapshotCache {
  load(stream: string): Promise<CachedSnapshot | null>;
  save(snapshot: CachedSnapshot): Promise<void>;
}

/** A snapshot cache in memory. */
export function memorySnapshotCache(): SnapshotCache {
  const snapshots = new Map<string, CachedSnapshot>();
  return {
    load: async (stream) => snapshots.get(stream) ?? null,
    save: async (snapshot) => void snapshots.set(snapshot.stream, snapshot),
  };
}

/** A stream folded to its end. */
export interface FoldedStream {
  /** Stopped at the first record that came out differently, if one did. */
  readonly replayer: Replayer;
  /** The last record; null for an empty stream. */
  readonly last: JournalRecord | null;
  /** How many records were folded. */
  readonly folded: number;
  /** Sequence number of the cached snapshot it began with; null where it began with the stream. */
  readonly begunAt: number | null;
  /** Whether any record it went over had secrets taken out. */
  readonly redacted: boolean;
}

/** Folds a stream, from a cached snapshot if there is one that fits. */
export async function foldStream(
  journal: Journal,
  stream: string,
  machine: AnyStateMachine,
  cache: SnapshotCache | null = null,
): Promise<FoldedStream> {
  const begin = cache === null ? null : await beginningIn(cache, journal, stream, machine);
  const replayer = begin?.replayer ?? new Replayer(machine);
  let last: JournalRecord | null = begin?.cut ?? null;
  let folded = 0;
  let redacted = begin?.cut.redacted !== undefined;
  for await (const record of journal.read(stream, begin === null ? {} : { from: begin.cut.seq + 1 })) {
    last = record;
    folded += 1;
    redacted ||= record.redacted !== undefined;
    if (!replayer.take(record)) break;
  }
  return { replayer, last, folded, begunAt: begin?.cut.seq ?? null, redacted };
}

/**
 * Folds a stream and keeps its last state in the cache. Returns what was kept; null for a stream that is empty or that
 * this chart does not reproduce.
 *
 * @example
 * setInterval(() => void takeSnapshot(journal, 'orders/17', orderMachine, cache), 3_600_000);
 */
export async function takeSnapshot(
  journal: Journal,
  stream: string,
  machine: AnyStateMachine,
  cache: SnapshotCache,
): Promise<CachedSnapshot | null> {
  const { replayer, last } = await foldStream(journal, stream, machine, cache);
  const { fold } = replayer;
  if (last === null || fold.snapshot === null || replayer.result().divergence !== null) return null;
  const snapshot: CachedSnapshot = {
    // What the fold knows has been redacted already where it had to be.
    ...checkpointOf(
      {},
      { seq: last.seq, ...fold.named, state: fold.snapshot, timers: fold.timers, ended: fold.endedChildren },
    ),
    stream,
    machineHash: structureHash(machine),
    chain: chainAfter(last),
  };
  await cache.save(snapshot);
  return snapshot;
}

/** The record a cached snapshot was taken at and a replayer that stands there; null where the snapshot does not fit. */
async function beginningIn(
  cache: SnapshotCache,
  journal: Journal,
  stream: string,
  machine: AnyStateMachine,
): Promise<{ readonly cut: JournalRecord; readonly replayer: Replayer } | null> {
  const cached = await cache.load(stream);
  if (cached === null || cached.machineHash !== structureHash(machine)) return null;
  let cut: JournalRecord | undefined;
  for await (const record of journal.read(stream, { from: cached.seq, to: cached.seq })) cut = record;
  if (cut === undefined || chainAfter(cut) !== cached.chain) return null;
  const replayer = new Replayer(machine);
  try {
    return replayer.take(trimmedRecord(cut, cached)) ? { cut, replayer } : null;
  } catch {
    // Whatever is wrong with it, the records themselves are there.
    return null;
  }
}
