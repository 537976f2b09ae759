import { chainAfter } from './checkpoint.ts';
import { isDigest, NO_DIGEST } from './codec.ts';
import { JOURNAL_FORMAT, GENESIS, type JournalRecord } from './journal.ts';
import { RESUMED_EVENT } from './own-events.ts';

/** What is wrong with a journal, and where. */
export interface Finding {
  readonly stream: string;
  readonly seq: number;
  /** `stream@seq`. */
  readonly place: string;
  readonly problem: string;
}

/**
 * Records that a writer gave up because the disk did not take them: its backlog was full. The record behind them says
 * what the state was, so that nothing is wrong with the journal; but they are not in it.
 */
export interface Dropped {
  readonly stream: string;
  /** Sequence numbers, both of them missing. */
  readonly from: number;
  readonly to: number;
}

/** Whether a journal is complete and unchanged, and what was found. */
export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  readonly streams: number;
  readonly findings: readonly Finding[];
  readonly dropped: readonly Dropped[];
}

/** Findings, and stretches of dropped records, that are kept; more would make nothing clearer. */
export const FINDINGS_MAX = 1000;

/**
 * Verifies records without any chart: sequence numbers without a gap, the hash chain, the form of digests and effect
 * ids, one writer for each life of an actor, tokens that never fall, the format. Several streams may be mixed, each in
 * its own order.
 *
 * @example
 * const { ok, findings } = await verify(journal.read('orders'));
 */
export async function verify(
  records: AsyncIterable<JournalRecord> | Iterable<JournalRecord>,
): Promise<Verification> {
  const streams = new Map<string, StreamVerifier>();
  const findings: Finding[] = [];
  const dropped: Dropped[] = [];
  let count = 0;
  for await (const record of records) {
    count += 1;
    let stream = streams.get(record.stream);
    if (stream === undefined) streams.set(record.stream, (stream = new StreamVerifier()));
    const missing = stream.missingBefore(record);
    if (missing !== null && dropped.length < FINDINGS_MAX) dropped.push(missing);
    for (const problem of stream.take(record)) {
      const { stream: name, seq } = record;
      if (findings.length < FINDINGS_MAX)
        findings.push({ stream: name, seq, place: `${name}@${seq}`, problem });
    }
  }
  return { ok: findings.length === 0, records: count, streams: streams.size, findings, dropped };
}

class StreamVerifier {
  #last: JournalRecord | null = null;
  #token: { readonly value: bigint; readonly seq: number } | null = null;

  /** What a cut stands for, if it is not the first record there is. */
  missingBefore({ stream, seq, kind }: JournalRecord): Dropped | null {
    if (kind !== 'trimmed' || this.#last === null || seq <= this.#last.seq + 1) return null;
    return { stream, from: this.#last.seq + 1, to: seq - 1 };
  }

  *take(record: JournalRecord): Generator<string> {
    if (record.v !== JOURNAL_FORMAT) yield `format ${record.v} where ${JOURNAL_FORMAT} was expected`;
    if (this.#last === null) yield* beginning(record);
    else yield* following(this.#last, record);
    yield* form(record);
    yield* this.#tokens(record);
    this.#last = record;
  }

  *#tokens({ token, seq }: JournalRecord): Generator<string> {
    if (token === null) return;
    if (!/^\d+$/.test(token)) {
      yield `the token ${JSON.stringify(token)} is no decimal number`;
      return;
    }
    const value = BigInt(token);
    if (this.#token !== null && value < this.#token.value) {
      yield `the token fell from ${this.#token.value} (at ${this.#token.seq}) to ${token}`;
    }
    if (this.#token === null || value > this.#token.value) this.#token = { value, seq };
  }
}

function* beginning({ seq, kind, prev }: JournalRecord): Generator<string> {
  if (kind === 'trimmed') return;
  if (seq !== 1) yield `the stream begins at ${seq} without a cut: records 1 to ${seq - 1} are missing`;
  else if (prev !== GENESIS) yield `the first record names ${prev} as the one before it`;
}

function* following(last: JournalRecord, record: JournalRecord): Generator<string> {
  if (record.seq <= last.seq) yield `the sequence goes back from ${last.seq} to ${record.seq}`;
  else if (record.seq > last.seq + 1) {
    // A cut tells the state that the missing records had come to.
    if (record.kind !== 'trimmed') yield `a gap: ${last.seq} is followed by ${record.seq}`;
  } else if (record.prev !== chainAfter(last)) {
    yield `the chain is broken: ${last.seq} or this record was changed after it was written`;
  }
  const opensLife =
    record.kind === 'init' || record.kind === 'trimmed' || record.event.type === RESUMED_EVENT;
  if (record.writer !== last.writer && !opensLife) {
    yield `a second writer: ${record.writer} goes on where ${last.writer} wrote, without a start of its own`;
  }
  if (record.writer === last.writer && record.boot === last.boot && record.mono < last.mono && !opensLife) {
    yield `the monotonic clock went back from ${last.mono} to ${record.mono}`;
  }
}

function* form({ seq, kind, digest, prev, effects, to }: JournalRecord): Generator<string> {
  const tellsState = kind !== 'stop' && kind !== 'note';
  if (tellsState ? !isDigest(digest) : digest !== NO_DIGEST)
    yield `the digest ${JSON.stringify(digest)} is none`;
  if (tellsState && to === null) yield 'the record tells no state';
  if (prev !== GENESIS && !isDigest(prev)) yield `the chain hash ${JSON.stringify(prev)} is none`;
  const wrong = effects.findIndex(({ id }, at) => id !== `${seq}:${at}`);
  if (wrong >= 0)
    yield `effect ${wrong} has the id ${JSON.stringify(effects[wrong]?.id)} instead of "${seq}:${wrong}"`;
}
