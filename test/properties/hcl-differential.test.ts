/**
 * Two parsers of one language must agree. The other one is HashiCorp's own, compiled to WebAssembly; it takes a moment
 * to start and milliseconds for each text, hence few hundred cases.
 */
import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { asOracle, askOracle, readHcl, withoutExpressions } from './hcl-oracle.ts';
import { damaged, hclText } from './hcl-texts.ts';

describe('our HCL and HashiCorp’s', () => {
  test.prop([hclText], { numRuns: 250 })('mean the same by the same text', async (text) => {
    const ours = readHcl(text);
    const theirs = await askOracle(text);
    expect(ours.diagnostics.map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
    expect(theirs).toHaveProperty('value');
    if (ours.node !== null && 'value' in theirs) expect(asOracle(ours.node)).toEqual(theirs.value);
  });

  test.prop([damaged(hclText)], { numRuns: 350 })('refuse the same damaged texts', async (text) => {
    const ours = readHcl(text);
    const theirs = await askOracle(text);
    if (ours.node !== null) {
      const value = asOracle(ours.node);
      if ('value' in theirs) expect(value).toEqual(withoutExpressions(theirs.value, value));
      else expect(theirs.refusal).toMatch(weTakeMore);
    } else {
      const refusal = ours.diagnostics.find(
        ({ code, message }) => code === 'SYNTAX' && !weTakeLess.test(message),
      );
      if (refusal !== undefined) expect(theirs, `we say: ${refusal.message}`).toHaveProperty('refusal');
    }
  });
});

/** Several attributes in a block on one line are clear, if not canonical; so is a key named `for`. */
const weTakeMore = /Invalid single-argument block definition|Invalid .for. expression/;
/** There are no variables here; keys that are computed go in parentheses. */
const weTakeLess =
  /bare word|Between a key and its value|Use true or false|Use null|computed goes in parentheses|A key is missing|with a unit/;
