/** What a text in HCL consists of. Every piece knows the offsets of its first character and behind its last one. */

interface Piece {
  readonly at: number;
  readonly end: number;
}

export interface Body extends Piece {
  readonly items: readonly (Attribute | Block)[];
}

export interface Name extends Piece {
  readonly text: string;
}

export interface Attribute {
  readonly kind: 'attribute';
  readonly name: Name;
  readonly value: Expression;
}

export interface Block extends Piece {
  readonly kind: 'block';
  readonly type: Name;
  readonly labels: readonly Name[];
  readonly body: Body;
}

export type BinaryOperator =
  '||' | '&&' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/' | '%';

export type Expression = Piece &
  (
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] }
    | { readonly kind: 'list'; readonly items: readonly Expression[] }
    | { readonly kind: 'object'; readonly entries: readonly ObjectEntry[] }
    | { readonly kind: 'unary'; readonly operator: '!' | '-'; readonly operand: Expression }
    /** Operators of one rank, from the left; a list, so that a long chain is no deep tree. */
    | { readonly kind: 'chain'; readonly first: Expression; readonly rest: readonly Operation[] }
    | {
        readonly kind: 'conditional';
        readonly condition: Expression;
        readonly yes: Expression;
        readonly no: Expression;
      }
    | { readonly kind: 'access'; readonly base: Expression; readonly steps: readonly Expression[] }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  );

export interface Operation {
  readonly operator: BinaryOperator;
  readonly at: number;
  readonly operand: Expression;
}

export interface ObjectEntry {
  readonly key: Expression;
  readonly value: Expression;
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'interpolation'; readonly expression: Expression };
