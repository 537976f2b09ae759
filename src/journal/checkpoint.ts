import type { AnyMachineSnapshot, StateValue } from 'xstate';
import { persistState } from '../runtime/xstate-shapes.ts';
import { hashRecord, stateDigest } from './codec.ts';
import type { Entry, JournalRecord, Json, StreamHeader } from './journal.ts';
import { INIT_EVENT, RESUMED_EVENT, TRIMMED_EVENT } from './own-events.ts';
import { TimerLedger, type PendingTimer, type TimerStep } from './pending-timers.ts';
import { Redactor } from './secrets.ts';
import { encodeValue } from './values.ts';
import { processSecretKey } from '../runtime/system-randomness.ts';

/**
 * An actor's whole state at one place of its stream: what a replay or a restart begins from where the records before
 * are not there (trimmed) or need not be read (snapshot cache).
 */
export interface Checkpoint {
  readonly seq: number;
  /** The actor's id, by which its references to itself are recorded. */
  readonly actor: string;
  readonly parent: string | null;
  /** What actors without an id are named after, where that is not the stream. */
  readonly names: string | null;
  /** The persisted snapshot, encoded and redacted. */
  readonly snapshot: Json;
  /** Pending timers, their events encoded. */
  readonly timers: Json;
  /** State value and digest, as a record of this state has them. */
  readonly value: StateValue;
  readonly digest: string;
}

/**
 * Follows the entries of one stream and can tell the checkpoint at the last of them. A journal that trims, or that
 * stores checkpoints to trim at, keeps one beside its ring.
 */
export class CheckpointTracker {
  readonly #timers = new TimerLedger();
  #named: Named = { actor: '', parent: null, names: null };
  #at: Place | null = null;

  /** Takes the next entry, written under `header`. O(effects of the entry). */
  apply(entry: Entry, header: StreamHeader): void {
    this.follow(entry, header);
    this.#at = { seq: entry.seq, header, state: entry.after ?? this.#at?.state ?? null };
  }

  /**
   * Takes the next entry but for its place and state, which are then given to `checkpoint`. Plain events without
   * effects may be left out.
   */
  follow(step: TimerStep, header: StreamHeader): void {
    const { event } = step;
    if (event.type === INIT_EVENT || event.type === RESUMED_EVENT || event.type === TRIMMED_EVENT) {
      const { actor, parent, names } = event as unknown as Partial<Named>;
      this.#named = { actor: actor ?? '', parent: parent ?? null, names: names ?? null };
    }
    this.#timers.apply(step, header.boot);
  }

  /**
   * The checkpoint after the last entry taken; null before any that had a state. What children are at is read now, so
   * take it before anything else is processed if children matter.
   */
  checkpoint(at: Place | null = this.#at): Checkpoint | null {
    if (at === null || at.state === null) return null;
    const { seq, header, state } = at;
    return checkpointOf(header, { seq, ...this.#named, state, timers: this.#timers.pending });
  }
}

/** Where a checkpoint is taken. */
export interface Place {
  readonly seq: number;
  readonly header: StreamHeader;
  readonly state: AnyMachineSnapshot | null;
}

/** By which names an actor's records speak of it and its kin. */
export interface Named {
  readonly actor: string;
  readonly parent: string | null;
  readonly names: string | null;
}

export interface CheckpointParts extends Named {
  readonly seq: number;
  readonly state: AnyMachineSnapshot;
  readonly timers: readonly PendingTimer[];
  /** Children known to have ended, where the state's own children do not tell. */
  readonly ended?: ReadonlyMap<string, object>;
}

/** Encodes and redacts a checkpoint. */
export function checkpointOf(
  { secrets, secretKey }: Pick<StreamHeader, 'secrets' | 'secretKey'>,
  { seq, actor, parent, names, state, timers, ended }: CheckpointParts,
): Checkpoint {
  const redactor =
    secrets === undefined || secrets.length === 0
      ? null
      : new Redactor(secrets, secretKey ?? processSecretKey());
  const encoded = encodeValue(persistState(state, ended), { onRefused: 'mark' });
  const named = redactor?.byPointer(encoded).json ?? encoded;
  const pending = timers.map((timer) => {
    const event = encodeValue(timer.event, { onRefused: 'mark' });
    return { ...timer, event: redactor?.byPointer(event).json ?? event };
  });
  const net = (json: Json): Json => redactor?.byValue(json).json ?? json;
  return {
    seq,
    actor,
    parent,
    names,
    snapshot: net(named),
    timers: net(pending),
    value: state.value as StateValue,
    digest: stateDigest(state, {
      ...(secrets !== undefined && { secrets }),
      ...(secretKey !== undefined && { secretKey }),
    }),
  };
}

/**
 * The record that takes the place of `cut`, the last of those dropped: same sequence number, state and digest, with
 * the checkpoint as its event. The next record's `prev` still names the record that was there, so its hash is kept
 * as `chain`.
 */
export function trimmedRecord(cut: JournalRecord, checkpoint: Checkpoint): JournalRecord {
  const { actor, parent, names, snapshot, timers, value, digest } = checkpoint;
  const { cause: _cause, correlation: _correlation, ...kept } = cut;
  return {
    ...kept,
    kind: 'trimmed',
    event: {
      type: TRIMMED_EVENT,
      data: {
        actor,
        ...(parent !== null && { parent }),
        ...(names !== null && { names }),
        snapshot,
        timers,
        chain: chainAfter(cut),
      },
    },
    source: 'external',
    from: null,
    to: value,
    effects: [],
    digest,
  };
}

/** What the record after `record` must name as its `prev`. */
export function chainAfter(record: JournalRecord): string {
  if (record.kind !== 'trimmed') return hashRecord(record);
  const data = record.event.data as { readonly chain?: string } | undefined;
  return data?.chain ?? hashRecord(record);
}
