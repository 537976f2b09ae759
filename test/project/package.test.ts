/** What is published: it loads little, and works from its archive in plain Node, without Vite and without a build. */
import { cpSync, globSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_DIRECTORY, entryPointsIn } from '../../scripts/api-reference.ts';
import { apiPages, uncommented } from '../../scripts/api-page.ts';
import { packageJson, projectFiles, read, root, run, temporaryDirectory, tool } from './repository.ts';

const { scripts, exports, bin, files: shippedPaths, dependencies, peerDependencies } = packageJson();
const subpaths = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ specifier: `conclave${subpath.slice(1)}`, ...target }],
);

/** Every module Node loads when a program imports `specifier`, or does what `code` says, by URL. */
async function loadedBy(specifier: string, code = `await import(${JSON.stringify(specifier)});`) {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    ${code}
    process.stdout.write(JSON.stringify(loaded));`;
  const args = ['--conditions=conclave-source', '--input-type=module', '--eval', program];
  const ended = await run(process.execPath, args);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as string[];
}

describe('importing', () => {
  test('the library loads no server, command line, logger, Redis client, SQLite or OpenTelemetry SDK', async () => {
    const heavy = /node_modules\/(ioredis|hono|@hono|commander|pino|@opentelemetry\/(?!api\/))|^node:sqlite/;
    const loaded = await loadedBy('conclave');
    expect(loaded.some((url) => url.endsWith('/src/index.ts'))).toBe(true);
    expect(loaded.filter((url) => heavy.test(url))).toEqual([]);
  });

  test('an election loads nothing of configuration reload, leases in Redis nothing of the doctor', async () => {
    expect((await loadedBy('conclave')).filter((url) => /config-reload/.test(url))).toEqual([]);
    expect((await loadedBy('conclave/redis')).filter((url) => /\/doctor/.test(url))).toEqual([]);
  });

  test('a command loads no other', async () => {
    const program = JSON.stringify(join(root, 'src/cli/program.ts'));
    const asked = async (...args: string[]) =>
      await loadedBy(
        program,
        `const { createProgram } = await import(${program}); await createProgram(${JSON.stringify(args)});`,
      );
    const others =
      /node_modules\/(rxjs|xstate|hono|pino|zod|@opentelemetry)\/|\/src\/cli\/(up|run|config-.*)\.ts$/;
    expect((await asked('--version')).filter((url) => others.test(url))).toEqual([]);
    const showing = await asked('journal', 'show', 'up');
    expect(showing.some((url) => url.endsWith('/src/cli/journal-show.ts'))).toBe(true);
    expect(showing.filter((url) => /\/src\/cli\/(up|run|journal-merge|config-.*)\.ts$/.test(url))).toEqual(
      [],
    );
    expect((await asked('help')).some((url) => url.endsWith('/src/cli/config-validate.ts'))).toBe(true);
  });

  test('a command that is told nothing loads nothing that knows settings, and no format without a file', async () => {
    const status = (variables: object) => {
      const program = JSON.stringify(join(root, 'src/cli/program.ts'));
      return loadedBy(
        program,
        `process.env = ${JSON.stringify(variables)};
         process.stdout.write = () => true;
         const { createProgram } = await import(${program});
         await (await createProgram(['status'])).parseAsync(['status', '--dir', '/nowhere'], { from: 'user' });
         process.exitCode = 0;
         delete process.stdout.write;`,
      );
    };
    const formats = /\/config\/(formats\/(read-config|.*-format)|hcl\/)/;
    const settings = /node_modules\/zod\/|\/settings\/(catalogue|resolve|compose)/;
    const [none, variable] = [await status({ POD_NAME: 'x' }), await status({ CONCLAVE_LOG_LEVEL: 'info' })];
    expect(none.filter((url) => formats.test(url) || settings.test(url))).toEqual([]);
    expect(variable.filter((url) => formats.test(url))).toEqual([]);
    expect(variable.some((url) => settings.test(url))).toBe(true);
  });

  test('metrics load no OpenTelemetry SDK before Prometheus is asked for', async () => {
    const sdk = /node_modules\/@opentelemetry\/(?!api\/)/;
    expect((await loadedBy('conclave/observability')).filter((url) => sdk.test(url))).toEqual([]);
    expect((await loadedBy('conclave/prometheus')).some((url) => sdk.test(url))).toBe(true);
  });

  test('the charts load xstate and nothing else', async () => {
    const loaded = await loadedBy('conclave/machines');
    expect(loaded.filter((url) => !/\/(machines|node_modules\/xstate)\//.test(url))).toEqual([]);
  });
});

describe('scripts', () => {
  test('every one that the documentation or the checks call exists', () => {
    const pages = projectFiles().filter((path) => path.endsWith('.md') || path === '.ci/run');
    const called = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run (?:-\S+ )*(\w[\w:-]*)/g)].map((match) => ({
        page,
        script: match[1] ?? '',
      })),
    );
    expect(called.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });

  test('those that everybody relies on are there', () => {
    const relied = [
      'start',
      'test',
      'test:long',
      'types',
      'lint',
      'format',
      'format:check',
      'build',
      'package:check',
    ];
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(relied));
  });
});

describe('the published archive', () => {
  const scratch = temporaryDirectory();
  const installed = join(scratch.path, 'node_modules', 'conclave');
  afterAll(() => scratch[Symbol.dispose]());

  /** Installed the way npm would: a real directory, since Node runs no TypeScript below node_modules. */
  beforeAll(async () => {
    const built = await run(tool('tsc'), [
      '-p',
      'tsconfig.build.json',
      '--outDir',
      join(scratch.path, 'dist'),
    ]);
    expect(built.stdout).toBe('');
    mkdirSync(installed, { recursive: true });
    const sources = shippedPaths.filter((path) => path !== 'dist');
    for (const path of ['package.json', ...globSync(sources, { cwd: root })]) {
      cpSync(join(root, path), join(installed, path), { recursive: true });
    }
    cpSync(join(scratch.path, 'dist'), join(installed, 'dist'), { recursive: true });
    const needed = Object.keys({ ...dependencies, ...peerDependencies, '@types/node': '' });
    for (const name of needed) {
      const link = join(scratch.path, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), link);
    }
    writeFileSync(join(scratch.path, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  });

  test.for(subpaths)('gives $specifier to plain Node', async ({ specifier }) => {
    // It ends by itself: importing starts nothing that would keep a process alive.
    const program = `console.log(Object.keys(await import('${specifier}')).length);`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout, stderr, code } = await run(process.execPath, args, scratch.path);
    expect(code, stderr).toBe(0);
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  test('keeps leases and journals in SQLite, worker threads and all', async () => {
    const program = `
      import { createLeaderElection } from 'conclave';
      import { sqliteJournal, sqliteLeases } from 'conclave/sqlite';
      const leases = sqliteLeases({ path: 'leases.db' });
      await using election = createLeaderElection({ resource: 'r', leases, journal: sqliteJournal({ path: 'j.db' }) });
      await election.start();
      const { token } = await election.whenLeader();
      console.log('leads', token > 0n);`;
    writeFileSync(join(scratch.path, 'leads.js'), program);
    const ran = await run(process.execPath, ['leads.js'], scratch.path);
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'leads true\n', stderr: '' });
  });

  test('gives its types to a program with other compiler settings than ours', async () => {
    const lines = subpaths.map(({ specifier }, index) => `export * as m${index} from '${specifier}';`);
    writeFileSync(join(scratch.path, 'user.ts'), `${lines.join('\n')}\n`);
    const settings = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2024,esnext.disposable,dom'];
    const args = ['--noEmit', '--strict', '--types', 'node', ...settings, 'user.ts'];
    expect((await run(tool('tsc'), args, scratch.path)).stdout).toBe('');
  });

  test('is described in docs/api, as `npm run generate` would', () => {
    const pages = apiPages(entryPointsIn(join(scratch.path, 'dist')));
    const kept = projectFiles().filter((path) => dirname(path) === API_DIRECTORY);
    expect(kept.map((path) => basename(path)).toSorted()).toEqual([...pages.keys()].toSorted());
    for (const path of kept) expect(read(path), path).toBe(pages.get(basename(path)));
  });

  test('exports nothing that has no comment', () => {
    expect(uncommented(entryPointsIn(join(scratch.path, 'dist')))).toEqual([]);
  });

  test('has a program that says how to use it', async () => {
    const { stdout, stderr, code } = await run(process.execPath, [
      join(installed, bin['conclave'] ?? ''),
      '--help',
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('conclave');
    expect(read('src/cli/main.ts')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('holds no test, no example and no bench', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']);
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const expected =
      /^(dist|machines|src)\/|^visualizations\/([\w-]+\.svg|viewer\.html)$|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
    expect(files.map(({ path }) => path).filter((path) => !expected.test(path))).toEqual([]);
  });
});
