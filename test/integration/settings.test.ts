/** Settings of a real process: which file is read, `conclave settings`, and the settings file reloaded. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfigReload, createConfigReload } from '../../src/config-reload.ts';
import { SETTINGS_KEYS, settingsSchema, settingsSecrets } from '../../src/settings/reload-schema.ts';
import { examineSettings, resolveSettings, type SettingsInput } from '../../src/settings/resolve.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { readRedis } from '../../src/cli/setting-flags.ts';
import { takeStateDirectory } from '../../src/cli/state-directory.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { conclave } from './conclave-program.ts';

const input = (cwd: string, more: Partial<SettingsInput> = {}): SettingsInput => ({
  environment: {},
  flags: {},
  cwd,
  readRedis,
  ...more,
});

describe('the place where the last good settings are remembered', () => {
  test.runIf(process.getuid?.() === 0)(
    'on a full disk is asked to have room (mounting one needs root)',
    async () => {
      using directory = temporaryDirectory();
      const disk = join(directory.path, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
      using _ = { [Symbol.dispose]: () => void execFileSync('umount', ['-l', disk]) };
      const ballast = () => writeFileSync(join(disk, 'ballast'), Buffer.alloc(64 * 1024 + 1));
      expect(ballast).toThrow(/ENOSPC/);
      const taken = takeStateDirectory(join(disk, 'config'), '/etc/conclave/conclave.hcl');
      await expect(taken).rejects.toMatchObject({ code: 'DIRECTORY_UNWRITABLE' });
      await expect(taken).rejects.toThrow(/the disk is full\): make room, or choose another by --dir/);
      rmSync(join(disk, 'ballast'));
      await using own = await takeStateDirectory(join(disk, 'config'), '/etc/conclave/conclave.hcl');
      expect(readdirSync(own.path)).toEqual(['member.lock']);
    },
  );
});

describe('the settings file', () => {
  test('is the one that is named, else CONCLAVE_CONFIG, else the one that is there; several are asked about', async () => {
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const portOf = async (more?: Partial<SettingsInput>) =>
      (await resolveSettings(input(cwd, more))).settings.server.port;
    expect((await examineSettings(input(cwd))).file).toBeNull();
    const written = (name: string, port: number) =>
      writeFileSync(join(cwd, name), `conclave: { store: memory, server: { port: ${port} } }\n`);
    written('conclave.yaml', 1);
    written('named.yaml', 2);
    written('variable.yaml', 3);
    expect(await portOf()).toBe(1);
    expect(await portOf({ environment: { CONCLAVE_CONFIG: 'variable.yaml' } })).toBe(3);
    expect(await portOf({ environment: { CONCLAVE_CONFIG: 'variable.yaml' }, file: 'named.yaml' })).toBe(2);
    written('conclave.json', 4);
    await expect(portOf()).rejects.toThrow(
      'There are several settings files: conclave.yaml and conclave.json.',
    );
  });

  test('may be a directory of files that belong together, which refer to files beside them', async () => {
    using directory = temporaryDirectory();
    const place = join(directory.path, 'settings');
    mkdirSync(join(place, 'secrets'), { recursive: true });
    writeFileSync(join(place, 'secrets/redis'), 'file-secret\n');
    writeFileSync(join(place, 'election.hcl'), 'conclave {\n  log_level = "warn"\n}\n');
    writeFileSync(
      join(place, 'redis.hcl'),
      'conclave {\n  redis {\n    host     = "r"\n    password = trimspace(file("secrets/redis"))\n  }\n}\n',
    );
    const { settings, origins } = await resolveSettings(input(directory.path, { file: 'settings' }));
    expect(settings.store.connection?.text).toBe('redis://:file-secret@r');
    expect(origins.get('log.level')).toMatchObject({
      place: { file: 'settings/election.hcl', line: 2, column: 3 },
    });
  });

  test.each([
    ['is missing', null, /conclave\.hcl: There is no file/],
    ['is empty', '', /The file is empty/],
    ['is cut off', 'conclave {\n  server {\n', /^conclave\.hcl:\d+:\d+: /],
    ['is no text', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
    [
      'misses a variable',
      'cache "redis" {\n  connection = env("NOT_SET")\n}\n',
      /^conclave\.hcl:2:\d+: .*NOT_SET/,
    ],
  ])('that %s is refused in a line with its place', async (_, content, message) => {
    using directory = temporaryDirectory();
    if (content !== null) writeFileSync(join(directory.path, 'conclave.hcl'), content);
    const { settings, problems } = await examineSettings(input(directory.path, { file: 'conclave.hcl' }));
    expect(settings).toBeNull();
    expect(problems.map(({ text }) => text).join('\n')).toMatch(message);
  });
});

describe('conclave settings', () => {
  const file = [
    'conclave {',
    '  environment = "production"',
    '  store       = "redis://:top-secret@r"',
    '  server {',
    '    port   = 9090',
    '    tokens = [{ token = "the-token-secret", scopes = ["read"] }]',
    '  }',
    '}',
    'cache "redis" { prefix = "my:" }',
    '',
  ].join('\n');

  test('shows each value with its origin, and notes, but no secret', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'conclave.hcl'), file);
    const env = { LeaderElection__GracePeriodSeconds: '2' };
    const people = await conclave(['settings', '--lease', '20s'], { cwd: directory.path, env });
    expect(people).toMatchObject({ code: 0, stderr: '' });
    expect(people.stdout).toMatch(
      /^server\.port +9090 +conclave\.hcl:5:5 \(conclave\.server\.port\) +restart$/m,
    );
    expect(people.stdout).toMatch(/^leaderElection\.leaseDurationMs +20000 ms +--lease +live$/m);
    expect(people.stdout).toMatch(
      /^leaderElection\.gracePeriodMs +2000 ms +LeaderElection__GracePeriodSeconds +live$/m,
    );
    expect(people.stdout).toMatch(/^environment +production +conclave\.hcl:2:3/m);
    expect(people.stdout).toMatch(/^store\.name +redis:\/\/:\*\*\*@r:6379 +conclave\.hcl:3:3/m);
    expect(people.stdout).toMatch(/^note: conclave\.hcl:9:17: cache\.redis\.prefix: This has no effect\./m);
    expect(people.stdout).not.toContain('secret');
  });

  test('tells everything that is wrong at once, and exits with 2', async () => {
    using directory = temporaryDirectory();
    const wrong = file
      .replace('port   = 9090', 'prt    = 9090')
      .replace('"production"', '"prod"')
      .replace('the-token-secret', 'short');
    writeFileSync(join(directory.path, 'wrong.hcl'), wrong);
    const { code, stdout, stderr } = await conclave(
      ['settings', '--config', 'wrong.hcl', '--lease', '30', '--json'],
      { cwd: directory.path },
    );
    expect([code, stderr]).toEqual([2, '']);
    const { valid, problems } = JSON.parse(stdout) as {
      valid: boolean;
      problems: { text: string; origin: object }[];
    };
    expect(valid).toBe(false);
    expect(problems.map(({ text }) => text.split('\n')[0])).toEqual([
      'wrong.hcl:2:17: conclave.environment: It must be one of development, staging, production, high-load.',
      'wrong.hcl:5:5: conclave.server.prt: There is no such key. Did you mean port?',
      expect.stringMatching(
        /^wrong\.hcl:6:\d+: conclave\.server\.tokens\[0\]\.token: It must be a text of 16 characters/,
      ),
      expect.stringMatching(/^--lease: Which unit\?/),
    ]);
    expect(problems[1]?.origin).toMatchObject({
      layer: 'file',
      place: { file: 'wrong.hcl', line: 5, column: 5 },
    });
    expect(stdout).not.toContain('top-secret');
  });
});

describe('the settings file, reloaded', () => {
  async function started(
    cwd: string,
    text: string,
  ): Promise<{ reload: ConfigReload<Settings>; write: (text: string) => void }> {
    const write = (now: string) => writeFileSync(join(cwd, 'conclave.yaml'), now);
    write(text);
    const environment = { LeaderElection__GracePeriodSeconds: '2' };
    const { layers, file } = await resolveSettings(
      input(cwd, { environment, flags: { resource: 'billing' } }),
    );
    const reload = createConfigReload({
      source: file ?? '',
      schema: settingsSchema(layers),
      keys: SETTINGS_KEYS,
      secrets: settingsSecrets(environment),
    });
    await reload.start();
    return { reload, write };
  }

  test('brings what is live at once, names what needs a restart, and keeps flags and environment over it', async () => {
    using directory = temporaryDirectory();
    const { reload, write } = await started(
      directory.path,
      'conclave: { store: memory, server: { port: 9090 } }\n',
    );
    await using _ = reload;
    write('conclave: { store: memory, log_level: warn, server: { port: 9191 }, environment: high-load }\n');
    const outcome = await reload.reload();
    expect(outcome).toMatchObject({
      type: 'applied',
      changed: {
        live: expect.arrayContaining([
          'environment',
          'log.level',
          'leaderElection.leaseDurationMs',
          'drainTimeoutMs',
        ]) as unknown,
        restart: ['server.port'],
      },
    });
    expect(reload.current.leaderElection).toMatchObject({
      resourceName: 'billing',
      gracePeriodMs: 2000,
      leaseDurationMs: 60_000,
    });
  });

  test('that is wrong changes nothing, says where, and shows no line of it', async () => {
    using directory = temporaryDirectory();
    const { reload, write } = await started(directory.path, 'conclave: { store: memory }\n');
    await using _ = reload;
    const before = reload.current;
    write(
      'conclave:\n  store: memory\n  redis:\n    pasword: misspelled-secret\n  server:\n    port: nowhere\n',
    );
    const outcome = await reload.reload();
    expect(outcome).toMatchObject({ type: 'rejected' });
    const told = JSON.stringify(outcome);
    expect(told).toContain('Did you mean password?');
    expect(outcome).toMatchObject({
      diagnostics: [
        {
          file: expect.stringMatching(/conclave\.yaml$/) as unknown,
          line: 4,
          path: 'conclave.redis.pasword',
        },
        { line: 6, column: 11, path: 'conclave.server.port' },
      ],
    });
    expect(told).not.toContain('misspelled');
    expect(reload.current).toBe(before);
  });

  test('a password that changed is seen to have changed, and not told', async () => {
    using directory = temporaryDirectory();
    const { reload, write } = await started(
      directory.path,
      'conclave: { store: "redis://:first-secret@r" }\n',
    );
    await using _ = reload;
    write('conclave: { store: "redis://:second-secret@r" }\n');
    const difference = await reload.diff();
    expect(JSON.stringify(difference)).not.toContain('secret@');
    expect(await reload.reload()).toMatchObject({
      type: 'applied',
      changed: { restart: ['store.connection'] },
    });
  });
});
