import type { DatabaseSync } from 'node:sqlite';
import { JournalError } from '../errors.ts';
import { chainAfter, trimmedRecord, type Checkpoint } from './checkpoint.ts';
import { recordFromLine, recordToLine, sealRecord } from './codec.ts';
import type { OutgoingDraft, Parcel } from './durable-backlog.ts';
import { describeHolder, isAlive, type Claim } from './durable-claim.ts';
import { crc32c } from './durable-crc32c.ts';
import type { JournalNotice } from './durable-notice.ts';
import { OriginReader, type Origin } from './durable-origin.ts';
import type { Claimed } from './durable-writer.ts';
import { GENESIS, type JournalRecord } from './journal.ts';
import { prepared } from './sqlite-schema.ts';

/**
 * Writing `journal.db`. Everything here runs inside a transaction that the caller began with BEGIN IMMEDIATE, so
 * what is checked still holds when it is acted upon. Three things keep a stream from having two writers: the claim
 * (a live holder is refused), the claim's id (checked again by each append, in the same transaction), and the
 * primary key over stream and sequence.
 */

/** Every so many records a checkpoint stays, so that retention has places to trim at. */
export const CHECKPOINT_KEPT_EVERY = 256;

interface StreamRow {
  readonly id: number;
  readonly seq: number;
  readonly chain: string;
  readonly claim_id: string | null;
  readonly claim: string | null;
}

/** Takes a stream for `claim` or says who has it. Throws `JOURNAL_IN_USE`. */
export function claimStream(
  db: DatabaseSync,
  stream: string,
  claim: Claim,
  notify: (notice: JournalNotice) => void,
): Claimed {
  prepared(db, 'INSERT OR IGNORE INTO stream (name, seq, chain, last_wall) VALUES (?, 0, ?, 0)').run(
    stream,
    GENESIS,
  );
  const row = rowOf(db, stream) as StreamRow;
  const holder = row.claim === null ? null : (JSON.parse(row.claim) as Claim);
  if (holder !== null && holder.id !== claim.id) {
    if (isAlive(holder.mark, claim.mark)) {
      throw new JournalError(
        'JOURNAL_IN_USE',
        `The stream ${stream} is being written by ${describeHolder(holder)}. Give each process a stream of its own.`,
        { place: stream },
      );
    }
    const message = `${stream}: took over from ${describeHolder(holder)}, which is gone.`;
    notify({ kind: 'taken-over', stream, message });
  }
  prepared(db, 'UPDATE stream SET claim_id = ?, claim = ? WHERE id = ?').run(
    claim.id,
    JSON.stringify(claim),
    row.id,
  );
  return { head: { seq: row.seq, chain: row.chain }, origin: row.seq === 0 ? null : originOf(db, row.id) };
}

export function releaseStream(db: DatabaseSync, stream: string, claimId: string): void {
  prepared(db, 'UPDATE stream SET claim_id = NULL, claim = NULL WHERE name = ? AND claim_id = ?').run(
    stream,
    claimId,
  );
}

/** Seals and stores a parcel. Drafts that are there already, from an attempt whose answer was lost, are passed over. */
export function appendParcel(
  db: DatabaseSync,
  stream: string,
  claimId: string,
  { drafts, checkpoint }: Parcel,
): void {
  const row = rowOf(db, stream);
  if (row === undefined || row.claim_id !== claimId) throw fencedOff(stream, row);
  const insert = prepared(db, 'INSERT INTO record (stream, seq, wall, crc, body) VALUES (?, ?, ?, ?, ?)');
  let { seq, chain } = row;
  for (const outgoing of drafts) {
    const { draft, cut } = outgoing;
    if (draft.seq <= seq) continue;
    if (draft.seq !== seq + 1 && cut === null) {
      throw new JournalError('JOURNAL_CONFLICT', `${stream} stands at #${seq}; #${draft.seq} cannot follow.`);
    }
    const record = sealed(outgoing, chain);
    const body = recordToLine(record);
    insert.run(row.id, record.seq, record.wall, crc32c(Buffer.from(body)), body);
    if (cut !== null) storeCheckpoint(db, row.id, cut);
    ({ seq } = record);
    chain = chainAfter(record);
  }
  const wall = drafts.at(-1)?.draft.wall;
  if (seq > row.seq) {
    prepared(db, 'UPDATE stream SET seq = ?, chain = ?, last_wall = ? WHERE id = ?').run(
      seq,
      chain,
      wall ?? 0,
      row.id,
    );
  }
  if (checkpoint !== null && checkpoint.seq === seq) storeCheckpoint(db, row.id, checkpoint);
}

