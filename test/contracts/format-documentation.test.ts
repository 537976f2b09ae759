/** The examples in the documentation are configurations: they are read, and those said to be the same are. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { document, read } from './format.contract.ts';

const page = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(hcl|json|yaml|toml)\n(.*?)^```/gms)].map(
  ([, format = '', text = '']) => ({
    format,
    text,
  }),
);

test('the documentation shows the same configuration in HCL and JSON', async () => {
  expect(blocks.map(({ format }) => format)).toEqual(['hcl', 'json']);
  const [hcl, json] = await Promise.all(
    blocks.map(async ({ format, text }) => document(await read(`a.${format}`, text)).value),
  );
  expect(hcl).toEqual(json);
});
