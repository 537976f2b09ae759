/** `conclave journal merge|diff|bisect|whatif`, as a user runs them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { createLeaderElection } from '../../src/leader-election.ts';
import { memoryLeases } from '../../src/lease/memory-lease-store.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from '../machines/elapse.ts';
import { root, temporaryDirectory } from '../project/repository.ts';
import { conclave } from './conclave-program.ts';

const scratch = temporaryDirectory();
const journal = (...args: string[]) => conclave(['journal', ...args], { cwd: scratch.path });
afterAll(() => scratch[Symbol.dispose]());

async function save(records: Journal, name: string): Promise<void> {
  const chunks: Uint8Array[] = [];
  await exportJournal(records, (chunk) => void chunks.push(chunk));
  writeFileSync(join(scratch.path, name), Buffer.concat(chunks));
}

/** Two members, one after the other; or, in two stores by mistake, both at once. */
async function record(prefix: string, stores: 1 | 2): Promise<void> {
  const clock = new VirtualClock();
  const [one, other] = [memoryLeases({ clock }), memoryLeases({ clock })];
  const journals = [memoryJournal(), memoryJournal()];
  const elections = journals.map((records, at) =>
    createLeaderElection({
      resource: 'billing',
      candidateId: `web-${at + 1}`,
      leases: at === 0 || stores === 1 ? one : other,
      journal: records,
      clock,
    }),
  );
  for (const election of elections) {
    await election.start();
    await elapse(clock, 20_000);
  }
  for (const [at, records] of journals.entries()) await save(records, `${prefix}-${at + 1}-running.jsonl`);
  const stopped = elections.map((election) => election.stop());
  await elapse(clock, 60_000);
  await Promise.all(stopped);
  for (const [at, records] of journals.entries()) await save(records, `${prefix}-${at + 1}.jsonl`);
}

beforeAll(async () => {
  await record('good', 1);
  await record('split', 2);
});

describe('merge', () => {
  test('puts members on one time axis, and says that no two believed at once', async () => {
    const { code, stdout } = await journal('merge', 'good-1.jsonl', 'good-2.jsonl');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1 {2}leadership\/billing\/web-1-\S+\n2 {2}leadership\/billing\/web-2-/);
    expect(stdout).toMatch(/█· {2}1@\d+ +leader\.renewing → leader\.held/);
    expect(stdout).toMatch(/billing +web-1-\S+ +1 +\d+ +\+\d/);
    expect(stdout).toMatch(/✓ never two that believed at once\n$/);
  });

  test('calls no leader lapsed that still led when the journals were taken', async () => {
    const { code, stdout } = await journal('merge', 'good-1-running.jsonl', 'good-2-running.jsonl');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^billing +web-1-.* leads as far as told$/m);
  });

  test('marks and tells an overlap, with exit code 1', async () => {
    const { code, stdout } = await journal('merge', 'split-1.jsonl', 'split-2.jsonl');
    expect(code).toBe(1);
    expect(stdout).toMatch(/▓▓ {2}/);
    expect(stdout).toMatch(
      /✗ web-1-\S+ \(token 1\) and web-2-\S+ \(token 1\) both believed for [\d.]+ ms from \+/,
    );
    const json = await journal('merge', 'split-1.jsonl', 'split-2.jsonl', '--json');
    const told = JSON.parse(json.stdout) as { overlaps: unknown[]; clocks: unknown[]; records: unknown[] };
    expect([told.overlaps.length, told.clocks.length]).toEqual([1, 1]);
    expect(told.records.length).toBeGreaterThan(10);
  });

  test('refuses a stream that comes twice', async () => {
    const { code, stderr } = await journal('merge', 'good-1.jsonl', 'good-1.jsonl');
    expect(code).toBe(2);
    expect(stderr).toMatch(/web-1-\S+ is in good-1\.jsonl and in good-1\.jsonl: give each stream once/);
  });
});

