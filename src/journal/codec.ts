import type { AnyMachineSnapshot, StateValue } from 'xstate';
import { canonicalJson, digestOf, DIGEST_HEX_LENGTH } from './canonical.ts';
import { canonicalValue } from './canonical-values.ts';
import { JournalError } from '../errors.ts';
import { projectEffect, projectEvent, projectState } from '../runtime/xstate-shapes.ts';
import { processSecretKey } from '../runtime/system-randomness.ts';
import {
  GENESIS,
  JOURNAL_FORMAT,
  type EffectRecord,
  type Entry,
  type JournalRecord,
  type Json,
  type RecordKind,
  type StreamHead,
  type StreamHeader,
} from './journal.ts';
import { Redactor, type Redaction } from './secrets.ts';
import { encodeValue } from './values.ts';

/**
 * From entries to records, in two steps that may run in different threads. `draftRecord` needs the live snapshot: it
 * encodes, redacts, and ends in plain JSON that may be posted to a worker. `sealRecord` needs only JSON: it computes
 * the digest and continues the hash chain. `encodeEntry` does both.
 */

/** Bytes of UTF-8 that one record may take; the limit is checked on the line as it is written. */
export const RECORD_BYTES_MAX = 1024 * 1024;

/** The digest of records that change no state (`stop`, `note`). */
export const NO_DIGEST = '';

/** A record before it is sealed. Plain JSON. */
export interface Draft extends Omit<JournalRecord, 'digest' | 'prev'> {
  /** Canonical JSON of the redacted state after the event; null where the record changes no state. */
  readonly state: string | null;
}

/**
 * Encodes and redacts one entry. A value no journal can hold does not fail the record: it is replaced by
 * `{"$refused": why}`, in the open, and a replay stops there and says so.
 *
 * @example
 * worker.postMessage(draftRecord(writer.header, entry)); // the worker seals it
 */
export function draftRecord(header: StreamHeader, entry: Entry): Draft {
  const { after } = entry;
  const redactor = redactorOf(header);
  const replaced: string[] = [];
  let data = eventData(entry);
  let effects = effectsOf(entry);
  let state: string | null;
  if (redactor === null) state = after === null ? null : stateText(after);
  else ({ data, state, effects } = redactAll(redactor, { data, after, effects }, replaced));
  const draft: Draft = {
    v: JOURNAL_FORMAT,
    stream: header.stream,
    seq: entry.seq,
    kind: entry.kind,
    machine: header.machine,
    runtime: header.runtime,
    wall: entry.wall,
    mono: entry.mono,
    boot: header.boot,
    writer: header.writer,
    token: after === null || header.tokenOf === undefined ? null : header.tokenOf(after),
    event: data === undefined ? { type: entry.event.type } : { type: entry.event.type, data },
    source: entry.source,
    from: entry.before === null || entry.after === null ? null : (entry.before.value as StateValue),
    to: after === null ? null : (after.value as StateValue),
    effects,
    ...(entry.cause !== undefined && { cause: entry.cause }),
    ...(entry.correlation !== undefined && { correlation: entry.correlation }),
    ...(replaced.length > 0 && { redacted: replaced }),
    state,
  };
  return withinLimit(draft);
}

/** Computes the digest and takes the record into the hash chain. Needs nothing but JSON. */
export function sealRecord(draft: Draft, prev: string): JournalRecord {
  const { state, cause, correlation, redacted, ...fields } = draft;
  return {
    ...fields,
    digest: state === null ? NO_DIGEST : digestOf(state),
    prev,
    ...(cause !== undefined && { cause }),
    ...(correlation !== undefined && { correlation }),
    ...(redacted !== undefined && { redacted }),
  };
}

/** The hash of a record: the `prev` of the next one. It covers every field, `prev` included. */
export function hashRecord(record: JournalRecord): string {
  let text = '';
  let fields = 0;
  for (const field of FIELDS_IN_CANONICAL_ORDER) {
    const value = record[field];
    if (value === undefined) continue;
    text += `${text === '' ? '{' : ','}"${field}":${canonicalJson(value as Json)}`;
    fields += 1;
  }
  // A record with fields of a later version is hashed with them.
  const known = fields === Object.keys(record).length;
  return digestOf(known ? `${text}}` : canonicalJson(record as unknown as Json));
}

const FIELDS_IN_CANONICAL_ORDER = [
  'boot',
  'cause',
  'correlation',
  'digest',
  'effects',
  'event',
  'from',
  'kind',
  'machine',
  'mono',
  'prev',
  'redacted',
  'runtime',
  'seq',
  'source',
  'stream',
  'to',
  'token',
  'v',
  'wall',
  'writer',
] as const satisfies readonly (keyof JournalRecord)[];

