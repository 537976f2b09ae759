/**
 * Two parsers of one language must agree. The other one is HashiCorp's own, compiled to WebAssembly; it takes a moment
 * to start and milliseconds for each text, hence few hundred cases. The long test tries thousands.
 */
import { test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { meansTheSame, refusesTheSame } from './hcl-differential.ts';
import { damaged, hclText } from './hcl-texts.ts';

describe('our HCL and HashiCorp’s', () => {
  test.prop([hclText], { numRuns: 250 })('mean the same by the same text', meansTheSame);

  test.prop([damaged(hclText)], { numRuns: 350 })(
    'refuse the same damaged texts, each in its place',
    refusesTheSame,
  );

  test('take a line break before the end of an index', () => refusesTheSame('port = 0 [{}\n]\n'));
});
