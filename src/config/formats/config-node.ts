import type { SourceText } from './source-text.ts';

/**
 * What every format makes of a file: a tree of values in which each knows where it stands and whether it came from
 * something secret. Values, places and redaction are all read off it, so they cannot disagree.
 */

/** Deeper values are refused, whatever the format. */
export const DEPTH_MAX = 64;

/** A plain value, as JSON has them. */
export type ConfigValue =
  null | boolean | number | string | readonly ConfigValue[] | { readonly [key: string]: ConfigValue };

/** Keys and indices that lead to a value. */
export type ConfigPath = readonly (string | number)[];

export interface Spot {
  readonly source: SourceText;
  /** Offsets of the first character and behind the last one. */
  readonly at: number;
  readonly end: number;
}

interface Tainted extends Spot {
  /** Made from a secret: never shown, nor anything in it. */
  readonly secret: boolean;
}

export interface ScalarNode extends Tainted {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

export interface ListNode extends Tainted {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
  /** A block that occurs more than once. */
  readonly blocks?: true;
}

export interface ObjectNode extends Tainted {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, Member>;
  /** The body of a block, or what its labels lead to. */
  readonly block?: 'body' | 'labels';
}

export type ConfigNode = ScalarNode | ListNode | ObjectNode;

export interface Member {
  /** Where the key stands. */
  readonly key: Spot;
  readonly node: ConfigNode;
}

/** A key that would reach into the prototype of the object; no format accepts it. */
export const FORBIDDEN_KEY = '__proto__';

export const forbiddenKeyMessage =
  'The key "__proto__" is not allowed, because it means something else to JavaScript; choose another name.';

/** The plain, deeply frozen value of a tree. */
export function valueOf(node: ConfigNode): ConfigValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return Object.freeze(node.items.map(valueOf));
  const entries = [...node.members].map(([key, member]) => [key, valueOf(member.node)] as const);
  return Object.freeze(Object.fromEntries(entries));
}

/** How far a path leads into a tree. */
export interface Reached {
  readonly node: ConfigNode;
  /** Where the last key that led there stands; null for the root and for items of lists. */
  readonly key: Spot | null;
  /** How many of its segments could be followed. */
  readonly depth: number;
}

export function follow(root: ConfigNode, path: ConfigPath): Reached {
  let reached: Reached = { node: root, key: null, depth: 0 };
  for (const segment of path) {
    const next = step(reached.node, segment);
    if (next === null) break;
    reached = { ...next, depth: reached.depth + 1 };
  }
  return reached;
}

function step(node: ConfigNode, segment: string | number): Omit<Reached, 'depth'> | null {
  if (node.kind === 'object') {
    const member = node.members.get(String(segment));
    return member === undefined ? null : { node: member.node, key: member.key };
  }
  if (node.kind === 'list') {
    const item = node.items[Number(segment)];
    return item === undefined ? null : { node: item, key: null };
  }
  return null;
}

/** Calls `visit` for a node and, if that answers true, for what is in it. */
export function walk(
  node: ConfigNode,
  visit: (node: ConfigNode, path: ConfigPath) => boolean,
  path: ConfigPath = [],
): void {
  if (!visit(node, path)) return;
  if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) walk(item, visit, [...path, index]);
  }
  if (node.kind === 'object') {
    for (const [key, member] of node.members) walk(member.node, visit, [...path, key]);
  }
}

const plainSegment = /^[\p{L}_][\p{L}\p{N}_-]*$/u;
/** Longer keys are cut where they are shown. */
const SEGMENT_SHOWN_MAX = 80;

/** A path as people write it: `server.tokens[0]["odd key"]`; the root is `(root)`. */
export function showPath(path: ConfigPath): string {
  if (path.length === 0) return '(root)';
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const short = segment.length > SEGMENT_SHOWN_MAX ? `${segment.slice(0, SEGMENT_SHOWN_MAX)}…` : segment;
      if (!plainSegment.test(short)) return `[${printable(JSON.stringify(short))}]`;
      return index === 0 ? short : `.${short}`;
    })
    .join('');
}

/** Text in which nothing can move a terminal's cursor or turn the direction of writing. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '·');
}
