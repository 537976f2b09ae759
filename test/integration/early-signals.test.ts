/** Signals that come before a program is up; also where it is the first process of a container. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { Running } from './conclave-program.ts';

/** Makes it the first process of a namespace of its own: what it is in a container. */
const asFirst = ['unshare', '--pid', '--fork', '--kill-child'] as const;
const mayBeFirst = spawnSync(asFirst[0], [...asFirst.slice(1), 'true']).status === 0;

/** Takes the place of a part of the program, says when that is asked for, and then runs `code`. */
const inPlaceOf = (part: string, code: string) => `
import { registerHooks } from 'node:module';
const source = ${JSON.stringify(`process.stdout.write('loading');${code}`)};
registerHooks({
  load: (url, context, next) =>
    url.endsWith('/src/${part}') ? { format: 'module', shortCircuit: true, source } : next(url, context),
});`;

const ENDLESS = inPlaceOf(
  'cli/program.ts',
  'await new Promise(() => setInterval(() => {}, 1000)); export const createProgram = null;',
);

/** An inspector that takes until something comes on standard input. */
const SLOW_INSPECTOR = inPlaceOf(
  'observability/stately-inspector.ts',
  `await new Promise((resolve) => process.stdin.once('data', resolve));
   process.stdin.destroy();
   export const statelyInspector = () => ({ inspect() {}, [Symbol.dispose]() {} });`,
);

/** `conclave up` that has got to what stands in place of a part of it. */
async function loading(cwd: string, place: string, args: readonly string[] = [], below?: typeof asFirst) {
  const preloaded = join(cwd, 'preloaded.mjs');
  writeFileSync(preloaded, place);
  const env = { NODE_OPTIONS: `--import=${preloaded}` };
  const all = ['up', '--port', '0', '--metrics-port', '0', ...args];
  const running = new Running(all, { cwd, env, ...(below && { below }) });
  await running.says(/loading/);
  return running;
}

/** Of a process that has but one. */
const childOf = ({ pid }: Running) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends a program that is still being loaded', async (signal) => {
  using directory = temporaryDirectory();
  await using running = await loading(directory.path, ENDLESS);
  running.kill(signal);
  expect(await running.ended).toEqual({ code: null, signal });
});

test('SIGHUP while a member starts has it read again what it read before', async () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, 'conclave.yaml'), 'store: sqlite:leases.db\n');
  const args = ['--inspect', '--config', 'conclave.yaml'];
  await using running = await loading(directory.path, SLOW_INSPECTOR, args);
  running.kill('SIGHUP');
  running.stdin?.end('go on');
  await running.says(/SIGHUP: conclave\.yaml: unchanged/);
  running.kill('SIGTERM');
  expect(await running.ended, running.stderr).toEqual({ code: 0, signal: null });
});

describe.skipIf(!mayBeFirst)('the first process of a container', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at %s while it is still being loaded', async (signal, code) => {
    using directory = temporaryDirectory();
    await using running = await loading(directory.path, ENDLESS, [], asFirst);
    process.kill(childOf(running), signal);
    expect(await running.ended).toEqual({ code, signal: null });
  });

  test('hands over and ends with 0 once it runs', async () => {
    using directory = temporaryDirectory();
    const args = ['up', '--port', '0', '--metrics-port', '0'];
    await using running = new Running(args, { cwd: directory.path, below: asFirst });
    await running.says(/Leadership acquired/);
    process.kill(childOf(running), 'SIGTERM');
    expect(await running.ended, running.stderr).toEqual({ code: 0, signal: null });
    expect(running.stderr).toContain('Stopping (SIGTERM)');
  });
});
