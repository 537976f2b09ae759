import { Unreadable } from '../formats/unreadable.ts';
import {
  type ConfigNode,
  FORBIDDEN_KEY,
  forbiddenKeyMessage,
  type ListNode,
  type Member,
  type ObjectNode,
} from '../formats/config-node.ts';
import type { SourceText } from '../formats/source-text.ts';
import { duplicateKey } from './evaluate.ts';
import type { Attribute, Block, Body, Expression, Name } from './syntax.ts';

/**
 * Bodies as values. An attribute is a key. A block without labels is a key with an object; if it occurs more than
 * once, with a list of objects. Each label is one more key on the way: `cache "redis" { … }` is `cache.redis`.
 */

export interface BodyReader {
  readonly source: SourceText;
  /** The value of an attribute, or null where it could not be had; whoever reads has noted why. */
  value(expression: Expression): ConfigNode | null;
  /** Notes a problem and goes on. */
  problem(error: Unreadable): void;
  /** No more problems are told, so there is no use in going on. */
  readonly full: boolean;
}

export function objectOf(body: Body, reader: BodyReader): ObjectNode {
  const members = new Map<string, Member>();
  for (const item of body.items) {
    if (reader.full) break;
    try {
      if (item.kind === 'attribute') addAttribute(members, item, reader);
      else addBlock(members, item, reader);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      reader.problem(error);
    }
  }
  const { at, end } = body;
  return { kind: 'object', members, block: 'body', secret: false, source: reader.source, at, end };
}

function addAttribute(members: Map<string, Member>, { name, value }: Attribute, reader: BodyReader): void {
  const existing = members.get(allowed(name));
  if (existing !== undefined) throw duplicateKey(reader.source, name.at, existing);
  const node = reader.value(value);
  // Even a value that could not be had takes its name, so that a second one is told as what it is.
  members.set(name.text, { key: spot(name, reader), node: node ?? nothing(value, reader) });
}

function addBlock(members: Map<string, Member>, block: Block, reader: BodyReader): void {
  const path = [block.type, ...block.labels];
  const last = path.length - 1;
  let level = members;
  for (const [index, name] of path.entries()) {
    const existing = level.get(allowed(name));
    if (index === last) {
      const body = objectOf(block.body, reader);
      level.set(name.text, {
        key: existing?.key ?? spot(name, reader),
        node: beside(existing, body, name, reader),
      });
      return;
    }
    level = labelled(level, existing, name, block, reader);
  }
}

function allowed(name: Name): string {
  if (name.text === FORBIDDEN_KEY) throw new Unreadable('VALUE', name.at, forbiddenKeyMessage);
  return name.text;
}

/** A body where there may be others of the same name already. */
function beside(existing: Member | undefined, body: ObjectNode, name: Name, reader: BodyReader): ConfigNode {
  const before = existing?.node;
  if (before === undefined) return body;
  if (before.kind === 'list' && before.blocks === true) {
    // The list was made here and is seen by nobody else until the whole file is read.
    (before.items as ConfigNode[]).push(body);
    return before;
  }
  if (before.kind === 'object' && before.block === 'body') {
    const { source, at, end } = before;
    const list: ListNode = {
      kind: 'list',
      items: [before, body],
      blocks: true,
      secret: false,
      source,
      at,
      end,
    };
    return list;
  }
  throw mismatch(existing, name, reader);
}

/** The level that a label leads to. */
function labelled(
  level: Map<string, Member>,
  existing: Member | undefined,
  name: Name,
  block: Block,
  reader: BodyReader,
): Map<string, Member> {
  if (existing !== undefined) {
    const { node } = existing;
    if (node.kind === 'object' && node.block === 'labels') return node.members as Map<string, Member>;
    throw mismatch(existing, name, reader);
  }
  const members = new Map<string, Member>();
  const { at, end } = block;
  const node: ObjectNode = {
    kind: 'object',
    members,
    block: 'labels',
    secret: false,
    source: reader.source,
    at,
    end,
  };
  level.set(name.text, { key: spot(name, reader), node });
  return members;
}

function mismatch(existing: Member | undefined, name: Name, reader: BodyReader): Unreadable {
  const line = existing === undefined ? '?' : reader.source.place(existing.key.at).line;
  const node = existing?.node;
  const isBlock =
    (node?.kind === 'object' && node.block !== undefined) || (node?.kind === 'list' && node.blocks === true);
  const was = isBlock ? 'as a block with another number of labels' : 'as an attribute';
  return new Unreadable(
    'DUPLICATE_KEY',
    name.at,
    `This name was already used on line ${line} ${was}. Rename one of the two.`,
  );
}

function spot(name: Name, reader: BodyReader) {
  return { source: reader.source, at: name.at, end: name.end };
}

function nothing(value: Expression, reader: BodyReader): ConfigNode {
  return { kind: 'scalar', value: null, secret: true, source: reader.source, at: value.at, end: value.end };
}
