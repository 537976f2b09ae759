import { memberName } from '../../machines/leadership.rules.ts';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { type LeaseRecord, type LossNote, shownBeat } from './lease-record.ts';
import type {
  AcquireReply,
  AcquireRequest,
  Observation,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  Token,
} from './lease-store.ts';

/**
 * The lease protocol as three pure functions over one record: what every store's acquire, renew and release do.
 * A store makes each of them atomic (a transaction, a script) and supplies its own time and incarnation.
 *
 * What they guarantee, as long as two clocks run at the same rate within the assumed drift:
 * - a lease is granted only when the former holder has stopped believing in it, by a release, by the store's
 *   clock, or by the asker's own watch;
 * - every grant has a token above all earlier ones anybody has seen;
 * - lost data (an empty, older or foreign data set) grants nothing until every lease that may have been lost
 *   with it has ended; the leader alone may go on, by proving itself with its token.
 */

/** What the store knows besides the record, at the moment of the operation. */
export interface StoreMoment {
  /** Milliseconds on the store's clock. */
  readonly now: number;
  /** Identity of the data set; changes when it may have lost writes. */
  readonly incarnation: string;
  /** Extra wait after a data loss, for writes still on their way. */
  readonly settleMs: number;
  /** The least a new token may be: wall milliseconds where the store has them, else 0. */
  readonly tokenFloor: Token;
  /** Whether a record that never was may be taken for a first start instead of a loss. */
  readonly freshStore: 'wait' | 'trust';
}

/** The reply, and the record to store if it differs from the one given. */
export interface Decision<Reply> {
  readonly reply: Reply;
  readonly record: LeaseRecord | null;
}

const larger = (...tokens: readonly Token[]): Token => tokens.reduce((a, b) => (b > a ? b : a), 0n);

/** Grants, refuses or quarantines. Steps and numbers are those of the protocol's description. */
export function decideAcquire(
  before: LeaseRecord | null,
  ask: AcquireRequest,
  moment: StoreMoment,
): Decision<AcquireReply> {
  // A late packet must not make a lease nobody knows of.
  if (before && before.by === ask.id && ask.attempt <= before.attempt) {
    return { reply: { kind: 'stale', lastAttempt: before.attempt }, record: before };
  }
  const loss = standingLoss(before, ask, moment);
  const record: LeaseRecord = {
    ...(before ?? emptyRecord(ask)),
    incarnation: moment.incarnation,
    highest: larger(before?.highest ?? 0n, before?.token ?? 0n, ask.seen),
    longestMs: Math.max(before?.longestMs ?? 0, ask.longestMs, ask.leaseMs),
    loss,
  };
  if (loss) {
    const quarantined = quarantine(loss, record, ask, moment);
    if (quarantined) return { reply: quarantined, record };
  }
  const waitedOut = { ...record, loss: null };
  const held = heldByAnother(waitedOut, ask, moment);
  if (held) return { reply: held, record: noteNamesake(waitedOut, ask) };
  return grant(waitedOut, ask, moment);
}

/**
 * Extends the holder's lease, or restores a record that was lost. A loss stays noted: what came may be a late
 * packet of an earlier term, while the later leader, whose record was lost, still believes and may itself
 * restore its term by its larger token. Only time ends a quarantine.
 */
export function decideRenew(
  before: LeaseRecord | null,
  ask: RenewRequest,
  moment: StoreMoment,
): Decision<RenewReply> {
  const matches = before !== null && before.holder === ask.id && before.token === ask.token;
  const lost = before === null || before.incarnation !== moment.incarnation || before.loss !== null;
  const highest = larger(before?.highest ?? 0n, before?.token ?? 0n);
  // Whoever gave its term up, or had it taken by hand, does not get it back, be the renewal late or a loss stand.
  const givenUp = before !== null && before.holder === null && before.token === ask.token;
  // Restoring is safe although the term may be over: a leader throws away a reply that comes after its end.
  const restores = !matches && lost && !givenUp && ask.token >= highest;
  if (!matches && !restores) {
    return {
      reply: { kind: 'denied', holder: before?.holder ?? null, token: before?.token ?? 0n },
      record: before,
    };
  }
  // A renewal that comes late, or twice, must not bring back a beat that somebody has long been watching.
  if (matches && ask.beat <= before.beat)
    return { reply: { kind: 'renewed', restored: false }, record: before };
  const record: LeaseRecord = {
    holder: ask.id,
    by: ask.id,
    // Beats and attempts are one counter: what this member asked before is late, though the record was lost.
    attempt: matches ? before.attempt : ask.beat,
    token: ask.token,
    term: Math.max(ask.term, matches ? before.term : 0),
    leaseMs: ask.leaseMs,
    graceMs: ask.graceMs,
    beat: ask.beat,
    expiresAt: moment.now + ask.leaseMs,
    longestMs: Math.max(before?.longestMs ?? 0, ask.leaseMs),
    highest: larger(highest, ask.token),
    incarnation: moment.incarnation,
    namesake: null,
    loss: lost ? keptLoss(before, ask, moment) : null,
  };
  const namesake = matches ? before.namesake : null;
  return {
    reply: { kind: 'renewed', restored: restores, ...(namesake !== null && { namesake }) },
    record,
  };
}

/** Keeps for the holder that another incarnation with its name is alive: it asks, so it is no predecessor. */
function noteNamesake(record: LeaseRecord, { id }: AcquireRequest): LeaseRecord {
  const name = memberName(id);
  return name !== null && name === memberName(record.holder ?? '') ? { ...record, namesake: id } : record;
}

