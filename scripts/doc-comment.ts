/** A TSDoc comment, taken apart. */
export interface DocComment {
  /** What stands before the first tag, as Markdown; lines are kept. */
  readonly text: string;
  readonly params: readonly { readonly name: string; readonly text: string }[];
  readonly throws: readonly string[];
  readonly returns: string | null;
  readonly examples: readonly string[];
}

/** The `/** … *\/` that ends right before `start`, without its frame; null if there is none. */
export function commentBefore(source: string, start: number): string | null {
  const before = source.slice(0, start).trimEnd();
  if (!before.endsWith('*/')) return null;
  const from = before.lastIndexOf('/**');
  if (from < 0 || before.indexOf('*/', from) !== before.length - 2) return null;
  return before
    .slice(from + 3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();
}

/** Tags begin a line; what follows up to the next one is theirs. */
export function parseComment(comment: string): DocComment {
  const [text = '', ...tags] = comment.split(/^(?=@\w)/m).map((part) => part.trim());
  const of = (name: string) =>
    tags.flatMap((tag) => (tag.startsWith(`@${name}`) ? [tag.slice(name.length + 1).trim()] : []));
  const told = comment.startsWith('@') ? '' : text;
  return {
    text: plain(told),
    params: of('param').map((each) => {
      const [, name = '', about = ''] = /^(\S+)\s*(?:-\s*)?(.*)$/s.exec(each) ?? [];
      return { name, text: oneLine(about) };
    }),
    throws: of('throws').map(oneLine),
    returns: of('returns').map(oneLine)[0] ?? null,
    examples: of('example'),
  };
}

/** Its first sentence, for a list. */
export function summaryOf({ text }: DocComment): string {
  const paragraph = oneLine(text.split('\n\n')[0] ?? '');
  return /^.*?[.:](?= [A-Z`]|$)/.exec(paragraph)?.[0].replace(/:$/, '.') ?? paragraph;
}

const plain = (text: string): string => text.replaceAll(/\{@link ([^}]+)\}/g, '`$1`');
const oneLine = (text: string): string =>
  plain(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
