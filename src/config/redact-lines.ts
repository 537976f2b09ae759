import { type ConfigNode, type Spot, walk } from './formats/config-node.ts';
import type { Hidden } from './diagnostic.ts';
import type { SourceText } from './formats/source-text.ts';
import { looksSecret, mayAssignSecret } from './redact-names.ts';
import { consistsOf, type Vocabulary } from './redact-vocabulary.ts';

/** What of a line is neither a key nor a value: comments above all, in which anything may stand, an older password too. */

type Line = readonly [start: number, end: number];

interface Span {
  readonly at: number;
  readonly end: number;
  /** Its name, if it is a key. */
  readonly key: string | null;
}

/** Where keys and plain values of a tree stand. */
export class TreeSpans {
  readonly #root: ConfigNode;
  #bySource: ReadonlyMap<SourceText, readonly Span[]> | null = null;

  constructor(root: ConfigNode) {
    this.#root = root;
  }

  /** In the order of their places. */
  on(source: SourceText, [start, end]: Line): readonly Span[] {
    this.#bySource ??= spansOf(this.#root);
    return (this.#bySource.get(source) ?? [])
      .filter((span) => span.at < end && span.end > start)
      .toSorted((one, other) => one.at - other.at);
  }
}

function spansOf(root: ConfigNode): ReadonlyMap<SourceText, readonly Span[]> {
  const spans = new Map<SourceText, Span[]>();
  const add = ({ source, at, end }: Spot, key: string | null): void => {
    const those = spans.get(source) ?? [];
    those.push({ at, end, key });
    spans.set(source, those);
  };
  walk(root, (node) => {
    if (node.kind === 'scalar') add(node, null);
    if (node.kind === 'object') for (const [key, member] of node.members) add(member.key, key);
    return true;
  });
  return spans;
}

/** The stretches between the spans of a line that must not be shown. */
export function hiddenBetween(
  text: string,
  [start, end]: Line,
  spans: readonly Omit<Span, 'key'>[],
  vocabulary: Vocabulary | null,
): readonly Hidden[] {
  const isPlain = (between: string) =>
    vocabulary === null
      ? !mayAssignSecret(between) && !looksSecret(between)
      : consistsOf(between, vocabulary);
  const hidden: Hidden[] = [];
  let done = start;
  for (const span of [...spans, { at: end, end }]) {
    const between = text.slice(done, Math.max(done, span.at));
    const words = between.trim();
    if (!isPlain(words)) {
      const at = done + between.indexOf(words);
      hidden.push([at, at + words.length]);
    }
    done = Math.max(done, span.end);
  }
  return hidden;
}