/** `draftRecord` and `sealRecord` in one. */
export function encodeEntry(header: StreamHeader, entry: Entry, prev: string): JournalRecord {
  return sealRecord(draftRecord(header, entry), prev);
}

/** The digest of a state as a record of this stream has it, secrets replaced. */
export function stateDigest(
  state: AnyMachineSnapshot,
  header: Pick<StreamHeader, 'secrets' | 'secretKey'>,
): string {
  const redactor = redactorOf(header);
  if (redactor === null) return digestOf(stateText(state));
  const encoded = encodeValue(projectState(state), { onRefused: 'mark' });
  return digestOf(canonicalJson(redactor.byValue(redactor.byPointer(encoded).json).json));
}

/** The text that the digest of a state without secrets is made of. */
export function stateText(state: AnyMachineSnapshot): string {
  return canonicalValue(projectState(state), { onRefused: 'mark' });
}

/** Seals entry after entry of one stream. */
export class RecordEncoder {
  readonly #header: StreamHeader;
  #head: StreamHead;

  constructor(header: StreamHeader, head: StreamHead = { seq: 0, chain: GENESIS }) {
    this.#header = header;
    this.#head = head;
  }

  get head(): StreamHead {
    return this.#head;
  }

  encode(entry: Entry): JournalRecord {
    const record = encodeEntry(this.#header, entry, this.#head.chain);
    this.#head = { seq: record.seq, chain: hashRecord(record) };
    return record;
  }
}

/** One record as one line of JSON, without the line's end. Keys are in the order of `JournalRecord`. */
export function recordToLine(record: JournalRecord): string {
  return JSON.stringify(record);
}

/**
 * The inverse of `recordToLine`.
 *
 * @param place Where the line stands, for messages: file and line, stream and sequence.
 * @throws JournalError `JOURNAL_CORRUPT` for what is no record, `JOURNAL_FORMAT_NEWER` for a format of the future.
 */
export function recordFromLine(line: string, place?: string): JournalRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new JournalError(
      'JOURNAL_CORRUPT',
      `Not JSON${at(place)}: ${excerpt(line)}`,
      details(place, cause),
    );
  }
  return assertRecord(parsed, place);
}

/** Checks that a parsed value has the shape of a record. Throws as `recordFromLine` does. */
export function assertRecord(value: unknown, place?: string): JournalRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new JournalError(
      'JOURNAL_CORRUPT',
      `A record is an object; found ${excerpt(JSON.stringify(value))}${at(place)}.`,
      details(place),
    );
  }
  const record = value as Record<string, unknown>;
  if (typeof record['v'] === 'number' && record['v'] > JOURNAL_FORMAT) {
    throw new JournalError(
      'JOURNAL_FORMAT_NEWER',
      `Record format ${record['v']}${at(place)} is newer than ${JOURNAL_FORMAT}, the newest this version reads. ` +
        'Read it with the version that wrote it, or a later one.',
      details(place),
    );
  }
  const wrong = Object.entries(SHAPE).find(([field, fits]) => !fits(record[field]));
  if (wrong !== undefined) {
    throw new JournalError(
      'JOURNAL_CORRUPT',
      `The field \`${wrong[0]}\` of a record${at(place)} is ${excerpt(JSON.stringify(record[wrong[0]]) ?? 'missing')}.`,
      details(place),
    );
  }
  return value as JournalRecord;
}

const KINDS: ReadonlySet<unknown> = new Set<RecordKind>([
  'init',
  'event',
  'timer',
  'done',
  'error',
  'stop',
  'note',
  'trimmed',
]);
const SOURCES: ReadonlySet<unknown> = new Set(['external', 'timer', 'invoke', 'child', 'self', 'operator']);
const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isState = (value: unknown): boolean => value === null || isText(value) || isObject(value);
const hasType = (value: unknown): boolean => isObject(value) && isText((value as { type?: unknown }).type);
const optionalText = (value: unknown): boolean => value === undefined || isText(value);
const HEX = new RegExp(`^[0-9a-f]{${DIGEST_HEX_LENGTH}}$`);

/** Whether `value` is a digest as this module makes them. */
export const isDigest = (value: unknown): boolean => typeof value === 'string' && HEX.test(value);

const SHAPE: Readonly<Record<string, (value: unknown) => boolean>> = {
  v: (value) => Number.isInteger(value) && (value as number) >= 1,
  stream: isText,
  seq: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  kind: (value) => KINDS.has(value),
  machine: (value) =>
    isObject(value) && isText((value as { id?: unknown }).id) && isText((value as { hash?: unknown }).hash),
  runtime: isText,
  wall: isNumber,
  mono: isNumber,
  boot: isText,
  writer: isText,
  token: (value) => value === null || isText(value),
  event: hasType,
  source: (value) => SOURCES.has(value),
  from: isState,
  to: isState,
  effects: (value) =>
    Array.isArray(value) && value.every((effect) => hasType(effect) && isText((effect as EffectRecord).id)),
  digest: (value) => value === NO_DIGEST || isDigest(value),
  prev: (value) => value === GENESIS || isDigest(value),
  cause: optionalText,
  correlation: optionalText,
  redacted: (value) => value === undefined || (Array.isArray(value) && value.every(isText)),
};

