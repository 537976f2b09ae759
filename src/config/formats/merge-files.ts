import { type ConfigDiagnostic, diagnosticAt } from '../diagnostic.ts';
import { PROBLEMS_MAX } from './config-format.ts';
import type { ConfigNode, ConfigPath, Member, ObjectNode } from './config-node.ts';
import { type SecretDeclarations, Secrets } from '../redact.ts';

/**
 * Several files as one configuration. Objects are united, key by key, and so are blocks without labels; blocks with
 * the same labels, and blocks of which a file has several, follow each other in a list. Any other key that two files
 * define is an error that names both places, for nobody can see which of the two was meant.
 */
export function mergeFiles(roots: readonly ObjectNode[], declarations: SecretDeclarations = {}): Merged {
  const [first, ...rest] = roots;
  if (first === undefined) return { node: null, diagnostics: [] };
  const diagnostics: ConfigDiagnostic[] = [];
  let node = first;
  for (const next of rest) node = new Merging(next, declarations, diagnostics).united(node, next, []);
  return { node: diagnostics.length === 0 ? node : null, diagnostics };
}

export interface Merged {
  readonly node: ObjectNode | null;
  readonly diagnostics: readonly ConfigDiagnostic[];
}

class Merging {
  readonly #added: ObjectNode;
  readonly #declarations: SecretDeclarations;
  #secrets: Secrets | null = null;
  readonly #diagnostics: ConfigDiagnostic[];

  constructor(added: ObjectNode, declarations: SecretDeclarations, diagnostics: ConfigDiagnostic[]) {
    this.#added = added;
    this.#declarations = declarations;
    this.#diagnostics = diagnostics;
  }

  united(one: ObjectNode, other: ObjectNode, path: ConfigPath): ObjectNode {
    const members = new Map(one.members);
    const underLabel = one.block === 'labels' && other.block === 'labels';
    for (const [key, member] of other.members) {
      const existing = members.get(key);
      if (existing === undefined) members.set(key, member);
      else members.set(key, { ...existing, node: this.#both(existing, member, underLabel, [...path, key]) });
    }
    return { ...one, members, secret: one.secret || other.secret };
  }

  #both(one: Member, other: Member, underLabel: boolean, path: ConfigPath): ConfigNode {
    const first = bodiesOf(one.node);
    const second = bodiesOf(other.node);
    if (first !== null && second !== null && (underLabel || first.length + second.length > 2)) {
      const { source, at, end } = one.node;
      return { kind: 'list', blocks: true, items: [...first, ...second], secret: false, source, at, end };
    }
    const [left, right] = [one.node, other.node];
    if (left.kind === 'object' && right.kind === 'object') return this.united(left, right, path);
    this.#refuse(one, other, path);
    return left;
  }

  #refuse(one: Member, other: Member, path: ConfigPath): void {
    if (this.#diagnostics.length >= PROBLEMS_MAX) return;
    const { file, line, column } = one.key.source.place(one.key.at);
    const { source, at } = other.key;
    const message = `This is already defined at ${file}:${line}:${column}. Remove one of the two.`;
    this.#secrets ??= new Secrets(this.#added, this.#declarations);
    this.#diagnostics.push(
      diagnosticAt({
        stage: 'parsing',
        code: 'DUPLICATE_KEY',
        message,
        source,
        at,
        path: this.#secrets.shownPath(path),
        hidden: this.#secrets.hiddenAt(source, at),
      }),
    );
  }
}

/** The bodies of blocks of one name; null if it is no block, or one with labels. */
function bodiesOf(node: ConfigNode): readonly ConfigNode[] | null {
  if (node.kind === 'list') return node.blocks === true ? node.items : null;
  return node.kind === 'object' && node.block === 'body' ? [node] : null;
}
