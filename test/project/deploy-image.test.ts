/** The container image, as far as it can be tried without Docker: what it installs, and what is copied into it. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageManifest, type Lock, type Locked, type Manifest } from '../../scripts/image-manifest.ts';
import { yamlOf } from './deploy-files.ts';
import { packageJson, projectFiles, read, root, run, temporaryDirectory } from './repository.ts';

const manifest = packageJson() as unknown as Manifest;
const lock = JSON.parse(read('package-lock.json')) as Lock;
const made = imageManifest(manifest, lock) as {
  readonly manifest: { readonly dependencies: Readonly<Record<string, string>> };
  readonly lock: { readonly packages: Readonly<Record<string, Locked>> };
};
const installed = Object.keys(made.lock.packages).filter((path) => path !== '');
const dockerfile = read('Dockerfile');
const instructions = dockerfile
  .replaceAll(/^\s*#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line !== '');

describe('what is installed', () => {
  test('has exact versions, each with its checksum, and no development dependency', () => {
    const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
    for (const version of Object.values(made.manifest.dependencies)) expect(version).toMatch(exact);
    for (const path of installed) expect(made.lock.packages[path]).toHaveProperty('integrity');
    const development = Object.keys(manifest.devDependencies).filter(
      (name) => !(name in manifest.peerDependencies),
    );
    expect(development.filter((name) => installed.includes(`node_modules/${name}`))).toEqual([]);
  });

  test('needs no script at its installation, since none is run', () => {
    expect(installed.filter((path) => made.lock.packages[path]?.['hasInstallScript'] === true)).toEqual([]);
  });

  test('a lock file without something that is needed is refused', () => {
    const { 'node_modules/xstate': _, ...packages } = lock.packages;
    expect(() => imageManifest(manifest, { ...lock, packages })).toThrow(
      'package-lock.json has no node_modules/xstate',
    );
  });

  describe('is enough', () => {
    const scratch = temporaryDirectory();
    afterAll(() => scratch[Symbol.dispose]());
    beforeAll(() => {
      for (const path of [...installed, 'src', 'machines', 'package.json']) {
        mkdirSync(dirname(join(scratch.path, path)), { recursive: true });
        if (!existsSync(join(scratch.path, path))) symlinkSync(join(root, path), join(scratch.path, path));
      }
    });
    /** Follows no link, so that nothing is found but what was linked above. */
    const plainNode = (...args: string[]) =>
      run(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', ...args], scratch.path);

    test('for a member with an embedded store, which leads', async () => {
      const ran = await plainNode('src/cli/main.ts', 'run', '--resource', 'r', '--once', '--', 'echo', 'led');
      expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'led\n' });
    });

    test('for whatever it may load later, the client of Redis included', async () => {
      const names = JSON.stringify(Object.keys(made.manifest.dependencies));
      writeFileSync(join(scratch.path, 'all.mjs'), `for (const name of ${names}) await import(name);\n`);
      const ran = await plainNode('all.mjs');
      expect(ran, ran.stderr).toMatchObject({ code: 0 });
    });
  });
});

describe('the Dockerfile', () => {
  const froms = instructions.filter((line) => line.startsWith('FROM'));
  const last = instructions.slice(instructions.lastIndexOf(froms.at(-1) ?? ''));

  test('builds on the Node that the tests run on, pinned', () => {
    expect(instructions[0]).toBe(`ARG NODE_IMAGE=node:${manifest.devDependencies['node']}-bookworm-slim`);
    for (const from of froms) expect(from).toMatch(/^FROM \$\{NODE_IMAGE\}( AS \w+)?$/);
  });

  test('ends as a user by number, with node itself as the first process', () => {
    expect(last).toContain('USER 10001:10001');
    const after = last.slice(last.indexOf('USER 10001:10001') + 1);
    expect(after.filter((line) => /^(USER|RUN|COPY|ADD)\b/.test(line))).toEqual([]);
    const entry = last.find((line) => line.startsWith('ENTRYPOINT'))?.slice('ENTRYPOINT '.length) ?? '';
    expect(JSON.parse(entry)).toEqual(['node', '/opt/conclave/dist/src/cli/main.js']);
    expect(last).toContain('STOPSIGNAL SIGTERM');
  });

  test('copies only what .dockerignore lets in, and .dockerignore lets in only what is copied or built from', () => {
    const letIn = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const files = projectFiles();
    const missing = letIn.filter(
      (path) => !files.some((file) => file === path || file.startsWith(`${path}/`)),
    );
    expect(missing).toEqual([]);
    const built = new Set(['tsconfig.json', 'tsconfig.build.json', 'src', 'scripts']);
    const copied = instructions.filter((line) => line.startsWith('COPY')).join('\n');
    const unused = letIn.filter((path) => !built.has(path) && !copied.includes(path));
    expect(unused).toEqual([]);
    for (const secret of ['.env', '.git', 'node_modules', 'deploy']) expect(letIn).not.toContain(secret);
  });

  test('has a health check, which is copied into it', () => {
    const [, check = ''] = /HEALTHCHECK .*CMD (\[.*\])/.exec(instructions.join('\n')) ?? [];
    expect(JSON.parse(check)).toEqual(['node', '/opt/conclave/image-health.ts']);
    expect(last).toContain('COPY --from=build /build/scripts/image-health.ts ./image-health.ts');
  });
});

