import { expect } from 'vitest';
import { asOracle, askOracle, readHcl, withoutExpressions } from './hcl-oracle.ts';

/** What two parsers of one language must agree on, ours and HashiCorp's. */

export async function meansTheSame(text: string): Promise<void> {
  const ours = readHcl(text);
  const theirs = await askOracle(text);
  expect(ours.diagnostics.map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
  expect(theirs).toHaveProperty('value');
  if (ours.node !== null && 'value' in theirs) expect(asOracle(ours.node)).toEqual(theirs.value);
}

export async function refusesTheSame(text: string): Promise<void> {
  const ours = readHcl(text);
  const theirs = await askOracle(text);
  if (ours.node !== null) {
    const value = asOracle(ours.node);
    if ('value' in theirs) expect(value).toEqual(withoutExpressions(theirs.value, value));
    else expect(theirs.refusal).toMatch(weTakeMore);
    return;
  }
  // Each problem has its place.
  for (const { line, column, message } of ours.diagnostics)
    expect([line, column], message).toEqual([expect.any(Number), expect.any(Number)]);
  const refusal = ours.diagnostics.find(
    ({ code, message }) => code === 'SYNTAX' && !weTakeLess.test(message),
  );
  if (refusal !== undefined) expect(theirs, `we say: ${refusal.message}`).toHaveProperty('refusal');
}

/** Several attributes in a block on one line are clear, if not canonical; so is a key named `for`. */
const weTakeMore = /Invalid single-argument block definition|Invalid .for. expression/;
/** There are no variables here; keys that are computed go in parentheses. */
const weTakeLess =
  /bare word|Between a key and its value|Use true or false|Use null|computed goes in parentheses|A key is missing|with a unit/;
