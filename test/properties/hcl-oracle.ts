import { createRequire } from 'node:module';
import type { ConfigNode, ConfigValue, ObjectNode } from '../../src/config/formats/config-node.ts';
import { hclFormat } from '../../src/config/formats/hcl-format.ts';
import { ReferenceTable } from '../../src/config/formats/references.ts';
import { SourceText } from '../../src/config/formats/source-text.ts';
import type { FormatResult } from '../../src/config/formats/config-format.ts';

/** HashiCorp's own parser, as an archived package brings it; an oracle of tests, never shipped. */
const oracle = createRequire(import.meta.url)('@cdktf/hcl2json') as {
  parse(file: string, text: string): Promise<unknown>;
};

export type OracleSays = { readonly value: unknown } | { readonly refusal: string };

export async function askOracle(text: string): Promise<OracleSays> {
  try {
    return { value: await oracle.parse('oracle.hcl', text) };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

export function readHcl(text: string): FormatResult {
  return hclFormat.read(new SourceText('test.hcl', text), new ReferenceTable({ environment: {} }));
}

/**
 * Our tree the way the oracle writes values down: bodies always in lists, `${` in texts escaped as in the source, and
 * texts in the normal form of Unicode, while we leave them as they are.
 */
export function asOracle(root: ConfigNode): ConfigValue {
  return membersOf(root as ObjectNode);
}

function membersOf(node: ObjectNode): ConfigValue {
  return Object.fromEntries([...node.members].map(([key, { node: each }]) => [escaped(key), written(each)]));
}

function written(node: ConfigNode): ConfigValue {
  if (node.kind === 'scalar') return typeof node.value === 'string' ? escaped(node.value) : node.value;
  if (node.kind === 'list') {
    return node.items.map((item) => (node.blocks === true ? membersOf(item as ObjectNode) : written(item)));
  }
  return node.block === 'body' ? [membersOf(node)] : membersOf(node);
}

function escaped(text: string): string {
  return text.normalize('NFC').replaceAll(/[$%]\{/g, (sign) => `${sign[0]}${sign}`);
}

/** Their value with ours in the place of every expression, which they leave as it is written. */
export function withoutExpressions(theirs: unknown, ours: ConfigValue | undefined): unknown {
  if (typeof theirs === 'string') return /(?<!\$)\$\{/.test(theirs) ? ours : theirs;
  // They keep the sign of a zero, we do not.
  if (theirs === 0) return 0;
  if (typeof theirs !== 'object' || theirs === null || typeof ours !== 'object' || ours === null)
    return theirs;
  if (Array.isArray(theirs))
    return theirs.map((each, index) => withoutExpressions(each, (ours as ConfigValue[])[index]));
  const entries = Object.entries(theirs).map(([key, each]) => [
    key,
    withoutExpressions(each, (ours as Record<string, ConfigValue>)[key]),
  ]);
  return Object.fromEntries(entries) as unknown;
}
