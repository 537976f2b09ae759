/**
 * The rings hold only if breaking one is noticed. Each case plants one violation in a copy of the linter's own
 * configuration and says whether the check must refuse it.
 */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { projectFiles, read, root, run, temporaryDirectory, tool } from './repository.ts';

type Planted = readonly [file: string, content: string, because?: RegExp];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly message: string;
}

async function ringViolations(directory: string): Promise<Diagnostic[]> {
  const { stdout, stderr } = await run(tool('oxlint'), ['--format=json', 'machines', 'src'], directory);
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not answer: ${stdout}${stderr}`);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  return diagnostics.filter(({ code }) => code.startsWith('rings('));
}

/** Plants every case in one package that has nothing else, and gives back the messages for each file. */
async function lintPlanted(
  cases: readonly { file: string; content: string }[],
): Promise<Map<string, string[]>> {
  using scratch = temporaryDirectory();
  for (const path of ['lint', '.oxlintrc.json', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, path), join(scratch.path, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(scratch.path, 'node_modules'));
  for (const { file, content } of cases) {
    mkdirSync(dirname(join(scratch.path, file)), { recursive: true });
    writeFileSync(join(scratch.path, file), content);
  }
  const messages = new Map<string, string[]>(cases.map(({ file }) => [file, []]));
  for (const { filename, message } of await ringViolations(scratch.path))
    messages.get(filename)?.push(message);
  return messages;
}

/** A `*` in a file name stands for the case's number: each needs a file of its own. */
function numbered(cases: readonly Planted[], prefix: string) {
  return cases.map(([file, content, because], index) => ({
    file: file.replace('*', `${prefix}${index}`),
    content,
    because,
  }));
}

const refused: readonly Planted[] = [
  ['machines/*.machine.ts', `import { Subject } from 'rxjs'; export const a = Subject;`, /charts are pure/],
  [
    'machines/*.rules.ts',
    `import type { Clock } from '../src/runtime/clock.ts'; export type A = Clock;`,
    /charts are pure/,
  ],
  ['machines/*.rules.ts', `export const a = await import('node:fs');`, /charts are pure/],
  ['machines/*.rules.ts', `export const a = (): number => Date.now();`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = (): Date => new Date(5);`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = (): number => Math.random();`, /a chart is pure/],
  ['machines/*.rules.ts', `const { random } = Math; export const a = random;`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = process.pid;`, /a chart is pure/],
  ['machines/*.rules.ts', `setTimeout(() => undefined, 1);`, /a chart is pure/],
  ['machines/*.rules.ts', `setInterval(() => undefined, 1);`, /a chart is pure/],
  ['machines/*.rules.ts', `setImmediate(() => undefined);`, /a chart is pure/],
  ['machines/*.rules.ts', `queueMicrotask(() => undefined);`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = performance.now();`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = crypto.randomUUID();`, /a chart is pure/],
  ['machines/*.rules.ts', `export const a = globalThis.Date.now();`, /a chart is pure/],

  ['src/runtime/*.ts', `export { a } from '../lease/lease-store.ts';`, /know nothing of leases/],
  ['src/runtime/*.ts', `export { a } from '../../machines/index.ts';`, /know nothing of leases/],
  ['src/runtime/index.ts', `export { a } from '../leader-election.ts';`, /know nothing of leases/],
  ['src/journal/*.ts', `export { a } from '../config/source.ts';`, /know nothing of leases/],
  ['src/journal/*.ts', `export { a } from '../simulation/cluster.ts';`, /know nothing of leases/],
  ['src/journal/sqlite-journal.ts', `export { a } from '../redis/connection.ts';`, /know nothing of leases/],

  ['src/lease/*.ts', `export { a } from './sqlite-lease-store.ts';`, /is an adapter/],
  ['src/leader-election.ts', `export { a } from './lease/redis-lease-store.ts';`, /is an adapter/],
  ['src/journal/index.ts', `export { a } from './sqlite-journal.ts';`, /is an adapter/],
  ['src/simulation/*.ts', `export { a } from '../redis/connection.ts';`, /is an adapter/],
  ['src/streams/*.ts', `export const a = await import('../lease/sqlite-lease-store.ts');`, /is an adapter/],

  ['src/index.ts', `export { a } from './cli/main.ts';`, /knows nothing of the command line/],
  ['src/testing.ts', `export { a } from '../test/contracts/lease-store.contract.ts';`, /knows nothing of/],
  ['src/cli/main.ts', `export { a } from '../../test/a.ts';`, /does not import tests/],
  ['src/errors.ts', `import pino from 'pino'; export const a = pino;`, /must not load it/],
  [
    'src/lease/*.ts',
    `import { DatabaseSync } from 'node:sqlite'; export const a = DatabaseSync;`,
    /must not load it/,
  ],

  ['src/lease/*.ts', `export const a = Date.now();`, /take the Clock or Randomness port/],
  ['src/lease/*.ts', `export const a = new Date();`, /take the Clock or Randomness port/],
  ['src/cli/*.ts', `export const a = performance.now();`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `export const a = process.hrtime.bigint();`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `setTimeout(() => undefined, 1);`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `globalThis.setInterval(() => undefined, 1);`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `export const a = Math.random();`, /take the Clock or Randomness port/],
  [
    'src/runtime/*.ts',
    `const clock = Date; export const a = clock.now();`,
    /take the Clock or Randomness port/,
  ],
  ['src/runtime/*.ts', `const { now } = Date; export const a = now();`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `export const a = AbortSignal.timeout(1);`, /take the Clock or Randomness port/],
  ['src/runtime/*.ts', `export const a = crypto.randomUUID();`, /take the Clock or Randomness port/],
  [
    'src/lease/*.ts',
    `import { randomUUID } from 'node:crypto'; export const a = randomUUID;`,
    /take the Clock or/,
  ],
  [
    'src/lease/*.ts',
    `import { setTimeout as b } from 'node:timers/promises'; export const a = b;`,
    /take the Clock or/,
  ],
];