interface Parts {
  readonly data: Json | undefined;
  readonly after: AnyMachineSnapshot | null;
  readonly effects: readonly EffectRecord[];
}

function eventData({ event }: Entry): Json | undefined {
  const data = projectEvent(event);
  return Object.keys(data).length === 0 ? undefined : encodeValue(data, { onRefused: 'mark' });
}

function effectsOf({ seq, effects }: Entry): readonly EffectRecord[] {
  return effects.map(({ type, params }, at) => {
    const projected = projectEffect(type, params);
    const id = `${seq}:${at}`;
    return projected === undefined
      ? { id, type }
      : { id, type, params: encodeValue(projected, { onRefused: 'mark' }) };
  });
}

/** Events that effects carry are redacted by the same pointers as events that arrive. */
function redactAll(
  redactor: Redactor,
  { data, after, effects }: Parts,
  replaced: string[],
): { data: Json | undefined; state: string | null; effects: readonly EffectRecord[] } {
  const note = (redaction: Redaction): Json => {
    replaced.push(...redaction.replaced);
    return redaction.json;
  };
  const named = (json: Json | undefined, at: string) =>
    json === undefined ? undefined : note(redactor.byPointer(json, at));
  const hunted = (json: Json | undefined, at: string) =>
    json === undefined ? undefined : note(redactor.byValue(json, at));
  const state = named(
    after === null ? undefined : encodeValue(projectState(after), { onRefused: 'mark' }),
    '/state',
  );
  const event = redactData(data, named);
  const params = effects.map((effect, at) => {
    const own = named(effect.params, `/effects/${at}/params`);
    const carried = own === undefined ? undefined : (own as { readonly event?: Json }).event;
    return carried === undefined
      ? own
      : ({ ...(own as object), event: named(carried, `/effects/${at}/params/event`) } as Json);
  });
  const whole = hunted(state, '/state');
  return {
    data: hunted(event, '/event/data'),
    state: whole === undefined ? null : canonicalJson(whole),
    effects: effects.map((effect, at) => {
      const rest = hunted(params[at], `/effects/${at}/params`);
      return rest === undefined ? effect : { ...effect, params: rest };
    }),
  };
}

/** The data of an event; a snapshot that opens a stream is a state like any other. */
function redactData(
  data: Json | undefined,
  named: (json: Json | undefined, at: string) => Json | undefined,
): Json | undefined {
  const event = named(data, '/event/data');
  const snapshot = (event as { readonly snapshot?: Json } | undefined)?.snapshot;
  return snapshot === undefined
    ? event
    : ({ ...(event as object), snapshot: named(snapshot, '/event/data/snapshot') } as Json);
}

function redactorOf({ secrets, secretKey }: Pick<StreamHeader, 'secrets' | 'secretKey'>): Redactor | null {
  return secrets === undefined || secrets.length === 0
    ? null
    : new Redactor(secrets, secretKey ?? processSecretKey());
}

/** A record too large for any journal keeps its place in the sequence and says what it could not carry. */
function withinLimit(draft: Draft): Draft {
  const { event, effects } = draft;
  if (event.data === undefined && effects.length === 0) return draft;
  // A UTF-16 unit is at most three bytes, so most drafts need not be measured exactly.
  if ((JSON.stringify([event.data, effects]).length + FIXED_LENGTH_MAX) * 3 <= RECORD_BYTES_MAX) return draft;
  const bytes = Buffer.byteLength(JSON.stringify({ ...draft, state: null }));
  if (bytes <= RECORD_BYTES_MAX - SEAL_BYTES) return draft;
  const refused = { $refused: `${bytes} bytes; a record may have ${RECORD_BYTES_MAX}` };
  return {
    ...draft,
    event: { type: draft.event.type, data: refused },
    effects: draft.effects.map(({ id, type }) => ({ id, type, params: refused })),
  };
}

/** What the fields beside event and effects take, names of streams and states included. */
const FIXED_LENGTH_MAX = 16_384;

/** What the digest and the chain add to a draft. */
const SEAL_BYTES = 256;

const at = (place: string | undefined): string => (place === undefined ? '' : ` at ${place}`);
const excerpt = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
const details = (place: string | undefined, cause?: unknown) => ({
  ...(place !== undefined && { place }),
  ...(cause !== undefined && { cause }),
});