describe('diff', () => {
  test('shows what changed between two places of a stream', async () => {
    const { code, stdout } = await journal('diff', 'good-1.jsonl', '@1', '@6');
    expect(code).toBe(1);
    expect(stdout).toMatch(/state {4}@1 follower\.watching → leader\.\w+ @6/);
    expect(stdout).toMatch(/\/leader {2}null → "web-1-/);
    expect((await journal('diff', 'good-1.jsonl', '@6', '@6')).code).toBe(0);
  });

  test('shows where two recordings part', async () => {
    const { code, stdout } = await journal('diff', 'good-2.jsonl', 'split-2.jsonl');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\d+ records agree\ngood-2\.jsonl: /);
    expect(stdout).toMatch(/\/event {2}"\S+" → "\S+"/);
    const same = await journal('diff', 'good-1.jsonl', 'good-1.jsonl');
    expect([same.code, same.stdout]).toEqual([0, expect.stringMatching(/^\d+ records agree\n$/)]);
  });
});

describe('bisect', () => {
  test('finds the first record on which two versions of a chart differ', async () => {
    writeFileSync(
      join(scratch.path, 'deaf.ts'),
      `import { leadershipMachine } from ${JSON.stringify(pathToFileURL(join(root, 'machines/index.ts')).href)};
       export const deaf = leadershipMachine.provide({ guards: { isReply: () => false } });`,
    );
    const { code, stdout } = await journal('bisect', 'good-1.jsonl', '--machine', './deaf.ts');
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/✗ diverged at leadership\/billing\/web-1-\S+@3 /);
    expect(stdout).toMatch(/event +lease\.acquired/);
    const none = await journal('bisect', 'good-1.jsonl');
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/--machine: give one chart or two, not 0/);
  });
});

describe('whatif', () => {
  const seqOf = async (type: string): Promise<string> => {
    const { stdout } = await journal('log', 'good-1.jsonl', '--type', type, '--json');
    return `@${(JSON.parse(stdout.split('\n')[1] ?? '') as { seq: number }).seq}`;
  };

  test('shows what would have followed without an event, step by step', async () => {
    const { code, stdout } = await journal('whatif', 'good-1.jsonl', await seqOf('lease.renewed'), '--drop');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /forked at @\d+\n\+ +\+[\d.]+ +leader\.renewing → leader\.retrying +after callTimeout/,
    );
    expect(stdout).toMatch(/\n= .*stop +\//);
    expect(stdout).toMatch(/✓ .*: stopped, as recorded\n$/);
  });

  test('shows what would have followed with one more, for programs too', async () => {
    const at = await seqOf('lease.renewed');
    const inserted = '{"type":"resign","at":0}';
    const { stdout } = await journal('whatif', 'good-1.jsonl', at, '--insert', inserted, '--json');
    const { steps } = JSON.parse(stdout) as { steps: { cause: string; to: unknown }[] };
    expect(steps[0]).toMatchObject({ cause: 'inserted', to: { releasing: 'draining' } });
  });

  test.each([
    [['@3'], /Say one change: --drop, --insert /],
    [['@3', '--drop', '--delay', '1s'], /Say one change/],
    [['@3', '--insert', '{}'], /must be a JSON object with a type/],
    [['@3', '--insert', '{'], /It is no JSON/],
    [['@3', '--edit', 'token=7'], /must be a JSON pointer into the event and a value/],
    [['@3', '--delay', '5'], /Which unit\?/],
    [['@99999', '--drop'], /There is no record @99999/],
    [['@0', '--drop'], /"@0" is no position: write @N/],
  ])('%j is refused: 2', async (args, message) => {
    const { code, stderr } = await journal('whatif', 'good-1.jsonl', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

test('what is behind damage, or at an end that cannot be known, is damage: 3; what is before it is not', async () => {
  const text = readFileSync(join(scratch.path, 'good-1.jsonl'), 'latin1');
  writeFileSync(
    join(scratch.path, 'damaged.jsonl'),
    text.replace('"lease.renewed"', '"lease.removed"'),
    'latin1',
  );
  for (const args of [
    ['whatif', '@7', '--drop'],
    ['show', '@last'],
    ['diff', '@1', '@-2'],
    ['diff', '@1'],
  ]) {
    const [command = '', ...rest] = args;
    const { code, stderr } = await journal(command, 'damaged.jsonl', ...rest);
    expect([args, code, stderr]).toEqual([
      args,
      3,
      expect.stringMatching(/^conclave: The journal is damaged at /),
    ]);
  }
  expect((await journal('diff', 'damaged.jsonl', '@1', '@3')).code).toBe(1);
});
