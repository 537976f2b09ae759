import type { ConfigPath } from '../config/formats/config-node.ts';
import { nearest } from '../suggest.ts';
import { give, oneOfEach, saysNothing } from './give.ts';
import type { SettingId } from './catalogue-entry.ts';
import { KEYS_BESIDE_ROOT, KNOWN_KEYS, type KnownKey, ROOTS } from './known-keys.ts';
import { emptyLayer, type Finding, type Layer } from './origin.ts';

/**
 * Settings out of what a file holds, in any of its shapes: in a root block or without, blocks, the older sections, the
 * controller's. What is ours is read or refused; what is not ours is left alone.
 */
export function fileLayer(tree: unknown): Layer {
  const reader = new FileReader();
  if (isObject(tree)) reader.file(tree);
  oneOfEach(reader.layer);
  return reader.layer;
}

class FileReader {
  readonly layer = emptyLayer();

  file(tree: Readonly<Record<string, unknown>>): void {
    const isRoot = (key: string) => ROOTS.includes(key.toLowerCase());
    const entries = Object.entries(tree);
    for (const [key, value] of entries.filter(([each]) => isRoot(each))) {
      const strictness = isConclave(key) ? 'strict' : 'open';
      this.#members({ ...KNOWN_KEYS, unknown: strictness }, value, [key]);
    }
    // The section `Honua` of the older shape is no root block of the whole file.
    const hasRoot = entries.some(([key, value]) => isRoot(key) && !isOlderHonua(value));
    const beside = entries.filter(([key]) => !isRoot(key) && !isAnotherSection(key));
    this.#members(hasRoot ? KEYS_BESIDE_ROOT : KNOWN_KEYS, Object.fromEntries(beside), []);
  }

  #members(known: KnownKey, value: unknown, path: ConfigPath): void {
    if (saysNothing(value)) return;
    if (!isObject(value)) {
      const times = Array.isArray(value) ? value.length : 0;
      const message =
        times > 1 && (value as unknown[]).every(isObject)
          ? `This block is there ${times} times; there may be one.`
          : `This must be a block with keys: ${namesIn(known).join(', ')}.`;
      this.layer.problems.push({ origin: { layer: 'file', path }, message });
      return;
    }
    for (const [key, inside] of Object.entries(value)) {
      const child = known.children.get(key.toLowerCase());
      if (child === undefined) this.#unknown(known, [...path, key]);
      else this.#known(child, inside, [...path, key]);
    }
  }

  #known(known: KnownKey, value: unknown, path: ConfigPath): void {
    const { leaf } = known;
    if (leaf === null) return this.#members(known, value, path);
    if (leaf.kind === 'setting') {
      const originOf = (inside: ConfigPath) => ({ layer: 'file' as const, path: [...path, ...inside] });
      const before = this.layer.problems.length;
      give(this.layer, {
        id: leaf.id,
        kind: leaf.name.kind,
        name: leaf.name,
        priority: leaf.priority,
        value,
        originOf,
      });
      if (EVERYBODYS.has(leaf.id) && !isConclave(String(path[0]))) this.#leaveAlone(before);
      return;
    }
    if (leaf.note === null) return;
    this.layer.notes.push({
      origin: { layer: 'file', path },
      message: `This has no effect. ${leaf.note}`,
      ofKey: true,
    });
  }

  /** What is wrong since then is somebody else's, and only told. */
  #leaveAlone(since: number): void {
    for (const problem of this.layer.problems.splice(since))
      this.layer.notes.push({ ...problem, message: `${problem.message} It is left alone.` });
  }

  #unknown(known: KnownKey, path: ConfigPath): void {
    const key = String(path.at(-1));
    const found = unknownKey(known, key);
    const finding = found?.fatal !== true && WAIT_REPLICAS.test(key) ? OUT_OF_PLACE : found;
    if (finding === null) return;
    const told: Finding = { origin: { layer: 'file', path }, message: finding.message, ofKey: true };
    this.layer[finding.fatal ? 'problems' : 'notes'].push(told);
  }
}

/**
 * Whoever writes this means ours, wherever it stands; left alone with a note, it would have them believe that failovers
 * of their Redis are safe.
 */
export const WAIT_REPLICAS = /^wait[_-]?replicas?$/i;
const OUT_OF_PLACE = {
  message:
    'It counts only in the block redis inside the root block: conclave { redis { wait_replicas = 1 } }. ' +
    'Here no replica would be waited for. Move it there.',
  fatal: true,
};

/** Names that an application gives values of its own, which are no mistakes of ours. */
const EVERYBODYS: ReadonlySet<SettingId> = new Set(['environment', 'logLevel']);

const isConclave = (key: string): boolean => key.toLowerCase() === 'conclave';

/** `Server` or `Metrics` at the top of an application's own file: our blocks are in small letters there. */
function isAnotherSection(key: string): boolean {
  const lower = key.toLowerCase();
  const written = KNOWN_KEYS.children.get(lower)?.written;
  return written === lower && key !== written && !KEYS_BESIDE_ROOT.children.has(lower);
}

/** `Honua` with `ConfigurationV2` and nothing else that is ours. */
function isOlderHonua(value: unknown): boolean {
  if (!isObject(value)) return false;
  const ours = Object.keys(value).filter((key) => KNOWN_KEYS.children.has(key.toLowerCase()));
  return ours.length === 1 && ours[0]?.toLowerCase() === 'configurationv2';
}

/** What to say of a key that is not ours; null for nothing. */
export function unknownKey(
  known: KnownKey,
  key: string,
): { readonly message: string; readonly fatal: boolean } | null {
  const { unknown, written: block } = known;
  const meant = meantBy(key, namesIn(known));
  const hint = meant === null ? '' : ` Did you mean ${meant}?`;
  if (unknown === 'strict' || (unknown === 'near' && meant !== null)) {
    const all = meant === null ? ` There are ${namesIn(known).join(', ')}.` : '';
    return { message: `There is no such key.${hint}${all}`, fatal: true };
  }
  if (meant !== null) return { message: `This is none of ours, and left alone.${hint}`, fatal: false };
  if (unknown === 'open') return null;
  return { message: `This key of "${block}" is none of ours, and left alone.`, fatal: false };
}

/** Shorter beginnings of names are no hint. */
const BEGINNING_LENGTH_MIN = 5;

/** A name that is a slip of the keyboard away, or without its unit: `lease_duration`. */
function meantBy(key: string, names: readonly string[]): string | null {
  const near = nearest(key, names);
  if (near !== null || key.length < BEGINNING_LENGTH_MIN) return near;
  return names.find((name) => name.toLowerCase().startsWith(key.toLowerCase())) ?? null;
}

const namesIn = ({ children }: KnownKey): readonly string[] =>
  [...children.values()].map(({ written }) => written);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
