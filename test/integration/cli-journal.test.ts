/** `conclave journal …`, as a user runs it, on journals that elections wrote. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leadershipMachine } from '../../machines/index.ts';
import { toConfigJson } from '../../src/cli/diagram-json.ts';
import { createLeaderElection } from '../../src/leader-election.ts';
import { encodeFrame } from '../../src/journal/jsonl-frame.ts';
import { memoryLeases } from '../../src/lease/memory-lease-store.ts';
import { sqliteJournal } from '../../src/sqlite.ts';
import { root, run, temporaryDirectory } from '../project/repository.ts';
import { conclave, Running } from './conclave-program.ts';

const scratch = temporaryDirectory();
const at = (name: string) => join(scratch.path, name);
const journal = (...args: string[]) => conclave(['journal', ...args], { cwd: scratch.path });
const lines = (text: string) => text.trimEnd().split('\n');

/** Elections of two members: the first leads and resigns, the second then leads. */
async function record(path: string): Promise<string[]> {
  await using records = sqliteJournal({ path });
  await using leases = memoryLeases();
  const options = { resource: 'billing', leases, journal: records };
  await using first = createLeaderElection({ ...options, candidateId: 'web-1' });
  await first.start();
  await first.whenLeader();
  await using second = createLeaderElection({ ...options, candidateId: 'web-2' });
  await second.start();
  await first.resign();
  await second.whenLeader();
  return [first.journal.stream, second.journal.stream];
}

let web1: string;
let exported: Buffer;

beforeAll(async () => {
  [web1 = ''] = await record(at('two.db'));
  await journal('export', 'two.db', '--out', 'two.jsonl');
  exported = readFileSync(at('two.jsonl'));
});
afterAll(() => scratch[Symbol.dispose]());

