import type { ConfigDiagnostic, Hidden } from '../diagnostic.ts';
import { objectOf } from '../hcl/blocks.ts';
import { Evaluator, Waiting } from '../hcl/evaluate.ts';
import { parseHcl } from '../hcl/parser.ts';
import type { Expression } from '../hcl/syntax.ts';
import { Unreadable } from './unreadable.ts';
import { type ConfigFormat, type FormatResult, PROBLEMS_MAX } from './config-format.ts';
import type { ConfigNode } from './config-node.ts';
import type { ReferenceTable } from './references.ts';
import type { SourceText } from './source-text.ts';

/** HCL, as far as configuration needs it; see `src/config/hcl/`. */
export const hclFormat: ConfigFormat = {
  name: 'hcl',
  extensions: ['.hcl', '.honua', '.conclave'],
  read(source, references) {
    const parsed = parseHcl(source.text);
    if (parsed.error !== null) {
      return { node: null, diagnostics: [parsed.error.diagnostic(source, parsed.hidden)] };
    }
    const reading = new Reading(source, references, parsed.hidden);
    const node = objectOf(parsed.body, reading);
    return reading.result(node);
  },
};

class Reading {
  readonly source: SourceText;
  readonly #hidden: readonly Hidden[];
  readonly #evaluator: Evaluator;
  readonly #diagnostics: ConfigDiagnostic[] = [];
  #waiting = false;

  constructor(source: SourceText, references: ReferenceTable, hidden: readonly Hidden[]) {
    this.source = source;
    this.#hidden = hidden;
    this.#evaluator = new Evaluator(source, references);
  }

  get full(): boolean {
    return this.#diagnostics.length >= PROBLEMS_MAX;
  }

  value(expression: Expression): ConfigNode | null {
    try {
      return this.#evaluator.value(expression);
    } catch (error) {
      if (error instanceof Waiting) this.#waiting = true;
      else if (error instanceof Unreadable) this.problem(error);
      else throw error;
      return null;
    }
  }

  problem(error: Unreadable): void {
    if (!this.full) this.#diagnostics.push(error.diagnostic(this.source, this.#hidden));
  }

  result(node: ConfigNode): FormatResult {
    const complete = this.#diagnostics.length === 0 && !this.#waiting;
    return { node: complete ? node : null, diagnostics: this.#diagnostics };
  }
}
