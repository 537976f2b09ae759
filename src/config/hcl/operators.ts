import { Unreadable } from '../formats/unreadable.ts';
import type { ScalarNode } from '../formats/config-node.ts';
import type { BinaryOperator } from './syntax.ts';
import { heldNumber } from '../formats/plain-scalar.ts';

/** What operators make of plain values. There are no silent conversions: text is not a number, a number no text. */

type Scalar = ScalarNode['value'];

export function operate(operator: BinaryOperator, left: Scalar, right: Scalar, at: number): Scalar {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '&&':
    case '||':
      return logic(operator, truth(left, at), truth(right, at));
    case '<':
    case '>':
    case '<=':
    case '>=':
      return compare(operator, number(left, at), number(right, at));
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return heldNumber(calculate(operator, number(left, at), number(right, at), at), at);
  }
}

function logic(operator: '&&' | '||', left: boolean, right: boolean): boolean {
  return operator === '&&' ? left && right : left || right;
}

function compare(operator: '<' | '>' | '<=' | '>=', left: number, right: number): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
  }
}

function calculate(operator: '+' | '-' | '*' | '/' | '%', left: number, right: number, at: number): number {
  if ((operator === '/' || operator === '%') && right === 0) {
    throw new Unreadable('VALUE', at, 'This divides by zero.');
  }
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

export function negated(operator: '!' | '-', operand: Scalar | undefined, at: number): Scalar {
  if (operator === '!') return !truth(operand, at);
  const value = number(operand, at);
  return value === 0 ? 0 : -value;
}

export function truth(value: unknown, at: number): boolean {
  if (typeof value === 'boolean') return value;
  throw new Unreadable('VALUE', at, `Here goes true or false, not ${kindOf(value)}.`);
}

export function number(value: unknown, at: number): number {
  if (typeof value === 'number') return value;
  throw new Unreadable('VALUE', at, `Here goes a number, not ${kindOf(value)}.`);
}

export function text(value: unknown, at: number): string {
  if (typeof value === 'string') return value;
  throw new Unreadable('VALUE', at, `Here goes a text, not ${kindOf(value)}.`);
}

/** What a value is, without saying which. `undefined` stands for lists and objects. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'a list or an object';
  return { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'this';
}

/** A number in decimal digits, as it appears inside a text. */
export function decimal(value: number): string {
  const short = String(value);
  const scientific = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(short);
  if (scientific === null) return short;
  const [, sign = '', first = '', rest = '', exponent = '0'] = scientific;
  return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${first}${rest}`;
}
