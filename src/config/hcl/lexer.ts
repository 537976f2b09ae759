import { Unreadable } from '../formats/unreadable.ts';

/**
 * Cuts the text into tokens, one at a time and where asked, because what a character means depends on where the parser
 * is: line breaks count in a body and not in a list, and the inside of a string is the template's business.
 */

export type TokenKind = 'identifier' | 'number' | 'quote' | 'heredoc' | 'newline' | 'end' | 'punctuation';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

export const identifierPattern = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const numberPattern = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const punctuationPattern = /\.\.\.|==|!=|<=|>=|&&|\|\||=>|::|[-{}[\]().,:?=<>+*/%!]/y;

export class Lexer {
  readonly text: string;
  /** Where the next token begins, or what is skipped before it. */
  position = 0;
  #peeked: { readonly from: number; readonly newlines: boolean; readonly token: Token } | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** The next token, left where it is. With `newlines`, a line break is one. */
  peek(newlines: boolean): Token {
    const peeked = this.#peeked;
    if (peeked !== null && peeked.from === this.position && peeked.newlines === newlines) return peeked.token;
    const token = this.#scan(newlines);
    this.#peeked = { from: this.position, newlines, token };
    return token;
  }

  next(newlines: boolean): Token {
    const token = this.peek(newlines);
    this.position = token.end;
    return token;
  }

  #scan(newlines: boolean): Token {
    const at = this.#skip(newlines);
    const { text } = this;
    if (at >= text.length) return { kind: 'end', text: '', at, end: at };
    const first = text[at] ?? '';
    if (first === '\n' || first === '\r') {
      const end = first === '\r' ? at + 2 : at + 1;
      return { kind: 'newline', text: '\n', at, end };
    }
    if (first === '"') return { kind: 'quote', text: first, at, end: at + 1 };
    if (text.startsWith('<<', at)) return { kind: 'heredoc', text: '<<', at, end: at + 2 };
    return (
      this.#match('identifier', identifierPattern, at) ??
      this.#match('number', numberPattern, at) ??
      this.#match('punctuation', punctuationPattern, at) ??
      refuse(first, at)
    );
  }

  #match(kind: TokenKind, pattern: RegExp, at: number): Token | null {
    pattern.lastIndex = at;
    const text = pattern.exec(this.text)?.[0];
    return text === undefined ? null : { kind, text, at, end: at + text.length };
  }

  /** Offset behind blanks, comments and, unless they count, line breaks. */
  #skip(newlines: boolean): number {
    const { text } = this;
    let at = this.position;
    for (;;) {
      const first = text[at];
      const two = text.slice(at, at + 2);
      if (first === ' ' || first === '\t' || (!newlines && first === '\n')) at += 1;
      else if (two === '\r\n' && !newlines) at += 2;
      else if (first === '#' || two === '//') at = endOfLine(text, at);
      else if (two === '/*') at = this.#blockCommentEnd(at);
      else if (first === '\r' && two !== '\r\n') {
        throw new Unreadable(
          'SYNTAX',
          at,
          'A carriage return without a line feed. End lines with \\n or \\r\\n.',
        );
      } else return at;
    }
  }

  #blockCommentEnd(at: number): number {
    const end = this.text.indexOf('*/', at + 2);
    if (end === -1) throw new Unreadable('SYNTAX', at, 'This comment is not closed. End it with */.');
    return end + 2;
  }
}

/** Offset of the line break that ends the line, or of the end of the text. */
export function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' && end - 1 >= at ? end - 1 : end;
}

const refusals: Readonly<Record<string, string>> = {
  "'": 'Single quotes do not quote here. Use double quotes.',
  '`': 'Backquotes do not quote here. Use double quotes, or <<EOT for several lines.',
  ';': 'A semicolon has no meaning here. Put each attribute on a line of its own.',
  '“': 'A typographic quote does not quote. Use a plain double quote.',
  '”': 'A typographic quote does not quote. Use a plain double quote.',
  '&': 'A single & has no meaning here. Use && for "and".',
  '|': 'A single | has no meaning here. Use || for "or".',
};

export function stripMarker(at: number): Unreadable {
  return new Unreadable('UNSUPPORTED', at, 'Strip markers (~) are not supported. Use trimspace() instead.');
}

function refuse(first: string, at: number): never {
  if (first === '~') throw stripMarker(at);
  throw new Unreadable('SYNTAX', at, refusals[first] ?? 'This character has no meaning here.');
}
