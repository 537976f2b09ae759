/** `conclave diagram`, as a user runs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { drawDiagram } from '../../src/cli/diagram.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave } from './conclave-program.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch[Symbol.dispose]());

const diagram = (...args: string[]) => conclave(['diagram', ...args], { cwd: scratch.path });

test.each([
  [[], 'leadership', 'mermaid'],
  [['leadership', '--format', 'svg'], 'leadership', 'svg'],
  [['config-reload', '--format', 'json'], 'config-reload', 'json'],
] as const)('%j prints %s as %s', async (args, chart, format) => {
  const { code, stdout, stderr } = await diagram(...args);
  expect(stderr).toBe('');
  expect(stdout).toBe(drawDiagram(chart, format));
  expect(code).toBe(0);
});

test('--out writes a file and says nothing; --json says which', async () => {
  const quiet = await diagram('--out', 'chart.mmd');
  expect([quiet.code, quiet.stdout, quiet.stderr]).toEqual([0, '', '']);
  expect(readFileSync(join(scratch.path, 'chart.mmd'), 'utf8')).toBe(drawDiagram('leadership', 'mermaid'));
  const told = await diagram('config-reload', '--out', 'chart.svg', '--format', 'svg', '--json');
  expect(JSON.parse(told.stdout)).toEqual({ chart: 'config-reload', format: 'svg', file: 'chart.svg' });
});

test.each([
  [['leadrship'], /no chart "leadrship"; did you mean "leadership"\?/],
  [['--format', 'png'], /mermaid, json, svg/],
  [['--out', 'no/such/place.svg'], /--out no\/such\/place\.svg cannot be written/],
])('%j: 2, and what would do', async (args, message) => {
  const { code, stderr } = await diagram(...args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});
