/** Settings of the commands beside `up`: they mean the lease that `up` would lead by the same ones, or say what is wrong. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { settingsIfAny, type SettingOptions } from '../../src/cli/given-settings.ts';
import { placesToLookAt } from '../../src/cli/lease-places.ts';
import { overviewOptions } from '../../src/cli/overview-options.ts';
import { leaseMeant } from '../../src/cli/release.ts';
import { runMember } from '../../src/cli/run-settings.ts';
import { readRedis, settingsInput } from '../../src/cli/setting-flags.ts';
import { memberSettingsOf } from '../../src/cli/up-settings.ts';
import { createLeaderElection } from '../../src/index.ts';
import { silentLogger } from '../../src/logger.ts';
import { redisLeases } from '../../src/redis.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { conclave } from './conclave-program.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch[Symbol.dispose]());
afterEach(() => vi.unstubAllEnvs());

/** A settings file, by its path. */
function written(name: string, text: string): string {
  const path = join(scratch.path, name);
  writeFileSync(path, text);
  return path;
}

let config = '';
beforeAll(() => {
  config = written(
    'conclave.yaml',
    `conclave:
  directory: ${join(scratch.path, 'state')}
  redis: { connection: "redis://:hunter2@r", wait_replicas: 1 }
  drain_timeout_seconds: 20
  journal: { path: ${join(scratch.path, 'journal.db')} }
  high_availability:
    leader_election:
      resource_name: billing
      key_prefix: "my:"
      instance_id: web-1
      lease_duration_seconds: 40
      renew_deadline_seconds: 30
`,
  );
});

describe('run', () => {
  test('is the member that `up` would be, but for its journal', async () => {
    const { settings } = await resolveSettings({ ...settingsInput({ config }), readRedis });
    const { journal, ...up } = memberSettingsOf(settings, silentLogger);
    const { member, notes } = await runMember({ config });
    expect(member).toEqual({ ...up, journal: null });
    expect(journal).not.toBeNull();
    expect(notes).toEqual([]);
    // Lest both be wrong.
    expect(member).toMatchObject({
      resource: 'billing',
      name: 'web-1',
      store: 'redis://:hunter2@r',
      directory: join(scratch.path, 'state'),
      redis: { keyPrefix: 'my:', waitReplicas: 1 },
      timings: { leaseDurationMs: 40_000, renewDeadlineMs: 30_000, drainTimeoutMs: 20_000 },
    });
  });

  test('goes by variables rather than the file, and by flags rather than both', async () => {
    vi.stubEnv('CONCLAVE_RESOURCE', 'orders');
    vi.stubEnv('LeaderElection__LeaseDurationSeconds', '50');
    vi.stubEnv('CONCLAVE_CONFIG', config);
    const flags: SettingOptions = { resource: 'nightly', lockKey: 'lock', id: 'x', waitReplicas: '0' };
    const { member } = await runMember(flags);
    expect(member).toMatchObject({
      resource: 'nightly',
      name: 'x',
      redis: { keys: { nightly: 'lock' }, waitReplicas: 0 },
      timings: { leaseDurationMs: 50_000 },
    });
    expect((await runMember({})).member.resource).toBe('orders');
  });

  test.each<[string, SettingOptions, string, RegExp]>([
    ['no name', {}, 'store: memory', /no name.*--resource.*resource_name/],
    ['no store', { resource: 'x' }, 'log_level: info', /no Redis is given/],
    [
      'a member that is paused',
      {},
      'store: memory\n  high_availability: { leader_election: { resource_name: x, paused: true } }',
      /bad\.yaml:3:\d+ \(.*paused\): .*never run/,
    ],
    [
      'several at once, each with its place, but no secret',
      { lease: '30', resource: 'x' },
      'store: "redis://:hunter2@h:hunter3"\n  prt: 1',
      /bad\.yaml:3:3: conclave\.prt[^]*--lease: Which unit[^]*bad\.yaml:2:10: conclave\.store: Redis/,
    ],
  ])('refuses settings with %s', async (_, flags, text, message) => {
    const bad = written('bad.yaml', `conclave:\n  ${text}\n`);
    const refusal = await runMember({ config: bad, ...flags }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringMatching(message) as unknown,
    });
    expect(String(refusal)).not.toContain('hunter');
  });

  test('says so where the election is switched off', async () => {
    vi.stubEnv('CONCLAVE_ELECTION', 'false');
    const { member, notes } = await runMember({ config });
    expect(member.enabled).toBe(false);
    expect(notes).toEqual([expect.stringMatching(/^CONCLAVE_ELECTION: .*leads alone/)]);
  });
});