/**
 * Gives the lease up if it is still the asker's, and only then. It neither ends a quarantine nor adopts a new
 * incarnation of the data set: a late release may match a record that a failover brought back, while a later
 * leader, whose record was lost in it, still believes.
 */
export function decideRelease(before: LeaseRecord | null, ask: ReleaseRequest): Decision<ReleaseReply> {
  if (before === null || before.holder !== ask.id || before.token !== ask.token) {
    return { reply: { released: false }, record: before };
  }
  return { reply: { released: true }, record: { ...before, holder: null } };
}

/** Notes a loss of data, unless the one that stands is this very loss. */
function standingLoss(before: LeaseRecord | null, ask: AcquireRequest, moment: StoreMoment): LossNote | null {
  const empty = before === null;
  const changed = before !== null && before.incarnation !== moment.incarnation;
  const behind = before !== null && ask.seen > larger(before.token, before.highest);
  const noted = before?.loss ?? null;
  if (noted && noted.incarnation === moment.incarnation) {
    // A server clock that ran backwards would prolong the wait: move the note down, never up.
    return noted.at > moment.now ? { ...noted, at: moment.now } : noted;
  }
  if (!empty && !changed && !behind) return null;
  const fresh = empty && ask.seen === 0n;
  if (fresh && moment.freshStore === 'trust') return null;
  return noteLoss(ask.nonce, moment, fresh);
}

/** The loss that a renewal finds standing, or is the first to see. */
function keptLoss(before: LeaseRecord | null, ask: RenewRequest, moment: StoreMoment): LossNote {
  const noted = before?.loss;
  if (noted && noted.incarnation === moment.incarnation) return noted;
  return noteLoss(`${ask.id}#${ask.beat}`, moment, false);
}

/**
 * The time is part of the id: a packet that comes twice may be the first to notice two losses, and what somebody
 * has waited since the earlier one must not count for the later.
 */
function noteLoss(noticedBy: string, { now, incarnation }: StoreMoment, fresh: boolean): LossNote {
  return { id: `${noticedBy}@${now}`, incarnation, at: now, fresh };
}

/**
 * What is left to wait after a loss: by the asker's own clock if it has known of this loss before (what the store
 * had waited by then counts), so that a step of the store's clock changes nothing; else by the store's.
 */
function quarantine(
  loss: LossNote,
  record: LeaseRecord,
  ask: AcquireRequest,
  moment: StoreMoment,
): AcquireReply | null {
  const wholeMs = record.longestMs * DRIFT_FACTOR + moment.settleMs;
  const waitedMs = ask.loss?.id === loss.id ? ask.loss.forMs : moment.now - loss.at;
  const remainingMs = wholeMs - waitedMs;
  if (remainingMs <= 0) return null;
  return {
    kind: 'quarantined',
    lossId: loss.id,
    remainingMs,
    waitedMs,
    token: record.highest,
    fresh: loss.fresh,
  };
}

/**
 * How long somebody else's lease still stands. The store's clock decides, within what the asker has watched
 * itself: before the asker has seen the renewal unchanged for `lease`, a store clock that stepped forward grants
 * nothing, and after `lease × W` one that stepped back refuses nothing. `lease` suffices for the lower bound:
 * the holder stops after `lease / W` on its own clock, which is at most `lease / (1 + d)` of real time, and the
 * asker's `lease` is at least that.
 */
function heldByAnother(record: LeaseRecord, ask: AcquireRequest, moment: StoreMoment): AcquireReply | null {
  if (record.holder === null || record.holder === ask.id) return null;
  const byStore = Math.min(record.expiresAt - moment.now, record.leaseMs);
  const watched = wasWatched(record, ask.observed) ? ask.observed.forMs : null;
  const leftMs =
    watched === null
      ? byStore
      : Math.min(Math.max(byStore, record.leaseMs - watched), record.leaseMs * DRIFT_FACTOR - watched);
  const remainingMs = leftMs + record.graceMs;
  if (remainingMs <= 0) return null;
  return {
    kind: 'held',
    holder: record.holder,
    token: record.token,
    beat: shownBeat(record),
    leaseMs: record.leaseMs,
    remainingMs,
    ageMs: Math.min(Math.max(record.leaseMs - (record.expiresAt - moment.now), 0), record.leaseMs),
  };
}

/** Whether what the asker has watched is this very renewal of this very grant. */
const wasWatched = (record: LeaseRecord, observed: Observation | null): observed is Observation =>
  observed !== null &&
  observed.holder === record.holder &&
  observed.token === record.token &&
  observed.beat === shownBeat(record);

function grant(record: LeaseRecord, ask: AcquireRequest, moment: StoreMoment): Decision<AcquireReply> {
  const token = larger(record.token + 1n, moment.tokenFloor, record.highest + 1n);
  const term = record.term + 1;
  return {
    reply: { kind: 'won', token, term },
    record: {
      ...record,
      holder: ask.id,
      by: ask.id,
      attempt: ask.attempt,
      token,
      term,
      highest: token,
      leaseMs: ask.leaseMs,
      graceMs: ask.graceMs,
      beat: 0,
      expiresAt: moment.now + ask.leaseMs,
      namesake: null,
      loss: null,
    },
  };
}

function emptyRecord(ask: AcquireRequest): LeaseRecord {
  return {
    holder: null,
    by: '',
    attempt: 0,
    token: 0n,
    term: 0,
    leaseMs: ask.leaseMs,
    graceMs: 0,
    beat: 0,
    expiresAt: 0,
    longestMs: 0,
    highest: 0n,
    incarnation: '',
    namesake: null,
    loss: null,
  };
}
