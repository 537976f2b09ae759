import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { JournalError } from '../errors.ts';
import { runtimeVersion } from '../runtime/identity.ts';
import { plainMachine } from '../runtime/plain-machine.ts';
import {
  compareStructures,
  describeStructure,
  structureHash,
  type Judgement,
  type MachineStructure,
} from '../runtime/structure.ts';
import { projectState } from '../runtime/xstate-shapes.ts';
import { differingPart, digestOfState, effectRecords, jsonDifferences } from './comparison.ts';
import { describeDivergence, type Divergence, type Side } from './divergence.ts';
import { JournalFold, type FoldStep } from './fold.ts';
import type { JournalRecord, Json } from './journal.ts';
import { encodeValue } from './values.ts';

/**
 * Replay: what a chart makes of the records of one stream today, held against what it made of them then. Nothing is
 * carried out. It stops at the first record that comes out differently, since every later one may differ for that
 * reason alone.
 */
export interface ReplayOptions {
  /** Stop after this sequence number. */
  readonly to?: number;
  /** Compare digests, that is contexts, too; default true. Without, only states and effects are compared. */
  readonly digests?: boolean;
  /** The chart that wrote the journal, if it is still at hand: then a divergence can say what the context was. */
  readonly recordedBy?: AnyStateMachine;
  /** How to call the journal in the commands that a divergence names; default `JOURNAL`. */
  readonly source?: string;
  /** Sees every record that agreed, with what it came to. */
  readonly onRecord?: (record: JournalRecord, step: FoldStep) => void;
}

/** What came of a replay. */
export interface ReplayResult {
  readonly stream: string | null;
  /** How many records were computed again and agreed. */
  readonly matched: number;
  /** Sequence number of the last record that agreed; 0 for none. */
  readonly lastSeq: number;
  /** Whether this chart can have written the journal, told from its structure before anything was computed. */
  readonly judgement: Judgement;
  readonly divergence: Divergence | null;
  /** State after the last record that agreed. */
  readonly snapshot: AnyMachineSnapshot | null;
}

/**
 * Replays the records of one stream, in order.
 *
 * @throws JournalError `REPLAY_INCOMPATIBLE` when the records are of several streams, or begin without a state.
 * @example
 * const { divergence } = await replay(journal.read('leadership/billing/web-1'), leadershipMachine);
 * if (divergence) console.log(formatDivergence(divergence));
 */
export async function replay(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
  machine: AnyStateMachine,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const replayer = new Replayer(machine, options);
  for await (const record of records) {
    if (record.seq > (options.to ?? Infinity) || !replayer.take(record)) break;
  }
  return replayer.result();
}

/** `replay` for records that are all at hand. */
export function replayAll(
  records: Iterable<JournalRecord>,
  machine: AnyStateMachine,
  options: ReplayOptions = {},
): ReplayResult {
  const replayer = new Replayer(machine, options);
  for (const record of records) {
    if (record.seq > (options.to ?? Infinity) || !replayer.take(record)) break;
  }
  return replayer.result();
}

/** Replays record by record. */
export class Replayer {
  readonly #machine: AnyStateMachine;
  readonly #options: ReplayOptions;
  readonly #fold: JournalFold;
  /** The chart that wrote the records, beside. */
  readonly #reference: JournalFold | null;
  #judgement: Judgement = { verdict: 'fine', differences: [] };
  /** Structure of the chart that wrote the last record: a life of the stream may be of a later one. */
  #judged: string | null = null;
  #stream: string | null = null;
  #matched = 0;
  #lastSeq = 0;
  #divergence: Divergence | null = null;

  constructor(machine: AnyStateMachine, options: ReplayOptions = {}) {
    this.#machine = plainMachine(machine);
    this.#options = options;
    this.#fold = new JournalFold(machine);
    this.#reference = options.recordedBy === undefined ? null : new JournalFold(options.recordedBy);
  }

  get fold(): JournalFold {
    return this.#fold;
  }

