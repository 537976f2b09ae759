import { UsageError } from '../errors.ts';
import { actorIdOf, projectSnapshot, reviveSnapshot } from '../runtime/xstate-shapes.ts';
import type { Json } from './journal.ts';
import { isList } from './canonical.ts';

/**
 * Values as a journal carries them. JSON alone would turn `undefined`, NaN, Date, Map, Set, bigint, Error and bytes
 * into something else without a word; here each has a tagged form, an object with exactly one key that begins with
 * `$`. Objects that look like a tag by themselves are wrapped in `$escaped`. What no journal can hold (functions,
 * symbols, class instances, cycles) is refused with its path. `decodeValue` is the exact inverse.
 */

/** How deep a value may be nested. */
export const VALUE_DEPTH_MAX = 64;

/** How many parts (objects, arrays, scalars) one value may have; more cannot fit a record. */
export const VALUE_PARTS_MAX = 1024 * 1024;

export interface EncodeOptions {
  /**
   * `throw` (default) refuses with `EVENT_NOT_SERIALIZABLE`; `mark` puts `{"$refused": why}` in the place, for where
   * a record must be written whatever it says: one value must not cost the journal the records after it.
   */
  readonly onRefused?: 'throw' | 'mark';
  /** What the path in the message begins with. */
  readonly at?: string;
}

/** Stands for a value that did not travel: a secret (by its keyed hash) or one that was refused (by the reason). */
export class Placeholder {
  readonly tag: '$secret' | '$refused';
  readonly text: string;
  constructor(tag: '$secret' | '$refused', text: string) {
    this.tag = tag;
    this.text = text;
    Object.freeze(this);
  }
}

interface Walk {
  readonly mark: boolean;
  readonly at: string;
  /** Objects from the root to here, to find cycles and to name the place. */
  readonly above: object[];
  readonly path: (string | number)[];
  parts: number;
}

/**
 * Turns a value into JSON that `decodeValue` turns back into an equal one.
 *
 * @throws UsageError `EVENT_NOT_SERIALIZABLE` naming the path, unless `onRefused` is `mark`.
 * @example
 * encodeValue({ at: new Date(0), n: 1n }); // { at: { $date: '1970-01-01T00:00:00.000Z' }, n: { $bigint: '1' } }
 */
export function encodeValue(value: unknown, options: EncodeOptions = {}): Json {
  return encode(value, {
    mark: options.onRefused === 'mark',
    at: options.at ?? '',
    above: [],
    path: [],
    parts: 0,
  });
}

function encode(value: unknown, walk: Walk): Json {
  walk.parts += 1;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'bigint':
      return { $bigint: String(value) };
    case 'object':
      return value === null ? null : encodeObject(value, walk);
    default:
      return refuse(`a ${typeof value}`, walk);
  }
}

function encodeObject(value: object, walk: Walk): Json {
  // Cycles are looked for only where values are already deep: each turn of a cycle is as deep again.
  const { above } = walk;
  if (above.length >= CYCLE_CHECK_FROM && above.includes(value)) return refuse('a cycle', walk);
  if (above.length >= VALUE_DEPTH_MAX) return refuse(`nested deeper than ${VALUE_DEPTH_MAX} levels`, walk);
  if (walk.parts > VALUE_PARTS_MAX) return refuse(`more than ${VALUE_PARTS_MAX} parts`, walk);
  above.push(value);
  const json = Array.isArray(value) ? encodeList(value, walk) : encodeTagged(value, walk);
  above.pop();
  return json;
}

/** Eight levels cost nothing to go round twice, and keep the search off nearly every value there is. */
const CYCLE_CHECK_FROM = 8;

function encodeList(list: readonly unknown[], walk: Walk): Json {
  const items: Json[] = [];
  for (let at = 0; at < list.length; at += 1) {
    items.push(at in list ? encodeMember(at, list[at], walk) : refuse('a hole in an array', walk));
  }
  return items;
}

function encodeMember(key: string | number, value: unknown, walk: Walk): Json {
  // Scalars are the many: they need no path.
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  walk.path.push(key);
  const json = encode(value, walk);
  walk.path.pop();
  return json;
}

function encodeTagged(value: object, walk: Walk): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object literal of another realm has a prototype without a prototype, too.
  const plain =
    prototype === Object.prototype || (prototype !== null && Object.getPrototypeOf(prototype) === null);
  const actor = actorIdOf(value);
  if (actor !== null) return { $actor: actor };
  const snapshot = projectSnapshot(value);
  if (snapshot !== null) return { $snapshot: encodePlain(snapshot, walk) };
  if (plain) return escaped(encodePlain(value, walk));
  if (prototype === null) return { $bare: encodePlain(value, walk) };
  if (value instanceof Placeholder) return { [value.tag]: value.text };
  if (value instanceof Map) return { $map: encodeList([...value], walk) };
  if (value instanceof Set) return { $set: encodeList([...value], walk) };
  if (value instanceof Date)
    return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() };
  if (isError(value)) return { $error: encodeError(value, walk) };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = encodeBytes(value);
    if (bytes !== null) return { $bytes: bytes };
  }
  return refuse(`an instance of ${nameOf(prototype)}`, walk);
}

function encodePlain(value: object, walk: Walk): { readonly [key: string]: Json } {
  const json: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    setOwn(json, key, encodeMember(key, (value as Record<string, unknown>)[key], walk));
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    setOwn(json, '(symbol)', refuse('a property whose key is a symbol', walk));
  }
  return json;
}

