import { SettingsError, StoreUnavailableError } from '../errors.ts';
import { unavailable } from '../redis/link-errors.ts';
import type { LeaseKeys } from './redis-lease-keys.ts';
import { viewOf, type LeaseRecord } from './lease-record.ts';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseView,
  ReleaseReply,
  RenewReply,
  RenewRequest,
} from './lease-store.ts';

/** What the scripts are asked and what they answer, in the store's words. Numbers travel as text that reads back exactly. */

/** Where a reply came from, for messages. */
export interface ReplyPlace {
  readonly location: string;
  readonly keys: LeaseKeys;
}

/** A renewal's answer, and whether the leader was deposed by hand. */
export interface RenewOutcome {
  readonly reply: RenewReply;
  /** Null, or what stands in the mirror instead of the holder: '' if it was deleted. */
  readonly deposedBy: string | null;
}

export function acquireArguments(ask: AcquireRequest): string[] {
  const { observed, loss } = ask;
  return [
    ask.id,
    String(ask.attempt),
    String(ask.leaseMs),
    String(ask.graceMs),
    String(ask.longestMs),
    String(ask.seen),
    observed ? String(observed.token) : '',
    String(observed?.beat ?? 0),
    String(observed?.forMs ?? 0),
    loss?.id ?? '',
    String(loss?.forMs ?? 0),
    ask.nonce,
    observed?.holder ?? '',
  ];
}

export function renewArguments(ask: RenewRequest, doubts: boolean): string[] {
  const numbers = [ask.leaseMs, ask.graceMs, ask.beat, ask.term].map(String);
  return [ask.id, String(ask.token), ...numbers, doubts ? '1' : '0'];
}

/** @throws SettingsError, StoreUnavailableError: what the key holds instead, or what the server refuses */
export function acquireReply(reply: unknown, place: ReplyPlace): AcquireReply {
  const [kind = '', a = '', b = '', c = '', d = '', e = '', f = ''] = texts(reply);
  switch (kind) {
    case 'won':
      return { kind, token: BigInt(a), term: Number(b) };
    case 'held':
      return {
        kind,
        holder: a,
        token: BigInt(b),
        beat: Number(c),
        leaseMs: Number(d),
        remainingMs: Number(e),
        ageMs: Number(f),
      };
    case 'quarantined':
      return {
        kind,
        lossId: a,
        remainingMs: Number(b),
        waitedMs: Number(c),
        token: BigInt(d),
        fresh: e === '1',
      };
    case 'stale':
      return { kind, lastAttempt: Number(a) };
    default:
      throw notALease(reply, place);
  }
}

/** @throws SettingsError, StoreUnavailableError */
export function renewReply(reply: unknown, place: ReplyPlace): RenewOutcome {
  const [kind = '', a = '', b = ''] = texts(reply);
  switch (kind) {
    case 'renewed':
      return {
        reply: { kind, restored: a === '1', ...(b !== '' && { namesake: b }) },
        deposedBy: null,
      };
    case 'denied':
      return { reply: { kind, holder: a === '' ? null : a, token: BigInt(b) }, deposedBy: null };
    case 'deposed':
      return { reply: { kind: 'denied', holder: null, token: BigInt(a) }, deposedBy: b };
    default:
      throw notALease(reply, place);
  }
}

/** @throws SettingsError, StoreUnavailableError */
export function releaseReply(
  reply: unknown,
  place: ReplyPlace,
): ReleaseReply & { readonly holder: string | null; readonly token: bigint } {
  const [kind, released, holder = '', token = '0'] = texts(reply);
  if (kind !== 'released') throw notALease(reply, place);
  return { released: released === '1', holder: holder === '' ? null : holder, token: BigInt(token) };
}

/** All there is to see of a lease in Redis. */
export interface LeaseInspection {
  readonly keys: LeaseKeys;
  /** Milliseconds on the server's clock, Unix time. */
  readonly now: number;
  /** Which data set this is; `?` if the server does not tell. */
  readonly incarnation: string;
  /** What the mirror says, and for how many milliseconds; null if it is not there. */
  readonly mirror: { readonly value: string; readonly remainingMs: number } | null;
  readonly record: LeaseRecord | null;
  /** Why the lease cannot be used, if the keys hold something else. */
  readonly trouble: Error | null;
}

export function inspection(reply: unknown, place: ReplyPlace): LeaseInspection {
  const [now = '', incarnation = '', mirror = '', remaining = '', kind = '', ...rest] = texts(reply);
  return {
    keys: place.keys,
    now: Number(now),
    incarnation,
    mirror: mirror === '' ? null : { value: mirror, remainingMs: Number(remaining) },
    record: kind === 'record' ? recordOf(rest) : null,
    trouble: kind === 'record' || kind === 'none' ? null : notALease([kind, ...rest], place),
  };
}

/** @throws SettingsError, StoreUnavailableError */
export function viewReply(resource: string, { record, trouble, now }: LeaseInspection): LeaseView | null {
  if (trouble) throw trouble;
  return record && viewOf(resource, record, now);
}

/** The record from its fields, in the order of `FIELDS` in `record.lua`. */
export function recordOf(fields: readonly string[]): LeaseRecord {
  const [, holder = '', by = '', attempt, token = '0', term, lease, grace, beat, expiresAt] = fields;
  const [longest, highest = '0', incarnation = '', namesake = '', lossId = ''] = fields.slice(10);
  const [lossIncarnation = '', lossAt, lossFresh] = fields.slice(15);
  return {
    holder: holder === '' ? null : holder,
    by,
    attempt: Number(attempt),
    token: BigInt(token),
    term: Number(term),
    leaseMs: Number(lease),
    graceMs: Number(grace),
    beat: Number(beat),
    expiresAt: Number(expiresAt),
    longestMs: Number(longest),
    highest: BigInt(highest),
    incarnation,
    namesake: namesake === '' ? null : namesake,
    loss:
      lossId === ''
        ? null
        : { id: lossId, incarnation: lossIncarnation, at: Number(lossAt), fresh: lossFresh === '1' },
  };
}

/** The error for a reply that speaks of no lease. */
function notALease(reply: unknown, { location, keys }: ReplyPlace): Error {
  const [kind, which = '', what = ''] = texts(reply);
  switch (kind) {
    case 'foreign': {
      const key = which === 'mirror' ? keys.mirror : keys.record;
      return new SettingsError(
        'STORE_KEY_FOREIGN',
        `The key ${key} in Redis at ${location} holds something that is no lease of Conclave (${shown(what)}). ` +
          'It was left untouched, and this member does not campaign. Give Conclave a key prefix of its own, or remove the key if nothing uses it.',
      );
    }
    case 'version':
      return new SettingsError(
        'STORE_PROTOCOL_OTHER',
        `The record ${keys.record} in Redis at ${location} was written by another version of the lease protocol (${shown(which)}, here 1). ` +
          'This member does not campaign beside it: run one version, or stop all members and delete the key.',
      );
    case 'refused':
      return unavailable(new Error(which), location, false);
    default:
      return new StoreUnavailableError(
        'STORE_UNAVAILABLE',
        `Redis at ${location} gave an answer that is none to what was asked (${shown(String(kind))}). Is it Redis?`,
        { outcomeUnknown: true },
      );
  }
}

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [String(reply)];
}
