/** `conclave config …`, as a user runs it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type ConfigReload, createConfigReload, type HeadStore } from '../../src/config.ts';
import { memoryLeases } from '../../src/index.ts';
import { sqliteHead } from '../../src/sqlite.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave } from './conclave-program.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch[Symbol.dispose]());
const path = (name: string) => join(scratch.path, name);
const config = (...args: string[]) =>
  conclave(['config', ...args], { cwd: scratch.path, env: { HOST: 'example.org' } });

beforeAll(() => {
  writeFileSync(path('app.hcl'), 'port = 80\npassword = "hunter2"\nserver {\n  host = env("HOST")\n}\n');
  writeFileSync(path('other.yaml'), 'port: 81\npassword: other\nserver:\n  host: example.org\n');
  writeFileSync(path('bad.toml'), 'port = 80\nserver = = 1\n');
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: 'VALIDATE' },
  };
  const validate = `(value) => value.port < 81 ? { value } : { issues: [{ message: 'too large', path: ['port'] }] }`;
  const module = `export default ${JSON.stringify(schema).replace('"VALIDATE"', validate)};\n`;
  writeFileSync(path('schema.mjs'), module);
});

describe.concurrent('conclave config, on files,', () => {
  test('validate says yes to what is valid, and tells place and line of what is not', async () => {
    const [good, bad, refused] = await Promise.all([
      config('validate', 'app.hcl', '--schema', 'schema.mjs'),
      config('validate', 'bad.toml'),
      config('validate', 'other.yaml', '--schema', 'schema.mjs', '--json'),
    ]);
    expect([good.code, good.stdout]).toEqual([0, '✓ app.hcl: valid\n']);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/bad\.toml:2:\d+: .*\n {2}server = = 1\n {2} +\^/);
    expect(refused.code).toBe(1);
    const { valid, diagnostics } = JSON.parse(refused.stdout) as {
      valid: boolean;
      diagnostics: readonly { readonly path: string; readonly line: number }[];
    };
    expect([valid, diagnostics[0]?.path, diagnostics[0]?.line]).toEqual([false, 'port', 1]);
  });

  test('explain says where a key stands and what it is, but for secrets', async () => {
    const { stdout } = await config('explain', 'password', 'app.hcl');
    expect(stdout).toBe(`password = "***"\n  ${path('app.hcl')}:2:1\n`);
  });

  test('diff compares across formats, and convert writes what it reads, references only on request', async () => {
    const [diff, hcl, refused] = await Promise.all([
      config('diff', 'app.hcl', 'other.yaml'),
      config('convert', 'other.yaml', '--to', 'json'),
      config('convert', 'app.hcl', '--to', 'yaml'),
    ]);
    expect(diff.stdout).toBe('~ port: 80 → 81\n~ password: *** → ***\n');
    expect(JSON.parse(hcl.stdout)).toEqual({ port: 81, password: 'other', server: { host: 'example.org' } });
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/refers to env\("HOST"\)\. With --resolve/);
  });
});

describe('conclave config, on what members share,', () => {
  let store: HeadStore;
  let member: ConfigReload<{ port: number }>;
  const place = ['--store', 'sqlite:config.db', '--namespace', 'billing'];
  beforeAll(async () => {
    writeFileSync(path('shared.json'), '{"port": 1}');
    writeFileSync(
      path('members.hcl'),
      'conclave {\n  store = "sqlite:leases.db"\n  configuration { path = "shared.json" }\n}\nLeaderElection { ResourceName = "billing" }\n',
    );
    store = sqliteHead({ path: path('config.db'), namespace: 'billing' });
    member = createConfigReload({
      source: path('shared.json'),
      schema: z.object({ port: z.number().max(2) }),
      store,
      leases: memoryLeases(),
      memberId: 'web-1',
    });
    await member.start();
    writeFileSync(path('shared.json'), '{"port": 2}');
    await vi.waitFor(() => expect(member.current.port).toBe(2), { timeout: 20_000 });
  });
  afterAll(async () => {
    await member.stop();
    await store.close();
  });

  test('status and history tell who has what, and rollback moves all back and waits for them', async () => {
    const before = await config('status', ...place);
    expect(before.stdout).toMatch(/^Generation 2, .*\n.*\nweb-1-\w+ +applied 2 /);
    expect(before.code).toBe(0);
    const moved = await config('rollback', ...place);
    expect(moved.stdout).toMatch(/Moved to generation 3 .*\n1 of 1 members have it/);
    expect(moved.code).toBe(0);
    expect(member.current.port).toBe(1);
    // Where that is, settings say as well: beside the leases, by the name of the resource.
    const history = await config('history', '--config', 'members.hcl', '--json');
    const generations = (JSON.parse(history.stdout) as { history: { generation: number; why: string }[] })
      .history;
    expect(generations.map(({ generation }) => generation)).toEqual([3, 2, 1]);
    expect(generations[0]?.why).toBe('rolled back to generation 1');
  });

  test('a store that is not there is not made', async () => {
    const { code, stderr } = await config('status', '--store', 'sqlite:nowhere.db');
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is no file')]);
  });
});