describe('what is looked at', () => {
  const flags = ['dir', 'keyPrefix', 'lockKey', 'resource', 'store'] as const;
  /** The leases that `status` would show, with such members here. */
  async function shown(
    options: SettingOptions,
    ...members: readonly (readonly [resource: string, store: string, keyPrefix?: string])[]
  ) {
    const { filter, named, otherwise } = overviewOptions(await settingsIfAny(options, flags), options);
    const here = members.map(([resource, store, keyPrefix]) => ({
      resource,
      store,
      keys: keyPrefix === undefined ? {} : { keyPrefix },
    }));
    const places = placesToLookAt(here, filter, named);
    return (places.length > 0 ? places : [otherwise]).map(
      ({ resource, store, keys }) => `${resource} ${store} ${keys.keyPrefix ?? ''}`,
    );
  }
  const redis = 'redis://:***@r:6379';

  test('is what the file names, and every member here, so that a second lease is seen beside the first', async () => {
    expect(await shown({ config })).toEqual([`billing ${redis} my:`]);
    expect(await shown({ config }, ['billing', redis, 'my:'])).toEqual([`billing ${redis} my:`]);
    expect(await shown({ config }, ['billing', redis], ['other', 'sqlite:/x'])).toEqual([
      `billing ${redis} `,
      'other sqlite:/x ',
      `billing ${redis} my:`,
    ]);
  });

  test('is what flags ask for, whatever the file says', async () => {
    expect(await shown({ config, resource: 'a' }, ['b', redis])).toEqual([`a ${redis} my:`]);
    expect(await shown({ config, keyPrefix: 'p:' }, ['billing', redis, 'my:'])).toEqual([
      `billing ${redis} p:`,
    ]);
    expect(await shown({ config, store: 'sqlite:/y' }, ['billing', redis, 'my:'])).toEqual([
      'billing sqlite:/y my:',
    ]);
  });

  test('is what members say, where variables leave open what is meant; else what the variables say', async () => {
    vi.stubEnv('REDIS_CONNECTION_STRING', 'redis://r');
    expect(await shown({}, ['billing', 'sqlite:/x', 'p:'])).toEqual(['billing sqlite:/x p:']);
    vi.stubEnv('CONCLAVE_RESOURCE', 'orders');
    expect(await shown({})).toEqual(['orders redis://r:6379 conclave:leader:']);
    // No key was chosen, and the member knows its own.
    expect(await shown({}, ['orders', 'redis://r:6379', 'p:'])).toEqual(['orders redis://r:6379 p:']);
  });

  test('does without a store, where members can say it, and takes their directory from what is known', async () => {
    const bare = written('bare.yaml', 'conclave: { log_level: info, directory: /there }\n');
    expect(await settingsIfAny({ config: bare }, flags)).toMatchObject({ wrong: null, directory: '/there' });
    const broken = written('broken.yaml', 'conclave: [\n');
    vi.stubEnv('CONCLAVE_DIR', '/here');
    const asked = await settingsIfAny({ config: broken }, flags);
    expect(asked).toMatchObject({ given: null, directory: '/here' });
    expect(asked.wrong?.message).toMatch(/broken\.yaml:\d+:\d+: /);
  });
});