function sealed({ draft, cut }: OutgoingDraft, chain: string): JournalRecord {
  const record = sealRecord(draft, chain);
  return cut === null ? record : trimmedRecord(record, cut);
}

/** The newest checkpoint replaces the one before it, unless that is one of those that stay. */
function storeCheckpoint(db: DatabaseSync, streamId: number, checkpoint: Checkpoint): void {
  const newest = prepared(db, 'SELECT seq FROM checkpoint WHERE stream = ? ORDER BY seq DESC LIMIT 2').all(
    streamId,
  ) as unknown as { readonly seq: number }[];
  const [last, beforeLast] = newest;
  if (last !== undefined && last.seq - (beforeLast?.seq ?? 0) < CHECKPOINT_KEPT_EVERY) {
    prepared(db, 'DELETE FROM checkpoint WHERE stream = ? AND seq = ?').run(streamId, last.seq);
  }
  const body = JSON.stringify(checkpoint);
  prepared(db, 'INSERT OR REPLACE INTO checkpoint (stream, seq, crc, body) VALUES (?, ?, ?, ?)').run(
    streamId,
    checkpoint.seq,
    crc32c(Buffer.from(body)),
    body,
  );
}

/** A checkpoint as it was stored; null if there is none or it is damaged: it is a cache. */
export function checkpointAt(db: DatabaseSync, streamId: number, seq: number): Checkpoint | null {
  const row = prepared(db, 'SELECT crc, body FROM checkpoint WHERE stream = ? AND seq = ?').get(
    streamId,
    seq,
  ) as { readonly crc: number; readonly body: string } | undefined;
  return row === undefined || crc32c(Buffer.from(row.body)) !== row.crc
    ? null
    : (JSON.parse(row.body) as Checkpoint);
}

/** Who the actor is and which timers it waits for, from the newest checkpoint and the records after it. */
function originOf(db: DatabaseSync, streamId: number): Origin {
  const newest = prepared(db, 'SELECT max(seq) AS seq FROM checkpoint WHERE stream = ?').get(streamId) as {
    readonly seq: number | null;
  };
  const checkpoint = newest.seq === null ? null : checkpointAt(db, streamId, newest.seq);
  const reader = new OriginReader();
  if (checkpoint !== null) reader.begin(checkpoint);
  const after = db
    .prepare('SELECT body FROM record WHERE stream = ? AND seq > ? ORDER BY seq')
    .iterate(streamId, checkpoint?.seq ?? 0) as Iterable<unknown> as Iterable<{ readonly body: string }>;
  for (const { body } of after) reader.apply(recordFromLine(body));
  return reader.origin;
}

function rowOf(db: DatabaseSync, stream: string): StreamRow | undefined {
  return prepared(db, 'SELECT id, seq, chain, claim_id, claim FROM stream WHERE name = ?').get(stream) as
    StreamRow | undefined;
}

function fencedOff(stream: string, row: StreamRow | undefined): JournalError {
  const holder = row === undefined || row.claim === null ? null : (JSON.parse(row.claim) as Claim);
  const who = holder === null ? 'It was given up' : `${describeHolder(holder)} has taken it over`;
  return new JournalError(
    'JOURNAL_CONFLICT',
    `The stream ${stream} is no longer this writer's. ${who}; this writer stops.`,
    { place: stream },
  );
}

/** Writes the record at a checkpoint anew as `trimmed` and drops everything before it. Returns how many went. */
export function cutAt(db: DatabaseSync, streamId: number, checkpoint: Checkpoint): number {
  const { seq } = checkpoint;
  const row = prepared(db, 'SELECT body FROM record WHERE stream = ? AND seq = ?').get(streamId, seq) as
    { readonly body: string } | undefined;
  if (row === undefined) return 0;
  const cut = recordFromLine(row.body);
  const record = cut.kind === 'trimmed' ? cut : trimmedRecord(cut, checkpoint);
  const body = recordToLine(record);
  prepared(db, 'UPDATE record SET crc = ?, body = ? WHERE stream = ? AND seq = ?').run(
    crc32c(Buffer.from(body)),
    body,
    streamId,
    seq,
  );
  prepared(db, 'DELETE FROM checkpoint WHERE stream = ? AND seq < ?').run(streamId, seq);
  return Number(prepared(db, 'DELETE FROM record WHERE stream = ? AND seq < ?').run(streamId, seq).changes);
}
