import { inspect } from 'node:util';

/**
 * A text that must not be shown. Guarantee: printed, logged, inspected or made into JSON it is `***`; only who asks for
 * `text` by name gets it. It is a field like any other, so that two secrets compare by what they hold.
 */
export class Secret {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
    Object.freeze(this);
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
