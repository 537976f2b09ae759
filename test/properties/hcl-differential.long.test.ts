import { test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { meansTheSame, refusesTheSame } from './hcl-differential.ts';
import { damaged, hclText } from './hcl-texts.ts';

describe('our HCL and HashiCorp’s, at length', () => {
  test.prop([hclText], { numRuns: 2000 })('mean the same by 2000 texts', meansTheSame);

  test.prop([damaged(hclText)], { numRuns: 3000 })('refuse the same of 3000 damaged texts', refusesTheSame);
});
