import { heldNumber, tooDeep } from '../formats/plain-scalar.ts';
import { Unreadable } from '../formats/unreadable.ts';
import { DEPTH_MAX } from '../formats/config-node.ts';
import { Lexer, type Token } from './lexer.ts';
import type { BinaryOperator, Expression, ObjectEntry, Operation } from './syntax.ts';
import { readHeredoc, readQuoted, type TemplateRead } from './template.ts';

/** Reads expressions. What HCL has and we do not is refused by name. */

/** Operators by rank, the loosest first. */
const ranks: readonly ReadonlySet<string>[] = [
  new Set(['||']),
  new Set(['&&']),
  new Set(['==', '!=']),
  new Set(['<', '>', '<=', '>=']),
  new Set(['+', '-']),
  new Set(['*', '/', '%']),
];

const keywords: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

export class ExpressionParser {
  readonly lexer: Lexer;
  /** Whether line breaks are tokens here, innermost last. */
  readonly #newlines: boolean[] = [true];
  #depth = 0;

  constructor(text: string) {
    this.lexer = new Lexer(text);
  }

  peek(): Token {
    return this.lexer.peek(this.#newlines.at(-1) ?? true);
  }

  next(): Token {
    return this.lexer.next(this.#newlines.at(-1) ?? true);
  }

  /** Whether the next token is this punctuation. */
  sees(text: string): boolean {
    const token = this.peek();
    return token.kind === 'punctuation' && token.text === text;
  }

  /** Takes this punctuation or refuses with `message`. */
  expect(text: string, message: string): Token {
    if (!this.sees(text)) throw new Unreadable('SYNTAX', this.peek().at, message);
    return this.next();
  }

  /** Reads one level deeper, up to the limit. */
  nested<Result>(newlines: boolean, read: () => Result): Result {
    if (this.#depth >= DEPTH_MAX) {
      throw tooDeep(this.peek().at);
    }
    this.#depth += 1;
    this.#newlines.push(newlines);
    const result = read();
    this.#newlines.pop();
    this.#depth -= 1;
    return result;
  }

  /** Called around the value of an object's key. */
  protected named<Result>(_name: string, _at: number, read: () => Result): Result {
    return read();
  }

  expression(): Expression {
    const condition = this.#binary(0);
    if (!this.sees('?')) return condition;
    this.next();
    const newlines = this.#newlines.at(-1) ?? true;
    return this.nested(newlines, () => {
      const yes = this.expression();
      this.expect(':', 'A condition needs both values: condition ? value : other.');
      const no = this.expression();
      return { kind: 'conditional', condition, yes, no, at: condition.at, end: no.end };
    });
  }

  #binary(rank: number): Expression {
    const operators = ranks[rank];
    if (operators === undefined) return this.#unary();
    const first = this.#binary(rank + 1);
    const rest: Operation[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'punctuation' || !operators.has(token.text)) break;
      this.next();
      rest.push({ operator: token.text as BinaryOperator, at: token.at, operand: this.#binary(rank + 1) });
    }
    const last = rest.at(-1);
    return last === undefined ? first : { kind: 'chain', first, rest, at: first.at, end: last.operand.end };
  }

  #unary(): Expression {
    const token = this.peek();
    if (token.kind !== 'punctuation' || (token.text !== '!' && token.text !== '-')) return this.#access();
    const operator = token.text;
    this.next();
    const operand = this.nested(this.#newlines.at(-1) ?? true, () => this.#unary());
    return { kind: 'unary', operator, operand, at: token.at, end: operand.end };
  }

  #access(): Expression {
    const base = this.#primary();
    const steps: Expression[] = [];
    let end = base.end;
    for (;;) {
      if (this.sees('.')) {
        this.next();
        const name = this.next();
        if (name.kind !== 'identifier') throw notAName(name);
        steps.push({ kind: 'literal', value: name.text, at: name.at, end: name.end });
        end = name.end;
      } else if (this.sees('[')) {
        this.next();
        const closed = this.nested(false, () => this.#index());
        steps.push(closed.index);
        end = closed.end;
      } else break;
    }
    return steps.length === 0 ? base : { kind: 'access', base, steps, at: base.at, end };
  }

  #index(): { readonly index: Expression; readonly end: number } {
    if (this.sees('*')) throw splat(this.peek().at);
    const index = this.expression();
    const { end } = this.expect(']', 'This index is not closed. End it with ].');
    return { index, end };
  }

  #primary(): Expression {
    const token = this.peek();
    switch (token.kind) {
      case 'number':
        return this.#number(this.next());
      case 'quote':
        return this.#template(token, readQuoted);
      case 'heredoc':
        return this.#template(token, readHeredoc);
      case 'identifier':
        return this.#word(this.next());
      case 'punctuation':
        return this.#bracketed(token);
      case 'newline':
      case 'end':
        throw new Unreadable('SYNTAX', token.at, 'A value is missing here.');
    }
  }