  /** Takes the next record; false when it came out differently, and then no further one may be given. */
  take(record: JournalRecord): boolean {
    this.#stream ??= record.stream;
    if (record.stream !== this.#stream) {
      throw new JournalError(
        'REPLAY_INCOMPATIBLE',
        `Record ${record.stream}@${record.seq} follows records of ${this.#stream}. Replay one stream at a time.`,
        { place: `${record.stream}@${record.seq}` },
      );
    }
    if (record.machine.hash !== this.#judged) {
      this.#judged = record.machine.hash;
      this.#judgement = judge(record, this.#machine);
    }
    const step = this.#fold.apply(record);
    if (step === null) throw noBeginning(record);
    const expected = this.#reference?.apply(record) ?? null;
    const part = differingPart(record, step, this.#options.digests !== false);
    if (part === null) {
      this.#matched += 1;
      this.#lastSeq = record.seq;
      this.#options.onRecord?.(record, step);
      return true;
    }
    const recorded: Side = {
      from: record.from,
      to: record.to,
      effects: record.effects,
      digest: record.digest,
      context: contextIn(expected, record.digest),
      thrown: null,
    };
    const replayed = sideOf(record.seq, step);
    this.#divergence = describeDivergence({
      part,
      record,
      recorded,
      replayed,
      contextDifferences:
        recorded.context === null ? null : jsonDifferences(recorded.context, replayed.context ?? undefined),
      judgement: this.#judgement,
      matched: this.#matched,
      replayedBy: { runtime: runtimeVersion(), machine: identityOf(this.#machine) },
      source: this.#options.source ?? 'JOURNAL',
    });
    return false;
  }

  result(): ReplayResult {
    return {
      stream: this.#stream,
      matched: this.#matched,
      lastSeq: this.#lastSeq,
      judgement: this.#judgement,
      divergence: this.#divergence,
      snapshot: this.#fold.snapshot,
    };
  }
}

/** Whether a chart can have written a record, told by structure alone. */
export function judge(record: JournalRecord, machine: AnyStateMachine): Judgement {
  if (record.machine.hash === structureHash(machine)) return { verdict: 'fine', differences: [] };
  const { structure } = (record.event.data ?? {}) as { readonly structure?: MachineStructure };
  if (structure !== undefined) return compareStructures(structure, describeStructure(machine));
  const what = `the journal tells no structure to compare; its hash was ${record.machine.hash}`;
  return { verdict: 'risky', differences: [{ verdict: 'risky', state: record.machine.id, what }] };
}

export function identityOf(machine: AnyStateMachine) {
  return { id: machine.id, version: machine.version ?? null, hash: structureHash(machine) };
}

function noBeginning(record: JournalRecord): JournalError {
  return new JournalError(
    'REPLAY_INCOMPATIBLE',
    `The records of ${record.stream} begin at ${record.seq} with "${record.event.type}", without a state to begin from. ` +
      'Replay from the start of a life (init) or from a cut (trimmed).',
    { place: `${record.stream}@${record.seq}` },
  );
}

/** The recorded context, where the chart that wrote it reproduces the recorded digest. */
function contextIn(expected: FoldStep | null, digest: string): Json | null {
  const after = expected?.after ?? null;
  return after !== null && digestOfState(after) === digest ? contextOf(after) : null;
}

function contextOf(snapshot: AnyMachineSnapshot): Json {
  const { context } = encodeValue(projectState(snapshot), { onRefused: 'mark' }) as {
    readonly context: Json;
  };
  return context;
}

export function sideOf(seq: number, { before, after, effects, thrown }: FoldStep): Side {
  return {
    from: before === null ? null : (before.value as Side['from']),
    to: after === null ? null : (after.value as Side['to']),
    effects: effects === null ? [] : effectRecords(seq, effects),
    digest: after === null ? '' : digestOfState(after),
    context: after === null ? null : contextOf(after),
    thrown: thrown === undefined ? null : String(thrown.error),
  };
}