describe('log', () => {
  test('lists each record on a line: number, time, kind, states, event, effects, token', async () => {
    const { code, stdout } = await journal('log', 'two.db', '--stream', 'web-1');
    expect(code).toBe(0);
    const [heading, opening, ...rest] = lines(stdout);
    expect(heading).toMatch(
      /^leadership\/billing\/web-1-\S+ {2}\(leadership#[0-9a-f]{8}, @1 to @\d+\) {2}from 20/,
    );
    expect(opening).toMatch(/^ +1 +init +follower\.watching +xstate\.init/);
    const won = rest.find((line) => line.includes('lease.acquired'));
    expect(won).toMatch(
      /^ +\d+ +\+[\d.]+ {2}event +candidate\.acquiring → candidate\.recording +lease\.acquired +\/ awaitJournal, .* token \d+$/,
    );
  });

  test('shows all streams, one after the other, if none is chosen', async () => {
    const { stdout } = await journal('log', 'two.jsonl');
    expect(lines(stdout).filter((line) => line.startsWith('leadership/'))).toHaveLength(2);
  });

  test('filters by event, state and position', async () => {
    const { stdout } = await journal(
      'log',
      'two.db',
      '--stream',
      'web-1',
      '--json',
      '--type',
      'lease.*',
      '--to',
      '@last',
    );
    const types = lines(stdout).map((line) => (JSON.parse(line) as { event: { type: string } }).event.type);
    expect(types).toContain('lease.acquired');
    expect(types.every((type) => type.startsWith('lease.'))).toBe(true);
    const led = await journal('log', 'two.db', '--stream', 'web-1', '--state', 'leader', '--from', '@2');
    expect(lines(led.stdout).slice(1).length).toBeGreaterThan(2);
    expect(
      lines(led.stdout)
        .slice(1)
        .every((line) => line.includes('leader.')),
    ).toBe(true);
  });

  test('--follow goes on as records are written', async () => {
    await using records = sqliteJournal({ path: at('live.db') });
    await using leases = memoryLeases();
    const options = { resource: 'billing', leases, journal: records };
    await using election = createLeaderElection({ ...options, candidateId: 'web-1' });
    await election.start();
    await election.whenLeader();
    await using following = new Running(['journal', 'log', 'live.db', '--follow'], { cwd: scratch.path });
    await following.says(/lease\.acquired/);
    expect(following.stdout).not.toMatch(/resign/);
    await election.resign();
    await following.says(/leader\.\w+ → releasing\.draining +resign/);
  });
});

describe('show', () => {
  test('shows one record whole, with what it made of the context', async () => {
    const { code, stdout } = await journal('show', 'two.db', '@3', '--stream', 'web-1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^leadership\/billing\/web-1-\S+@3\n/);
    expect(stdout).toMatch(/ {2}event +lease\.acquired\n {4}\{\n/);
    expect(stdout).toMatch(/ {2}before +candidate\.acquiring\n {2}after +candidate\.recording\n/);
    expect(stdout).toMatch(/3:1 {2}awaitJournal\n/);
    expect(stdout).toMatch(/\/term {2}null → \{"token":"\d+"/);
  });

  test('counts from the end, and says which records there are', async () => {
    const last = await journal('show', 'two.db', '@-1', '--stream', 'web-1', '--json');
    const { record: shown } = JSON.parse(last.stdout) as { record: { stream: string; to: unknown } };
    expect(shown).toMatchObject({ stream: web1, to: 'stopped' });
    const beyond = await journal('show', 'two.db', '@999', '--stream', 'web-1');
    expect(beyond.code).toBe(2);
    expect(beyond.stderr).toMatch(/no record @999 .* it holds @1 to @\d+\./);
  });
});

describe('verify', () => {
  test.each(['two.db', 'two.jsonl'])('%s is whole', async (name) => {
    const { code, stdout } = await journal('verify', name);
    expect(stdout).toMatch(/ is whole: \d+ records of 2 streams/);
    expect(code).toBe(0);
  });

  test('reads an export from standard input', async () => {
    const piped = await run(
      'sh',
      ['-c', `cat two.jsonl | "$0" "$1" journal verify -`, process.execPath, main],
      scratch.path,
    );
    expect(piped.stdout).toMatch(/^✓ Standard input is whole/);
    const damaged = Buffer.from(exported);
    damaged[Math.floor(exported.length / 2)]! ^= 1;
    writeFileSync(at('damaged-stdin.jsonl'), damaged);
    const refused = await run(
      'sh',
      ['-c', `cat damaged-stdin.jsonl | "$0" "$1" journal verify -`, process.execPath, main],
      scratch.path,
    );
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/damaged at standard input, byte \d+, line \d+/);
  });

  const places = [0, 0.0005, 0.1, 0.3, 0.5, 0.77, 0.97, 0.999, 1];
  test.each(places)('one byte changed at %d of an export is refused, with its place: 3', async (share) => {
    const damaged = Buffer.from(exported);
    const offset = Math.round((exported.length - 1) * share);
    damaged[offset]! ^= 1;
    const name = `damaged-${share}.jsonl`;
    writeFileSync(at(name), damaged);
    const { code, stderr } = await journal('verify', name);
    expect(code, stderr).toBe(3);
    const [, byte, line] = /byte (\d+), line (\d+)/.exec(stderr) ?? [];
    // The place is that of the line that holds the byte.
    const before = exported.subarray(0, offset).toString('latin1').split('\n');
    expect(Number(line)).toBe(before.length);
    expect(Number(byte)).toBeLessThanOrEqual(offset);
  });

  test('an export that was cut short is refused: 3; what precedes can be listed', async () => {
    writeFileSync(at('cut.jsonl'), exported.subarray(0, exported.length - 100));
    const { code, stderr } = await journal('verify', 'cut.jsonl');
    expect(code).toBe(3);
    expect(stderr).toMatch(/ends too early|damaged/);
    const log = await journal('log', 'cut.jsonl');
    expect(log.code).toBe(3);
    expect(log.stdout).toMatch(/lease\.acquired/);
  });

  test('a record changed within the database is found', async () => {
    copyFileSync(at('two.db'), at('changed.db'));
    const database = new DatabaseSync(at('changed.db'));
    database.exec(
      `UPDATE record SET body = replace(body, '"source":"timer"', '"source":"child"') WHERE seq = 2`,
    );
    database.close();
    const { code, stdout } = await journal('verify', 'changed.db', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      findings: [{ place: expect.stringMatching(/#2/) as string }],
    });
  });
});

describe('replay', () => {
  test('the charts that come with conclave make the same of it', async () => {
    const { code, stdout } = await journal('replay', 'two.jsonl');
    expect(code, stdout).toBe(0);
    expect(stdout.match(/: FINE\n✓ \d+ records came out as they were recorded/g)).toHaveLength(2);
  });

  test('a chart with one guard changed stops at the first difference and shows both sides: 1', async () => {
    writeChart('guarded.ts', 'leadershipMachine.provide({ guards: { isInTime: () => false } })');
    const { code, stdout } = await journal(
      'replay',
      'two.jsonl',
      '--stream',
      'web-1',
      '--machine',
      './guarded.ts#chart',
    );
    expect(code).toBe(1);
    expect(stdout).toContain(`✗ diverged at ${web1}@3   (2 records match)`);
    expect(stdout).toMatch(/recorded +replayed\n/);
    expect(stdout).toMatch(/state +\{"candidate":"recording"\} +\{"follower":"\w+"\} +← first difference/);
    expect(stdout).toMatch(/context +\/seen "\d+" +\/seen "0"/);
    const [, command = ''] = /next +conclave (.*)/.exec(stdout) ?? [];
    const next = await conclave(command.split(' '), { cwd: scratch.path });
    expect(next.stdout).toContain(`${web1}@3`);
  });

  test('a chart without one of the recorded states is impossible, before anything is replayed: 4', async () => {
    writeChart(
      'other.ts',
      "createMachine({ id: 'leadership', initial: 'follower', states: { follower: {} } })",
    );
    const { code, stdout, stderr } = await journal('replay', 'two.jsonl', '--machine', './other.ts');
    expect(code).toBe(4);
    expect(stdout).toMatch(/IMPOSSIBLE/);
    expect(stderr).toMatch(/cannot have written .*: leadership\.follower.*\.$/m);
  });

  test('a chart with other actions is risky, and is tried', async () => {
    const config = JSON.stringify(toConfigJson(leadershipMachine, ''));
    writeChart('risky.ts', `createMachine(JSON.parse(${config}))`);
    const { code, stdout } = await journal('replay', 'two.jsonl', '--machine', './risky.ts');
    expect(stdout).toMatch(/: RISKY\n {2}risky +leadership/);
    expect(code).toBe(1);
  });

  test('a journal of a chart that does not come with conclave needs --machine: 4', async () => {
    writeFileSync(
      at('door.mjs'),
      `import { createActor, createMachine } from ${moduleOf('node_modules/xstate/dist/xstate.esm.js')};
       import { eventSourced } from ${moduleOf('src/runtime/index.ts')};
       import { sqliteJournal } from ${moduleOf('src/sqlite.ts')};
       export const door = createMachine({ id: 'door', initial: 'closed', states: { closed: { on: { open: 'ajar' } }, ajar: {} } });
       if (process.argv[2] === 'write') {
         const journal = sqliteJournal({ path: 'door.db' });
         const actor = createActor(eventSourced(door, { journal, stream: 'doors/front' })).start();
         actor.send({ type: 'open' });
         actor.stop();
         await journal.close();
       }`,
    );
    expect(await run(process.execPath, ['door.mjs', 'write'], scratch.path)).toMatchObject({ code: 0 });
    const without = await journal('replay', 'door.db');
    expect(without.code, without.stderr).toBe(4);
    expect(without.stderr).toMatch(/chart "door", which does not come with conclave/);
    const given = await journal('replay', 'door.db', '--machine', './door.mjs');
    expect(given.code, given.stderr).toBe(0);
    expect(given.stdout).toMatch(/✓ 3 records .* ending in ajar/);
  });
});

describe('export', () => {
  test('one stream, to standard output, byte for byte what --out writes', async () => {
    const { stdout } = await journal('export', 'two.db', '--stream', 'web-2');
    await journal('export', 'two.db', '--stream', 'web-2', '--out', 'one.jsonl');
    expect(readFileSync(at('one.jsonl'), 'utf8')).toBe(stdout);
    expect((await journal('verify', 'one.jsonl')).stdout).toMatch(/of 1 stream/);
  });

  test('overwrites nothing: 2', async () => {
    const { code, stderr } = await journal('export', 'two.db', '--out', 'two.jsonl');
    expect(code).toBe(2);
    expect(stderr).toMatch(/two\.jsonl is there already/);
    expect(readFileSync(at('two.jsonl')).equals(exported)).toBe(true);
  });
});

describe('what is no journal', () => {
  beforeAll(() => {
    writeFileSync(at('notes.txt'), 'nothing of ours\n');
    writeFileSync(at('empty.db'), '');
    writeFileSync(at('newer.jsonl'), newer());
  });

  test.each([
    [['log', 'twoo.db'], 2, /no file twoo\.db; did you mean two\.db\?/],
    [['log', 'no-such-directory/x.db'], 2, /no directory no-such-directory/],
    [['log', '.'], 2, /is a directory/],
    [['verify', 'notes.txt'], 2, /neither a journal\.db nor a JSONL journal/],
    [['verify', 'empty.db'], 3, /is empty/],
    [['verify', 'newer.jsonl'], 2, /format 99; this version reads up to 1/],
    [['log', 'two.db', '--stream', 'web-9'], 2, /no stream "web-9".* It holds 2 streams: leadership/],
    [['show', 'two.db'], 2, /holds 2 streams: .*: choose one by --stream/],
    [['show', 'two.db', '@x'], 2, /"@x" is no position: write @N/],
    [['replay', 'two.db', '--machine', './none.ts'], 2, /there is no file \.\/none\.ts/],
  ])('%j: %i, and what to do', async (args, code, message) => {
    const told = await journal(...args);
    expect(told.stderr).toMatch(message);
    expect(told.code).toBe(code);
  });
});

const main = join(root, 'src/cli/main.ts');

const moduleOf = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);

function writeChart(name: string, expression: string): void {
  writeFileSync(
    at(name),
    `import { createMachine } from ${moduleOf('node_modules/xstate/dist/xstate.esm.js')};
     import { leadershipMachine } from ${moduleOf('machines/index.ts')};
     void [createMachine, leadershipMachine];
     export const chart = ${expression};`,
  );
}

/** The same journal as a later version might write it. */
function newer(): Buffer {
  const [header = ''] = exported.toString('utf8').split('\n');
  const json = header.slice(header.indexOf('{')).replace('"format":1', '"format":99');
  return encodeFrame(json);
}