describe('what the file refers to and this shell does not have', () => {
  const block = (store: string) =>
    `conclave {\n  store = ${store}\n  server {\n    tokens = [{ token = env("NOT_HERE"), scopes = ["read"] }]\n  }\n}\n`;

  test('is no problem where the command does without it', async () => {
    const file = written('tokens.hcl', block('env("NOR_THIS", "sqlite:/x.db")'));
    const { given, wrong } = await settingsIfAny({ config: file }, []);
    expect(wrong).toBeNull();
    expect(given?.settings.store.name).toBe('sqlite:/x.db');
    expect((await runMember({ config: file, resource: 'r' })).member.store).toBe('sqlite:/x.db');
    // Whoever serves HTTP does need it.
    await expect(resolveSettings({ ...settingsInput({ config: file }), readRedis })).rejects.toThrow(
      /NOT_HERE/,
    );
  });

  test.for([
    ['env("NOR_THIS")', /store\.hcl:2:11: .*NOR_THIS/],
    ['"redis://:${env("NOR_THIS")}@h"', /store\.hcl:2:\d+: .*NOR_THIS/],
    ['upper(env("NOR_THIS"))', /store\.hcl:2:\d+: .*NOR_THIS/],
    ['env("NOR_THIS") == "x" ? "sqlite:/a.db" : "sqlite:/b.db"', /store\.hcl:2:11: .*NOR_THIS/],
    ['["sqlite:/a.db", env("NOR_THIS")][0]', /store\.hcl:2:\d+: .*NOR_THIS/],
    ['trimspace(file("nor-this"))', /store\.hcl:\d+:\d+: .*cannot be used/],
  ] as const)('is one where the lease depends on it: %s', async ([store, told]) => {
    const file = written('store.hcl', block(store));
    const { given, wrong } = await settingsIfAny({ config: file }, []);
    expect(given).toBeNull();
    expect(wrong?.message).toMatch(told);
    expect(wrong?.message).not.toContain('not-known');
    await expect(runMember({ config: file, resource: 'r' })).rejects.toThrow(told);
  });
});

test('release takes no lease by the key of another resource', async () => {
  const file = written(
    'key.yaml',
    'conclave: { store: "redis://r", high_availability: { leader_election: { resource_name: billing, lock_key: lock } } }\n',
  );
  expect(await leaseMeant({ config: file })).toMatchObject({
    resource: 'billing',
    keys: { keys: { billing: 'lock' } },
  });
  await expect(leaseMeant({ config: file, resource: 'other' })).rejects.toThrow(
    /other, but the key lock comes from .*key\.yaml/,
  );
  expect(await leaseMeant({ config: file, resource: 'other', lockKey: 'mine' })).toMatchObject({
    keys: { keys: { other: 'mine' } },
  });
});

test('a wrong file: the same findings as `conclave settings`, exit code 2, and no secret', async () => {
  using directory = temporaryDirectory();
  const cwd = directory.path;
  const text = 'conclave {\n  store = "redis://:hunter2@h:hunter3"\n  servr { }\n}\n';
  writeFileSync(join(cwd, 'conclave.hcl'), text);
  const [settings, status, run] = await Promise.all([
    conclave(['settings'], { cwd }),
    conclave(['status'], { cwd }),
    conclave(['run', '--resource', 'x', '--', 'true'], { cwd }),
  ]);
  expect(settings.stderr).toMatch(/^conclave\.hcl:3:3: .*Did you mean server\?[^]*^conclave\.hcl:2:11: /m);
  for (const { code, stdout, stderr } of [status, run])
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `conclave: ${settings.stderr}` });
  expect(settings.stderr).not.toContain('hunter');
});

describeRedis('a settings file with a Redis and a prefix', () => {
  test('leads status, run, doctor and release to the lease that is held there', async () => {
    await using redis = await startRedis({ password: 'hunter2' });
    using directory = temporaryDirectory();
    const cwd = directory.path;
    writeFileSync(
      join(cwd, 'conclave.hcl'),
      `conclave {
  high_availability {
    leader_election {
      resource_name = "billing"
      key_prefix    = "my:"
    }
  }
}
cache "redis" { connection = "${redis.url}" }
`,
    );
    await using leases = redisLeases(redis.url, { freshStore: 'trust', keyPrefix: 'my:' });
    await using leader = createLeaderElection({ resource: 'billing', leases, leaseDurationMs: 60_000 });
    await leader.start();
    await leader.whenLeader();

    const told = await Promise.all([
      conclave(['status'], { cwd }),
      conclave(['run', '--try', '--', 'true'], { cwd }),
      conclave(['doctor', '--json'], { cwd }),
    ]);
    const [status, run, doctor] = told;
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(
      new RegExp(`^key {7}my:billing\nleader {4}${leader.candidateId}, term 1`, 'm'),
    );
    // Under another key it would have led beside the other one.
    expect(run).toMatchObject({ code: 75, stderr: expect.stringContaining(leader.candidateId) as unknown });
    expect(doctor.stdout).toContain(`held by ${leader.candidateId}, term 1`);

    const release = await conclave(['release', '--force', '--yes'], { cwd });
    expect(release).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(leader.candidateId) as unknown,
    });
    const all = [...told, release].map(({ stdout, stderr }) => stdout + stderr).join('');
    expect(all).not.toContain('hunter2');
  });
});
