import type { ConfigPath } from '../config/formats/config-node.ts';
import { nearest } from '../suggest.ts';
import { give, oneOfEach, saysNothing } from './give.ts';
import { BESIDE_ROOT, KNOWN_KEYS, type KnownKey, ROOTS } from './known-keys.ts';
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
    const roots = Object.entries(tree).filter(([key]) => ROOTS.includes(key.toLowerCase()));
    const [first, second] = roots;
    if (first !== undefined && second !== undefined)
      this.#problem([second[0]], `There is a root block already, "${first[0]}". Put both into one.`, true);
    for (const [key, value] of roots) {
      const strictness = key.toLowerCase() === 'conclave' ? 'strict' : 'open';
      this.#members({ ...KNOWN_KEYS, unknown: strictness }, value, [key]);
    }
    const beside = Object.entries(tree).filter(
      ([key]) =>
        !ROOTS.includes(key.toLowerCase()) && (first === undefined || BESIDE_ROOT.has(key.toLowerCase())),
    );
    this.#members(KNOWN_KEYS, Object.fromEntries(beside), []);
  }

  #members(known: KnownKey, value: unknown, path: ConfigPath): void {
    if (saysNothing(value)) return;
    if (!isObject(value)) {
      const times = Array.isArray(value) ? value.length : 0;
      const message =
        times > 1 && (value as unknown[]).every(isObject)
          ? `This block is there ${times} times; there may be one.`
          : `This must be a block with keys: ${namesIn(known).join(', ')}.`;
      this.#problem(path, message, false);
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
      give(this.layer, {
        id: leaf.id,
        kind: leaf.name.kind,
        name: leaf.name,
        priority: leaf.priority,
        value,
        originOf,
      });
      return;
    }
    if (leaf.note === null) return;
    this.layer.notes.push({
      origin: { layer: 'file', path },
      message: `This has no effect. ${leaf.note}`,
      ofKey: true,
    });
  }

  #unknown(known: KnownKey, path: ConfigPath): void {
    const finding = unknownKey(known, String(path.at(-1)));
    if (finding === null) return;
    const told: Finding = { origin: { layer: 'file', path }, message: finding.message, ofKey: true };
    this.layer[finding.fatal ? 'problems' : 'notes'].push(told);
  }

  #problem(path: ConfigPath, message: string, ofKey: boolean): void {
    this.layer.problems.push({ origin: { layer: 'file', path }, message, ...(ofKey && { ofKey }) });
  }
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