  #number(token: Token): Expression {
    const after = this.lexer.peek(true);
    if (after.at === token.end && after.kind === 'identifier') {
      throw new Unreadable('SYNTAX', token.at, 'A number with a unit is a text: put it in double quotes.');
    }
    const value = heldNumber(Number(token.text), token.at);
    return { kind: 'literal', value, at: token.at, end: token.end };
  }

  #template(
    opening: Token,
    read: (context: Parameters<typeof readQuoted>[0], at: number) => TemplateRead,
  ): Expression {
    const context = { text: this.lexer.text, interpolation: (at: number) => this.#interpolation(at) };
    const { parts, end } = read(context, opening.at);
    this.lexer.position = end;
    const [only] = parts;
    if (parts.length > 1 || only?.kind === 'interpolation') {
      return { kind: 'template', parts, at: opening.at, end };
    }
    return { kind: 'literal', value: only?.kind === 'text' ? only.text : '', at: opening.at, end };
  }

  #interpolation(at: number): readonly [Expression, number] {
    this.lexer.position = at;
    return this.nested(false, () => {
      const expression = this.expression();
      this.expect('}', 'This interpolation is not closed. End it with }.');
      return [expression, this.lexer.position] as const;
    });
  }

  #word(token: Token): Expression {
    if (this.sees('(')) return this.#call(token);
    if (this.sees('::')) {
      throw new Unreadable('UNSUPPORTED', token.at, 'Functions with a namespace (a::b) are not supported.');
    }
    if (Object.hasOwn(keywords, token.text)) {
      return { kind: 'literal', value: keywords[token.text] ?? null, at: token.at, end: token.end };
    }
    throw new Unreadable('SYNTAX', token.at, aboutWord(token.text));
  }

  #call(name: Token): Expression {
    this.next();
    return this.nested(false, () => {
      const args: Expression[] = [];
      while (!this.sees(')')) {
        args.push(this.expression());
        if (this.sees('...')) {
          throw new Unreadable(
            'UNSUPPORTED',
            this.peek().at,
            'Spreading a list (...) is not supported. Write the arguments.',
          );
        }
        if (!this.sees(')')) this.expect(',', 'Between two arguments goes a comma, behind the last one ).');
      }
      const { end } = this.next();
      return { kind: 'call', name: name.text, args, at: name.at, end };
    });
  }

  #bracketed(token: Token): Expression {
    // What was skipped before it must not be read again where line breaks count.
    this.lexer.position = token.at;
    switch (token.text) {
      case '(':
        this.next();
        return this.nested(false, () => {
          const inner = this.expression();
          const { end } = this.expect(')', 'This parenthesis is not closed. End it with ).');
          return { ...inner, at: token.at, end };
        });
      case '[':
        return this.nested(false, () => this.#list());
      case '{':
        return this.nested(true, () => this.#object());
      default:
        throw new Unreadable('SYNTAX', token.at, 'A value is missing here.');
    }
  }

  #list(): Expression {
    const { at } = this.next();
    this.#refuseFor();
    const items: Expression[] = [];
    while (!this.sees(']')) {
      items.push(this.expression());
      if (!this.sees(']'))
        this.expect(',', 'Between two items of a list goes a comma, behind the last one ].');
    }
    return { kind: 'list', items, at, end: this.next().end };
  }

  #object(): Expression {
    const { at } = this.next();
    this.#skipNewlines();
    this.#refuseFor();
    const entries: ObjectEntry[] = [];
    while (!this.sees('}')) {
      entries.push(this.#entry());
      if (this.sees('}')) break;
      const token = this.peek();
      if (token.kind !== 'newline' && !this.sees(',')) {
        throw new Unreadable(
          'SYNTAX',
          token.at,
          'Between two keys of an object goes a comma or a line break.',
        );
      }
      this.next();
      this.#skipNewlines();
    }
    return { kind: 'object', entries, at, end: this.next().end };
  }

  #entry(): ObjectEntry {
    const key = this.#key();
    if (!this.sees('=') && !this.sees(':')) {
      throw new Unreadable('SYNTAX', this.peek().at, 'Between a key and its value goes = or a colon.');
    }
    this.next();
    const name = key.kind === 'literal' ? String(key.value) : '';
    const value = this.named(name, this.peek().at, () => this.expression());
    return { key, value };
  }

  /** A word, a string, a number, or anything in parentheses. */
  #key(): Expression {
    const token = this.peek();
    if (token.kind === 'identifier') {
      this.next();
      if (this.sees('(') || this.sees('.') || this.sees('[')) throw computedKey(token.at);
      return { kind: 'literal', value: token.text, at: token.at, end: token.end };
    }
    if (token.kind === 'quote' || token.kind === 'number' || this.sees('(')) return this.#primary();
    throw new Unreadable(
      'SYNTAX',
      token.at,
      'A key is missing here. Keys are words, strings, or (expressions).',
    );
  }

  #refuseFor(): void {
    const token = this.peek();
    if (token.kind !== 'identifier' || token.text !== 'for') return;
    const before = this.lexer.position;
    this.next();
    const isKey = this.sees('=') || this.sees(':');
    this.lexer.position = before;
    if (!isKey)
      throw new Unreadable(
        'UNSUPPORTED',
        token.at,
        'for expressions are not supported. Write the values out.',
      );
  }

  #skipNewlines(): void {
    while (this.peek().kind === 'newline') this.next();
  }
}

function splat(at: number): Unreadable {
  return new Unreadable('UNSUPPORTED', at, 'Splats (*) are not supported. Write the values out.');
}

function computedKey(at: number): Unreadable {
  return new Unreadable('SYNTAX', at, 'A key that is computed goes in parentheses: (expression) = value.');
}

function notAName(token: Token): Unreadable {
  if (token.text === '*') return splat(token.at);
  if (token.kind === 'number') {
    return new Unreadable(
      'UNSUPPORTED',
      token.at,
      'An index after a dot is not supported. Write [0] instead of .0.',
    );
  }
  return new Unreadable('SYNTAX', token.at, 'Behind a dot goes the name of an attribute.');
}

/** A bare word where a value belongs. It may be a secret somebody forgot to quote, so it is not repeated. */
function aboutWord(word: string): string {
  if (/^(yes|on|no|off|True|False|TRUE|FALSE)$/.test(word)) return 'Use true or false.';
  if (/^(nil|none|None|undefined|NULL)$/.test(word)) return 'Use null.';
  return 'A bare word is no value, for there are no variables. Put it in double quotes.';
}
