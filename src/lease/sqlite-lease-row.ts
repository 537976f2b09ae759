import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { LeaseRecord } from './lease-record.ts';

/** How a lease record lies in the file. */

/** The table: one row for each resource. Times are those of the clock that `clock` names. */
export const LEASE_TABLE = `
  CREATE TABLE lease (
    resource TEXT PRIMARY KEY,
    holder TEXT,                    -- NULL after a release
    acquired_by TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    token TEXT NOT NULL,            -- decimal
    term INTEGER NOT NULL,
    lease_ms REAL NOT NULL,
    grace_ms REAL NOT NULL,
    beat INTEGER NOT NULL,
    expires_at_ms REAL NOT NULL,
    longest_ms REAL NOT NULL,
    highest_token TEXT NOT NULL,    -- decimal
    incarnation TEXT NOT NULL,
    namesake TEXT,                  -- NULL where no other live member goes by the holder's name
    loss_id TEXT,                   -- NULL where no loss of data is being waited out
    loss_incarnation TEXT,
    loss_at_ms REAL,
    loss_fresh INTEGER,
    clock TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export const SELECT_LEASE = 'SELECT * FROM lease WHERE resource = ?';
export const STORE_LEASE = `
  INSERT OR REPLACE INTO lease VALUES (
    :resource, :holder, :acquired_by, :attempt, :token, :term, :lease_ms, :grace_ms, :beat, :expires_at_ms,
    :longest_ms, :highest_token, :incarnation, :namesake, :loss_id, :loss_incarnation, :loss_at_ms, :loss_fresh, :clock
  )`;

type Row = Record<string, SQLOutputValue>;

/**
 * The record of a row, in times of the reader's clock. Of another clock's times nothing is known here, so that the
 * lease and a loss count as if they had begun this very moment: what decides then is how long the asker itself has
 * watched the renewal, or known of the loss.
 */
export function recordOf(row: Row, clock: string, now: number): LeaseRecord {
  const foreign = row['clock'] !== clock;
  const leaseMs = Number(row['lease_ms']);
  const lossId = row['loss_id'];
  return {
    holder: textOrNull(row['holder']),
    by: String(row['acquired_by']),
    attempt: Number(row['attempt']),
    token: BigInt(String(row['token'])),
    term: Number(row['term']),
    leaseMs,
    graceMs: Number(row['grace_ms']),
    beat: Number(row['beat']),
    expiresAt: foreign ? now + leaseMs : Number(row['expires_at_ms']),
    longestMs: Number(row['longest_ms']),
    highest: BigInt(String(row['highest_token'])),
    incarnation: String(row['incarnation']),
    namesake: textOrNull(row['namesake']),
    loss:
      typeof lossId !== 'string'
        ? null
        : {
            id: lossId,
            incarnation: String(row['loss_incarnation']),
            at: foreign ? now : Number(row['loss_at_ms']),
            fresh: row['loss_fresh'] === 1,
          },
  };
}

/** The row of a record whose times are of the clock `clock`. */
export function rowOf(resource: string, record: LeaseRecord, clock: string): Record<string, SQLInputValue> {
  const { loss } = record;
  return {
    resource,
    holder: record.holder,
    acquired_by: record.by,
    attempt: record.attempt,
    token: String(record.token),
    term: record.term,
    lease_ms: record.leaseMs,
    grace_ms: record.graceMs,
    beat: record.beat,
    expires_at_ms: record.expiresAt,
    longest_ms: record.longestMs,
    highest_token: String(record.highest),
    incarnation: record.incarnation,
    namesake: record.namesake,
    loss_id: loss?.id ?? null,
    loss_incarnation: loss?.incarnation ?? null,
    loss_at_ms: loss?.at ?? null,
    loss_fresh: loss ? Number(loss.fresh) : null,
    clock,
  };
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
