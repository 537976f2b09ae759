import type { ConfigNode, ConfigPath, ListNode, Member, ObjectNode } from './formats/config-node.ts';
import type { Shape } from './validate-schema.ts';

/**
 * A block that stands in a file once may be the one there can be, or the only one of several. HCL does not tell; the
 * schema does. So a single block becomes a list of one where the schema takes nothing but a list.
 */
export function shapeBlocks(root: ObjectNode, shape: Shape | null): ObjectNode {
  return shape === null ? root : inside(root, shape);
}

function inside(node: ObjectNode, shape: Shape): ObjectNode {
  const members = new Map<string, Member>();
  for (const [key, member] of node.members) {
    const at = shape.at(key);
    members.set(key, at === null ? member : { ...member, node: shaped(member.node, at) });
  }
  return { ...node, members };
}

function shaped(node: ConfigNode, shape: Shape): ConfigNode {
  if (node.kind === 'scalar') return node;
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => shapedItem(item, shape)) };
  if (node.block === 'body' && shape.takesList && !shape.takesObject) {
    const { source, at, end } = node;
    const list: ListNode = {
      kind: 'list',
      items: [shapedItem(node, shape)],
      blocks: true,
      secret: false,
      source,
      at,
      end,
    };
    return list;
  }
  return inside(node, shape);
}

function shapedItem(item: ConfigNode, list: Shape): ConfigNode {
  const shape = list.at(0);
  return shape === null ? item : shaped(item, shape);
}

/** A block that stands in the files several times, where the schema takes one. */
export interface Repeated {
  readonly path: ConfigPath;
  readonly blocks: readonly ConfigNode[];
}

export function repeatedBlocks(
  node: ConfigNode,
  shape: Shape | null,
  path: ConfigPath = [],
): readonly Repeated[] {
  if (shape === null || node.kind === 'scalar') return [];
  if (node.kind === 'list') {
    if (node.blocks === true && shape.takesObject && !shape.takesList) return [{ path, blocks: node.items }];
    return node.items.flatMap((item, index) => repeatedBlocks(item, shape.at(index), [...path, index]));
  }
  return [...node.members].flatMap(([key, member]) =>
    repeatedBlocks(member.node, shape.at(key), [...path, key]),
  );
}
