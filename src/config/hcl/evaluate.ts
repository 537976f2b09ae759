import { Unreadable } from '../formats/unreadable.ts';
import {
  type ConfigNode,
  type ConfigValue,
  FORBIDDEN_KEY,
  forbiddenKeyMessage,
  type Member,
  type ScalarNode,
} from '../formats/config-node.ts';
import { REFERENCES_MAX, type ReferenceTable } from '../formats/references.ts';
import type { SourceText } from '../formats/source-text.ts';
import { callFunction } from './functions.ts';
import { decimal, kindOf, negated, operate, truth } from './operators.ts';
import type { Expression, TemplatePart } from './syntax.ts';

/**
 * Works out expressions. Guarantee: whatever was made from a secret is marked as one, along every way a value can take,
 * the choice between two values included; a key is never made from one.
 */

/** Texts made while reading one file may have this many characters in all. */
export const MADE_CHARACTERS_MAX = 16 * 1024 * 1024;

/** Thrown where a value waits for a reference that has to be fetched first. */
export class Waiting extends Error {}

export class Evaluator {
  readonly #source: SourceText;
  readonly #references: ReferenceTable;
  #made = 0;

  constructor(source: SourceText, references: ReferenceTable) {
    this.#source = source;
    this.#references = references;
  }

  /**
   * The value of an attribute. Where a stand-in was given, whatever depends on a reference that cannot be answered is that
   * text and nothing else: nothing is worked out from it, decided by it, or called after it.
   */
  value(expression: Expression): ConfigNode {
    const { standIn } = this.#references;
    if (standIn === null) return this.evaluate(expression);
    if (expression.kind === 'object') return this.#object(expression, (each) => this.value(each));
    if (expression.kind === 'list') return this.#list(expression, (each) => this.value(each));
    try {
      return this.evaluate(expression);
    } catch (error) {
      if (error instanceof Unreadable && error.code === 'REFERENCE')
        return this.#scalar(expression, standIn, true);
      throw error;
    }
  }

  evaluate(expression: Expression): ConfigNode {
    switch (expression.kind) {
      case 'literal':
        return this.#scalar(expression, expression.value, false);
      case 'template':
        return this.#template(expression, expression.parts);
      case 'list':
        return this.#list(expression, (each) => this.evaluate(each));
      case 'object':
        return this.#object(expression, (each) => this.evaluate(each));
      case 'unary': {
        const operand = this.evaluate(expression.operand);
        const value = negated(expression.operator, scalarOf(operand), operand.at);
        return this.#scalar(expression, value, operand.secret);
      }
      case 'chain':
        return this.#chain(expression);
      case 'conditional': {
        const condition = this.evaluate(expression.condition);
        const chosen = truth(scalarOf(condition), condition.at) ? expression.yes : expression.no;
        return { ...this.#moved(this.evaluate(chosen), expression, condition.secret) };
      }
      case 'access':
        return this.#access(expression);
      case 'call':
        return this.#call(expression);
    }
  }

  #spot(expression: Expression) {
    return { source: this.#source, at: expression.at, end: expression.end };
  }

  #scalar(expression: Expression, value: ScalarNode['value'], secret: boolean): ScalarNode {
    return { ...this.#spot(expression), kind: 'scalar', value, secret };
  }

  /** A value that stands where the expression stands that led to it. */
  #moved(node: ConfigNode, to: Expression, secret: boolean): ConfigNode {
    return { ...node, ...this.#spot(to), secret: node.secret || secret };
  }

  #template(expression: Expression, parts: readonly TemplatePart[]): ConfigNode {
    const [only] = parts;
    // "${value}" is the value itself, whatever its kind.
    if (parts.length === 1 && only?.kind === 'interpolation') {
      return this.#moved(this.evaluate(only.expression), expression, false);
    }
    let text = '';
    let secret = false;
    for (const part of parts) {
      if (part.kind === 'text') text += part.text;
      else {
        const node = this.evaluate(part.expression);
        text += inText(scalarOf(node), node.at);
        secret ||= node.secret;
      }
    }
    this.#spend(text.length, expression.at);
    return this.#scalar(expression, text, secret);
  }

