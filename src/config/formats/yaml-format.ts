import { isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import type { ConfigFormat } from './config-format.ts';
import {
  type ConfigNode,
  DEPTH_MAX,
  FORBIDDEN_KEY,
  forbiddenKeyMessage,
  type Member,
} from './config-node.ts';
import { definedTwice } from './json-format.ts';
import { heldNumber, heldText, tooDeep } from './plain-scalar.ts';
import type { SourceText } from './source-text.ts';
import { hiddenOfUnread, Unreadable } from './unreadable.ts';
import { yamlErrorMessage } from './yaml-messages.ts';

/** YAML 1.2: `yes` and `no` are texts. One document; anchors, aliases and `<<` within limits; no tags of one's own. */
export const yamlFormat: ConfigFormat = {
  name: 'yaml',
  extensions: ['.yaml', '.yml'],
  read(source) {
    try {
      return { node: readYaml(source), diagnostics: [] };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { node: null, diagnostics: [error.diagnostic(source, hiddenOfUnread(source, error.at))] };
    }
  },
};

/** Values that come into being through aliases; without a limit, a few lines make billions. */
export const ALIASED_VALUES_MAX = 10_000;

function readYaml(source: SourceText): ConfigNode {
  refuseFlowDepth(source.text);
  const document = parse(source.text);
  const [problem] = [...document.errors, ...document.warnings].toSorted(
    (one, other) => one.pos[0] - other.pos[0],
  );
  if (problem !== undefined) {
    const code = problem.code === 'TAG_RESOLVE_FAILED' ? 'UNSUPPORTED' : 'SYNTAX';
    throw new Unreadable(code, problem.pos[0], yamlErrorMessage(problem.code));
  }
  if (document.contents === null) throw new Unreadable('VALUE', 0, 'There is no value in this file.');
  return new Building(source).node(document.contents, 0, 0);
}

function parse(text: string) {
  try {
    return parseDocument(text, {
      intAsBigInt: true,
      // Quieter, and a second document would be passed over.
      logLevel: 'error',
      prettyErrors: false,
      stringKeys: false,
      // Looked for here: the library compares each key with all the others.
      uniqueKeys: false,
    });
  } catch (error) {
    // The library calls itself for each level.
    if (error instanceof RangeError) throw tooDeep(0);
    throw error;
  }
}

/** Far beyond the limit of levels, whatever stands in texts; keeps the library from going that deep. */
const BRACKETS_MAX = 2000;

function refuseFlowDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '[' || character === '{') depth += 1;
    else if ((character === ']' || character === '}') && depth > 0) depth -= 1;
    if (depth > BRACKETS_MAX) throw tooDeep(at);
  }
}

class Building {
  readonly #source: SourceText;
  readonly #anchors = new Map<string, unknown>();
  /** How many aliases we are inside of. */
  #aliases = 0;
  #aliased = 0;

  constructor(source: SourceText) {
    this.#source = source;
  }

  /** `fallback` is where an empty value stands. */
  node(yaml: unknown, fallback: number, depth: number): ConfigNode {
    const [at, end] = rangeOf(yaml, fallback);
    if (depth > DEPTH_MAX) throw tooDeep(at);
    if (this.#aliases > 0 && (this.#aliased += 1) > ALIASED_VALUES_MAX) {
      throw new Unreadable('LIMIT', at, `Aliases make more than ${ALIASED_VALUES_MAX} values.`);
    }
    if (isAlias(yaml)) return { ...this.#alias(yaml.source, at, depth), at, end };
    const node = this.#value(yaml, { source: this.#source, at, end, secret: false }, depth);
    // Only now, so that an alias inside does not find what it is part of.
    if (hasAnchor(yaml)) this.#anchors.set(yaml.anchor, yaml);
    return node;
  }

  #value(yaml: unknown, spot: Omit<ConfigNode, 'kind'>, depth: number): ConfigNode {
    if (isMap(yaml)) return { ...spot, kind: 'object', members: this.#members(yaml, depth) };
    if (isSeq(yaml)) {
      const items = yaml.items.map((item) => this.node(item, spot.at, depth + 1));
      return { ...spot, kind: 'list', items };
    }
    return { ...spot, kind: 'scalar', value: isScalar(yaml) ? scalarValue(yaml, spot.at) : null };
  }

  #alias(name: string, at: number, depth: number): ConfigNode {
    const yaml = this.#anchors.get(name);
    if (yaml === undefined)
      throw new Unreadable('SYNTAX', at, 'There is no anchor of this name before this place.');
    this.#aliases += 1;
    const node = this.node(yaml, at, depth);
    this.#aliases -= 1;
    return node;
  }

  #members(map: YAMLMap, depth: number): Map<string, Member> {
    const members = new Map<string, Member>();
    const merged: Pair[] = [];
    for (const pair of map.items) {
      const [at, end] = rangeOf(pair.key, 0);
      const key = keyOf(pair.key, at);
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(pair);
        continue;
      }
      const first = members.get(key);
      if (first !== undefined) throw definedTwice(this.#source, at, first);
      members.set(key, {
        key: { source: this.#source, at, end },
        node: this.node(pair.value, end, depth + 1),
      });
    }
    for (const { key, value } of merged) this.#merge(members, value, rangeOf(key, 0)[0], depth);
    return members;
  }

  /** What `<<` names gives way to what the object says itself, and to what was named before. */
  #merge(members: Map<string, Member>, value: unknown, at: number, depth: number): void {
    const node = this.node(value, at, depth);
    for (const each of node.kind === 'list' ? node.items : [node]) {
      if (each.kind !== 'object')
        throw new Unreadable('VALUE', at, 'Behind << goes an alias of an object, or a list of them.');
      for (const [key, member] of each.members) if (!members.has(key)) members.set(key, member);
    }
  }
}

function keyOf(yaml: unknown, at: number): string {
  const value = isScalar(yaml) ? yaml.value : undefined;
  const key =
    typeof value === 'string' ? value : isScalar(yaml) && value !== null ? (yaml.source ?? '') : null;
  if (key === null)
    throw new Unreadable(
      'UNSUPPORTED',
      at,
      'A key is a plain text; lists, objects, aliases and nothing are none.',
    );
  if (key === FORBIDDEN_KEY) throw new Unreadable('VALUE', at, forbiddenKeyMessage);
  return heldText(key, at);
}

function scalarValue(scalar: Scalar, at: number): string | number | boolean | null {
  const { value } = scalar;
  if (typeof value === 'string') return heldText(value, at);
  if (typeof value === 'number' || typeof value === 'bigint') return heldNumber(value, at);
  if (typeof value === 'boolean' || value === null) return value;
  throw new Unreadable('UNSUPPORTED', at, 'This kind of value is not supported. Put it in quotes.');
}

function rangeOf(yaml: unknown, fallback: number): readonly [at: number, end: number] {
  const range = typeof yaml === 'object' && yaml !== null && 'range' in yaml ? yaml.range : null;
  if (!Array.isArray(range)) return [fallback, fallback];
  const [at, end] = range as number[];
  return [at ?? fallback, end ?? fallback];
}

function hasAnchor(yaml: unknown): yaml is { readonly anchor: string } {
  return typeof yaml === 'object' && yaml !== null && 'anchor' in yaml && typeof yaml.anchor === 'string';
}