const allowed: readonly Planted[] = [
  ['machines/*.machine.ts', `import { setup } from 'xstate'; export const a = setup;`],
  ['machines/*.rules.ts', `export { a } from './b.rules.ts';`],
  ['machines/*.rules.ts', `export const a = (Date: { now(): number }): number => Math.max(1, Date.now());`],
  ['src/lease/*.ts', `export const a = (wallMs: number): string => new Date(wallMs).toISOString();`],
  ['src/cli/*.ts', `const { stdin } = process; export const a = stdin;`],
  ['src/lease/*.ts', `import { createHash } from 'node:crypto'; export const a = createHash;`],
  ['src/lease/*.ts', `export { a } from '../../machines/index.ts';`],
  ['src/lease/sqlite-lease-store.ts', `export { a } from './sqlite-schema.ts';`],
  [
    'src/lease/sqlite-lease-store.ts',
    `import { DatabaseSync } from 'node:sqlite'; export const a = DatabaseSync;`,
  ],
  ['src/sqlite.ts', `export { a } from './lease/sqlite-lease-store.ts';`],
  ['src/simulation/*.ts', `export { a } from './redis-model.ts';`],
  ['src/cli/up.ts', `export { a } from '../lease/sqlite-lease-store.ts';`],
  ['src/runtime/system-clock.ts', `export const a = Date.now() + performance.now();`],
  ['src/runtime/system-randomness.ts', `export const a = Math.random();`],
];

describe('rings', () => {
  const plantedRefused = numbered(refused, 'refused');
  const plantedAllowed = numbered(allowed, 'allowed');
  let messages = new Map<string, string[]>();

  beforeAll(async () => {
    messages = await lintPlanted([...plantedRefused, ...plantedAllowed]);
  });

  test.for(plantedRefused)('$file may not: $content', ({ file, because }) => {
    expect(messages.get(file)?.join('\n')).toMatch(because ?? /^$/);
  });

  test.for(plantedAllowed)('$file may: $content', ({ file }) => {
    expect(messages.get(file)).toEqual([]);
  });

  test('the project itself breaks none', async () => {
    expect(await ringViolations(root)).toEqual([]);
  });

  test('no chart switches the rules off', () => {
    const charts = projectFiles().filter((path) => path.startsWith('machines/'));
    expect(charts.filter((path) => /(oxlint|eslint)-disable/.test(read(path)))).toEqual([]);
  });
});