  #list(
    expression: Extract<Expression, { readonly kind: 'list' }>,
    valueOf: (item: Expression) => ConfigNode,
  ): ConfigNode {
    return { ...this.#spot(expression), kind: 'list', items: expression.items.map(valueOf), secret: false };
  }

  #object(
    expression: Extract<Expression, { readonly kind: 'object' }>,
    valueOf: (member: Expression) => ConfigNode,
  ): ConfigNode {
    const members = new Map<string, Member>();
    for (const entry of expression.entries) {
      const keyNode = this.evaluate(entry.key);
      if (keyNode.secret) {
        throw new Unreadable(
          'VALUE',
          entry.key.at,
          'A key cannot be made from a secret, because keys are shown.',
        );
      }
      const key = inText(scalarOf(keyNode), entry.key.at);
      if (key === FORBIDDEN_KEY) throw new Unreadable('VALUE', entry.key.at, forbiddenKeyMessage);
      if (members.has(key)) throw duplicateKey(this.#source, entry.key.at, members.get(key));
      members.set(key, { key: this.#spot(entry.key), node: valueOf(entry.value) });
    }
    return { ...this.#spot(expression), kind: 'object', members, secret: false };
  }

  #chain(expression: Extract<Expression, { readonly kind: 'chain' }>): ConfigNode {
    const first = this.evaluate(expression.first);
    let value = scalarOf(first);
    let { secret } = first;
    for (const { operator, at, operand } of expression.rest) {
      const right = this.evaluate(operand);
      const other = scalarOf(right);
      if (value === undefined || other === undefined) {
        throw new Unreadable('VALUE', at, `Operators take plain values, not ${kindOf(undefined)}.`);
      }
      value = operate(operator, value, other, at);
      secret ||= right.secret;
    }
    return this.#scalar(expression, value ?? null, secret);
  }

  #access(expression: Extract<Expression, { readonly kind: 'access' }>): ConfigNode {
    let node = this.evaluate(expression.base);
    let { secret } = node;
    for (const step of expression.steps) {
      const index = this.evaluate(step);
      node = member(node, scalarOf(index), step.at);
      secret ||= index.secret || node.secret;
    }
    return this.#moved(node, expression, secret);
  }

  #call(expression: Extract<Expression, { readonly kind: 'call' }>): ConfigNode {
    const { name, at } = expression;
    const args = expression.args.map((arg) => this.evaluate(arg));
    const outcome = callFunction({
      name,
      at,
      args,
      ask: (kind, referenced) => {
        const answer = this.#references.ask(kind, referenced);
        if (answer.state === 'pending') throw new Waiting();
        if (answer.state === 'tooMany') {
          throw new Unreadable('LIMIT', at, `There are more than ${REFERENCES_MAX} different references.`);
        }
        return answer;
      },
    });
    const secret = outcome.secret || args.some(holdsSecret);
    return this.#decoded(expression, outcome.value, secret);
  }

  /** A plain value as a tree: all of it stands where the call stands. */
  #decoded(expression: Expression, value: ConfigValue, secret: boolean): ConfigNode {
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'string') this.#spend(value.length, expression.at);
      return this.#scalar(expression, value, secret);
    }
    this.#spend(1, expression.at);
    const spot = this.#spot(expression);
    if (Array.isArray(value)) {
      const items = value.map((item: ConfigValue) => this.#decoded(expression, item, secret));
      return { ...spot, kind: 'list', items, secret };
    }
    const members = new Map<string, Member>();
    for (const [key, each] of Object.entries(value)) {
      this.#spend(key.length, expression.at);
      members.set(key, { key: spot, node: this.#decoded(expression, each, secret) });
    }
    return { ...spot, kind: 'object', members, secret };
  }

  #spend(characters: number, at: number): void {
    this.#made += characters;
    if (this.#made > MADE_CHARACTERS_MAX) {
      throw new Unreadable(
        'LIMIT',
        at,
        `Reading this file makes more than ${MADE_CHARACTERS_MAX} characters of text.`,
      );
    }
  }
}

export function duplicateKey(source: SourceText, at: number, first: Member | undefined): Unreadable {
  const where = first === undefined ? '' : ` on line ${source.place(first.key.at).line}`;
  return new Unreadable('DUPLICATE_KEY', at, `This key was already defined${where}. Remove one of the two.`);
}

function scalarOf(node: ConfigNode): ScalarNode['value'] | undefined {
  return node.kind === 'scalar' ? node.value : undefined;
}

function holdsSecret(node: ConfigNode): boolean {
  if (node.secret || node.kind === 'scalar') return node.secret;
  if (node.kind === 'list') return node.items.some(holdsSecret);
  return [...node.members.values()].some((each) => holdsSecret(each.node));
}

function inText(value: ScalarNode['value'] | undefined, at: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return decimal(value);
  if (typeof value === 'boolean') return String(value);
  throw new Unreadable(
    'VALUE',
    at,
    `Inside a text goes a text, a number, true or false, not ${kindOf(value)}.`,
  );
}

function member(node: ConfigNode, index: ScalarNode['value'] | undefined, at: number): ConfigNode {
  if (node.kind === 'list') {
    const item = typeof index === 'number' ? node.items[index] : undefined;
    if (item !== undefined) return item;
    throw new Unreadable(
      'VALUE',
      at,
      `This list has ${node.items.length} items, counted from 0; there is no such one.`,
    );
  }
  if (node.kind === 'object') {
    const found = typeof index === 'string' ? node.members.get(index) : undefined;
    if (found !== undefined) return found.node;
    throw new Unreadable('VALUE', at, 'This object has no such key.');
  }
  throw new Unreadable('VALUE', at, 'Only lists and objects have something inside.');
}