describe('compose.yaml', () => {
  interface Service {
    readonly image: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly volumes: readonly string[];
    readonly ports?: readonly string[];
    readonly depends_on?: unknown;
    readonly read_only: boolean;
    readonly cap_drop: readonly string[];
    readonly stop_grace_period: string;
    readonly healthcheck?: { readonly test: readonly string[] };
    readonly command?: readonly string[];
  }
  const { services, volumes } = yamlOf('deploy/compose.yaml') as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
  const { redis, ...members } = services;

  test('has three members, each with a name, ports and a volume of its own', () => {
    const all = Object.entries(members);
    expect(all).toHaveLength(3);
    for (const [name, member] of all) expect(member.environment['POD_NAME']).toBe(name);
    const ports = all.flatMap(([, member]) => member.ports ?? []);
    expect(new Set(ports.map((port) => port.split(':').slice(0, 2).join())).size).toBe(6);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:808[01]$/);
    const states = all.map(([, member]) =>
      member.volumes.find((volume) => volume.endsWith(':/var/lib/conclave')),
    );
    expect(new Set(states).size).toBe(3);
    for (const state of states) expect(volumes).toHaveProperty(state?.split(':')[0] ?? '');
  });

  test('mounts the directory of the settings file, not the file, which would never change', () => {
    for (const { volumes: mounted } of Object.values(members))
      expect(mounted).toContain('./config:/etc/conclave:ro');
    expect(projectFiles()).toContain('deploy/config/conclave.hcl');
  });

  test('gives all the same image of this version, and no way to write or to gain rights', () => {
    const { version } = packageJson() as unknown as { version: string };
    for (const member of Object.values(members)) {
      expect(member.image).toBe(`conclave:${version}`);
      expect(member).toMatchObject({ read_only: true, cap_drop: ['ALL'], stop_grace_period: '60s' });
      expect(member.depends_on).toEqual({ redis: { condition: 'service_healthy' } });
    }
  });

  test('has a Redis with a password that nobody sees in a list of processes, and that never evicts a lease', () => {
    const [shell, flag, command = ''] = redis?.command ?? [];
    expect([shell, flag]).toEqual(['sh', '-c']);
    // Else the shell stays the first process, and passes no signal on.
    expect(command).toMatch(/^exec redis-server /);
    expect(command.split('\n')[0]).not.toContain('PASSWORD');
    expect(command).toContain('--maxmemory-policy noeviction');
    expect(command).toContain('--appendonly yes');
    expect(redis?.healthcheck?.test[1]).toContain('PONG');
    expect(redis?.ports).toBeUndefined();
  });

  test('every variable it wants from .env is in the example, which holds no value', () => {
    const wanted = [...read('deploy/compose.yaml').matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name);
    const lines = read('deploy/.env.example')
      .split('\n')
      .filter((line) => /^\w/.test(line));
    expect(lines.toSorted()).toEqual([...new Set(wanted)].map((name) => `${name}=`).toSorted());
    // What people write there is theirs.
    expect(read('.gitignore').split('\n')).toContain('.env');
  });
});
