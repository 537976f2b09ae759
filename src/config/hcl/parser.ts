import { Unreadable } from '../formats/unreadable.ts';
import type { Hidden } from '../diagnostic.ts';
import { isSecretName, mayAssignSecret } from '../redact-names.ts';
import { ExpressionParser } from './expressions.ts';
import { endOfLine, type Token } from './lexer.ts';
import type { Attribute, Block, Body, Name } from './syntax.ts';

/**
 * Reads a whole text: attributes and blocks. It stops at the first error.
 *
 * Guarantee: an error tells which stretches of the text hold secrets by the names they stand under, whole or begun,
 * so that the line of the error can be shown without them.
 */

export type Parsed =
  | { readonly body: Body; readonly error: null; readonly hidden: readonly Hidden[] }
  | { readonly body: null; readonly error: Unreadable; readonly hidden: readonly Hidden[] };

export function parseHcl(text: string): Parsed {
  const parser = new BodyParser(text);
  try {
    return { body: parser.file(), error: null, hidden: parser.secretValues };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { body: null, error, hidden: parser.hiddenAround(error.at) };
  }
}

/** Each label is a level of the value. */
const LABELS_MAX = 8;

class BodyParser extends ExpressionParser {
  /** Values under secret names that were read. */
  readonly secretValues: Hidden[] = [];
  /** Where the outermost value under a secret name began that is still being read. */
  #secretSince: number | null = null;

  file(): Body {
    const body = this.#body('end');
    return { ...body, at: 0, end: this.lexer.text.length };
  }

  hiddenAround(at: number): readonly Hidden[] {
    const { text } = this.lexer;
    const end = endOfLine(text, at);
    const hidden = [...this.secretValues];
    if (this.#secretSince !== null) hidden.push([Math.min(this.#secretSince, at), text.length]);
    // Nothing is known of what was not read yet, so a name that comes later on the line hides the rest of it.
    if (mayAssignSecret(text.slice(text.lastIndexOf('\n', at - 1) + 1, end))) {
      hidden.push(...this.#assigned(at, end));
    }
    return hidden;
  }

  /** What the line of the error assigns, as far as it was not read. */
  #assigned(at: number, end: number): readonly Hidden[] {
    const { text } = this.lexer;
    const lineStart = text.lastIndexOf('\n', at - 1) + 1;
    const sign = /[=:{"']/.exec(text.slice(lineStart, end));
    return sign === null ? [[lineStart, text.length]] : [[lineStart + sign.index + 1, text.length]];
  }

  protected override named<Result>(name: string, at: number, read: () => Result): Result {
    if (this.#secretSince !== null || !isSecretName(name)) return read();
    this.#secretSince = at;
    const result = read();
    this.secretValues.push([at, this.lexer.position]);
    this.#secretSince = null;
    return result;
  }

  #body(closing: 'end' | '}'): Body {
    const items: (Attribute | Block)[] = [];
    const { at } = this.peek();
    for (;;) {
      const token = this.peek();
      if (token.kind === 'newline') this.next();
      else if (closing === 'end' ? token.kind === 'end' : this.sees('}')) {
        this.next();
        return { items, at, end: token.end };
      } else if (token.kind === 'identifier') {
        items.push(this.#item(this.next()));
        this.#endOfItem(closing);
      } else throw new Unreadable('SYNTAX', token.at, this.#notAnItem(token));
    }
  }

  #notAnItem(token: Token): string {
    if (token.kind === 'end') return 'A block is not closed. End it with }.';
    if (token.kind === 'quote') return 'A name at the beginning of a line is written without quotes.';
    if (token.text === '}') return 'There is no block that this } could close.';
    return 'Here goes a name: of an attribute (name = value) or of a block (name { … }).';
  }

  #item(name: Token): Attribute | Block {
    if (this.sees('=')) {
      this.next();
      const value = this.named(name.text, this.peek().at, () => this.expression());
      return { kind: 'attribute', name, value };
    }
    return this.#block(name);
  }

  #endOfItem(closing: 'end' | '}'): void {
    const token = this.peek();
    if (token.kind === 'newline') this.next();
    else if (token.kind !== 'end') {
      const message =
        closing === '}' && this.sees('}')
          ? 'Put the } on a line of its own, for the block did not begin on this line.'
          : 'Here the line should end. Put each attribute and each block on a line of its own.';
      throw new Unreadable('SYNTAX', token.at, message);
    }
  }

  #block(type: Token): Block {
    const labels: Name[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === 'identifier') labels.push(this.next());
      else if (token.kind === 'quote') labels.push(this.#quotedLabel());
      else break;
      if (labels.length > LABELS_MAX) {
        throw new Unreadable('LIMIT', token.at, `A block has at most ${LABELS_MAX} labels.`);
      }
    }
    const token = this.peek();
    if (!this.sees('{')) {
      const message =
        token.text === ':'
          ? 'Between a name and its value goes =.'
          : 'Behind a name goes = and a value, or { and the attributes of a block.';
      throw new Unreadable('SYNTAX', token.at, message);
    }
    const secretName = [type, ...labels].map(({ text }) => text).find(isSecretName) ?? '';
    const body = this.named(secretName, token.at, () => this.nested(true, () => this.#braces()));
    return { kind: 'block', type, labels, body, at: type.at, end: body.end };
  }

  #quotedLabel(): Name {
    const label = this.expression();
    if (label.kind === 'literal' && typeof label.value === 'string') {
      return { text: label.value, at: label.at, end: label.end };
    }
    throw new Unreadable('UNSUPPORTED', label.at, 'A label is a plain string, without ${} or operators.');
  }

  #braces(): Body {
    const opening = this.next();
    const first = this.peek();
    if (first.kind === 'newline') {
      this.next();
      return { ...this.#body('}'), at: opening.at };
    }
    const items: Attribute[] = [];
    while (!this.sees('}')) items.push(this.#attributeInLine());
    const { end } = this.next();
    return { items, at: opening.at, end };
  }

  /** HCL proper takes one attribute in a block on one line; several are clear as well, and files have them. */
  #attributeInLine(): Attribute {
    const name = this.next();
    if (name.kind !== 'identifier' || !this.sees('=')) {
      const message = 'A block on one line holds attributes, name { attribute = value }, and ends with }.';
      throw new Unreadable('SYNTAX', name.at, message);
    }
    this.next();
    const value = this.named(name.text, this.peek().at, () => this.expression());
    return { kind: 'attribute', name, value };
  }
}