function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** An error is what it says, never where it was thrown: stacks differ between a run and its replay. */
function encodeError(error: Error, walk: Walk): Json {
  const { code, data } = error as Error & { readonly code?: unknown; readonly data?: unknown };
  const parts: Record<string, unknown> = { name: error.name, message: error.message };
  if ('code' in error) parts['code'] = code;
  if ('data' in error) parts['data'] = data;
  return encodePlain(parts, walk);
}

const BYTE_VIEWS = {
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
} as const;

function encodeBytes(value: ArrayBufferView | ArrayBuffer): Json | null {
  const view = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  const base64 = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
  if (value instanceof ArrayBuffer) return { type: 'ArrayBuffer', base64 };
  if (Buffer.isBuffer(value)) return { type: 'Buffer', base64 };
  const type = nameOf(Object.getPrototypeOf(value));
  return Object.hasOwn(BYTE_VIEWS, type) ? { type, base64 } : null;
}

function escaped(json: { readonly [key: string]: Json }): Json {
  const keys = Object.keys(json);
  return keys.length === 1 && keys[0]?.startsWith('$') === true ? { $escaped: json } : json;
}

function refuse(what: string, walk: Walk): Json {
  if (walk.mark) return { $refused: what };
  const place = `${walk.at}${walk.path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`;
  throw new UsageError(
    'EVENT_NOT_SERIALIZABLE',
    `A journal cannot hold ${what} at ${place === '' ? 'the root of the value' : place}. ` +
      'Put only JSON values, undefined, Date, Map, Set, bigint, Error and bytes there.',
  );
}

function nameOf(prototype: unknown): string {
  const constructor: unknown = (prototype as { readonly constructor?: unknown } | null)?.constructor;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'an unnamed class';
}

/** Assigns also `__proto__` as what it is in JSON: a key like any other. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

/** Makes an actor reference out of its id; the default is the form that XState's own restore understands. */
export type ResolveActor = (id: string) => unknown;

const persistedActor: ResolveActor = (id) => ({ xstate$$type: 1, id });

/** Whether an encoded value has a place whose value could not be recorded. */
export function refusedIn(json: Json): string | null {
  if (typeof json !== 'object' || json === null) return null;
  if (!isList(json) && typeof json['$refused'] === 'string') return json['$refused'];
  for (const member of Object.values(json)) {
    const refused = refusedIn(member);
    if (refused !== null) return refused;
  }
  return null;
}

/**
 * The inverse of `encodeValue`. Actor references become what `resolveActor` makes of their id.
 *
 * @throws UsageError `EVENT_NOT_SERIALIZABLE` for a tag that this version does not know.
 */
export function decodeValue(json: Json, resolveActor: ResolveActor = persistedActor): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (isList(json)) return json.map((item) => decodeValue(item, resolveActor));
  const keys = Object.keys(json);
  const tag = keys.length === 1 ? keys[0] : undefined;
  if (tag?.startsWith('$') === true) return decodeTagged(tag, json[tag] as Json, resolveActor);
  return decodePlain(json, {}, resolveActor);
}

type JsonObject = { readonly [key: string]: Json };

function decodePlain(json: JsonObject, target: object, resolveActor: ResolveActor): Record<string, unknown> {
  const value = target as Record<string, unknown>;
  for (const key of Object.keys(json)) setOwn(value, key, decodeValue(json[key] as Json, resolveActor));
  return value;
}

function decodeTagged(tag: string, json: Json, resolveActor: ResolveActor): unknown {
  const list = () => (json as readonly Json[]).map((item) => decodeValue(item, resolveActor));
  switch (tag) {
    case '$undefined':
      return undefined;
    case '$number':
      return Number(json);
    case '$bigint':
      return BigInt(json as string);
    case '$date':
      return new Date(json === 'invalid' ? Number.NaN : (json as string));
    case '$map':
      return new Map(list() as [unknown, unknown][]);
    case '$set':
      return new Set(list());
    case '$error':
      return decodeError(decodePlain(json as JsonObject, {}, resolveActor));
    case '$bytes':
      return decodeBytes(json as { readonly type: string; readonly base64: string });
    case '$actor':
      return resolveActor(json as string);
    case '$snapshot':
      return reviveSnapshot(decodePlain(json as JsonObject, {}, resolveActor));
    case '$escaped':
      return decodePlain(json as JsonObject, {}, resolveActor);
    case '$bare':
      return decodePlain(json as JsonObject, Object.create(null) as object, resolveActor);
    case '$secret':
    case '$refused':
      return new Placeholder(tag, json as string);
    default:
      throw new UsageError(
        'EVENT_NOT_SERIALIZABLE',
        `The tag ${tag} is not one this version of the codec knows. Read the journal with the version that wrote it.`,
      );
  }
}

function decodeError(parts: Record<string, unknown>): Error {
  const error = new Error(String(parts['message']));
  // Where it was thrown did not travel; the place of decoding would only mislead.
  delete error.stack;
  for (const key of ['name', 'code', 'data']) {
    if (key in parts) {
      Object.defineProperty(error, key, {
        value: parts[key],
        configurable: true,
        writable: true,
        enumerable: key !== 'name',
      });
    }
  }
  return error;
}

function decodeBytes({ type, base64 }: { readonly type: string; readonly base64: string }): unknown {
  const buffer = Buffer.from(base64, 'base64');
  if (type === 'Buffer') return buffer;
  const bytes = new Uint8Array(buffer).buffer;
  if (type === 'ArrayBuffer') return bytes;
  const View = BYTE_VIEWS[type as keyof typeof BYTE_VIEWS] as new (buffer: ArrayBuffer) => unknown;
  return new View(bytes);
}
