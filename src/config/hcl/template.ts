import { Unreadable } from '../formats/unreadable.ts';
import { charactersOf } from '../formats/source-text.ts';
import { endOfLine, identifierPattern, stripMarker } from './lexer.ts';
import type { Expression, TemplatePart } from './syntax.ts';

/** Strings and heredocs: text, escapes, and `${}` in between. */

/** What the inside of a template needs of the parser around it. */
export interface TemplateContext {
  readonly text: string;
  /** Reads the expression that begins at `at`, up to its `}`; answers it and the offset behind the brace. */
  interpolation(at: number): readonly [expression: Expression, end: number];
}

export interface TemplateRead {
  readonly parts: readonly TemplatePart[];
  readonly end: number;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/** Collects parts; text that follows text is one part. */
class Parts {
  readonly parts: TemplatePart[] = [];
  #text = '';
  #at = 0;

  text(text: string, at: number): void {
    if (this.#text === '') this.#at = at;
    this.#text += text;
  }

  interpolation(expression: Expression): void {
    this.flush();
    this.parts.push({ kind: 'interpolation', expression });
  }

  flush(): void {
    if (this.#text !== '') this.parts.push({ kind: 'text', text: this.#text, at: this.#at });
    this.#text = '';
  }
}

/** Reads a string from behind its opening quote. */
export function readQuoted(context: TemplateContext, opening: number): TemplateRead {
  const { text } = context;
  const parts = new Parts();
  let at = opening + 1;
  for (;;) {
    const plain = spanWithout(text, at, quotedStops);
    parts.text(text.slice(at, plain), at);
    at = plain;
    const first = text[at];
    if (first === undefined || first === '\n') {
      throw new Unreadable(
        'SYNTAX',
        opening,
        'This string is not closed on its line. End it with a double quote.',
      );
    }
    if (first === '"') break;
    if (first === '\\') {
      const [character, end] = readEscape(text, at);
      parts.text(character, at);
      at = end;
    } else at = readMarker(context, parts, at);
  }
  parts.flush();
  return { parts: parts.parts, end: at + 1 };
}

const quotedStops = new Set(['"', '\\', '\n', '$', '%']);
const heredocStops = new Set(['$', '%']);

/** Offset of the first of these characters, not looking beyond the limit: there may be many lines without one. */
function spanWithout(text: string, from: number, stops: ReadonlySet<string>, limit = text.length): number {
  let at = from;
  while (at < limit && !stops.has(text[at] ?? '')) at += 1;
  return at;
}

/** At a `$` or `%`: an interpolation, an escaped one, or just that character. */
function readMarker(context: TemplateContext, parts: Parts, at: number): number {
  const { text } = context;
  const sign = text[at] ?? '';
  if (text.startsWith(`${sign}${sign}{`, at)) {
    parts.text(`${sign}{`, at);
    return at + 3;
  }
  if (text[at + 1] !== '{') {
    parts.text(sign, at);
    return at + 1;
  }
  if (sign === '%') {
    throw new Unreadable(
      'UNSUPPORTED',
      at,
      'Template directives (%{ }) are not supported. Write the value out, or %%{ for the characters themselves.',
    );
  }
  if (text[at + 2] === '~') throw stripMarker(at + 2);
  const [expression, end] = context.interpolation(at + 2);
  parts.interpolation(expression);
  return end;
}

function readEscape(text: string, at: number): readonly [character: string, end: number] {
  const letter = text[at + 1] ?? '';
  const simple = escapes[letter];
  if (simple !== undefined) return [simple, at + 2];
  const digits = letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
  const hex = text.slice(at + 2, at + 2 + digits);
  if (digits === 0 || !/^[0-9a-fA-F]+$/.test(hex) || hex.length !== digits) {
    throw new Unreadable(
      'SYNTAX',
      at,
      'There is no such escape. Those there are: \\n \\r \\t \\" \\\\ \\uNNNN \\UNNNNNNNN; write \\\\ for a backslash.',
    );
  }
  const code = Number.parseInt(hex, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw new Unreadable(
      'SYNTAX',
      at,
      'This is not the number of a character. Use \\UNNNNNNNN above \\uFFFF.',
    );
  }
  return [String.fromCodePoint(code), at + 2 + digits];
}

/** Reads a heredoc from its `<<`; ends before the line break behind its closing marker. */
export function readHeredoc(context: TemplateContext, opening: number): TemplateRead {
  const { text } = context;
  const indented = text[opening + 2] === '-';
  const markerAt = opening + (indented ? 3 : 2);
  identifierPattern.lastIndex = markerAt;
  const marker = identifierPattern.exec(text)?.[0] ?? '';
  const lineEnd = endOfLine(text, markerAt);
  if (marker === '' || markerAt + marker.length !== lineEnd || lineEnd === text.length) {
    const message = 'A heredoc begins with << or <<-, a marker such as EOT, and the end of the line.';
    throw new Unreadable('SYNTAX', opening, message);
  }
  const lines: TemplatePart[][] = [];
  let at = behindLineBreak(text, lineEnd);
  for (;;) {
    if (at >= text.length) {
      throw new Unreadable(
        'SYNTAX',
        opening,
        'This heredoc is not closed: its marker never stands alone on a line that ends with a line break.',
      );
    }
    const end = endOfLine(text, at);
    // Without a line break behind it, the marker may be the beginning of a word in a file that was cut off.
    if (end < text.length && text.slice(at, end).trim() === marker) {
      const parts = (indented ? withoutIndentation(lines) : lines).flat();
      return { parts, end };
    }
    const line = readHeredocLine(context, at);
    lines.push(line.parts);
    at = line.end;
  }
}

/** A line of a heredoc with its line break; an interpolation may make it span several lines of the text. */
function readHeredocLine(
  context: TemplateContext,
  start: number,
): { readonly parts: TemplatePart[]; readonly end: number } {
  const { text } = context;
  const parts = new Parts();
  let at = start;
  for (;;) {
    const end = endOfLine(text, at);
    const stop = spanWithout(text, at, heredocStops, end);
    parts.text(text.slice(at, stop), at);
    at = stop;
    if (at < end) {
      at = readMarker(context, parts, at);
      continue;
    }
    // However lines end in the file, they end in \n in the value.
    if (end < text.length) parts.text('\n', end);
    parts.flush();
    return { parts: parts.parts, end: end < text.length ? behindLineBreak(text, end) : end };
  }
}

function behindLineBreak(text: string, at: number): number {
  return text[at] === '\r' ? at + 2 : at + 1;
}

/** Takes the indentation that all lines share from each; blank lines neither count nor change. */
function withoutIndentation(
  lines: readonly (readonly TemplatePart[])[],
): readonly (readonly TemplatePart[])[] {
  const indentations = lines.filter((line) => !isBlank(line)).map(indentationOf);
  const shared = indentations.length === 0 ? 0 : indentations.reduce((one, other) => Math.min(one, other));
  if (shared === 0) return lines;
  return lines.map((line) => {
    const [first, ...rest] = line;
    if (isBlank(line) || first?.kind !== 'text') return line;
    const text = charactersOf(first.text).slice(shared).join('');
    return text === '' ? rest : [{ ...first, text }, ...rest];
  });
}

function isBlank(line: readonly TemplatePart[]): boolean {
  const [first] = line;
  return line.length === 1 && first?.kind === 'text' && first.text.trim() === '';
}

function indentationOf(line: readonly TemplatePart[]): number {
  const [first] = line;
  if (first?.kind !== 'text') return 0;
  return charactersOf(/^\s*/u.exec(first.text)?.[0] ?? '').length;
}
