/**
 * What `npm pack` makes, installed into an empty project and used as strangers use it: by the guide, from JavaScript,
 * strict TypeScript and CommonJS, and in the frameworks that the examples are for.
 */
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { follow, stepsOf } from './guide-steps.ts';
import { packageJson, read, root, run, temporaryDirectory, tool } from './repository.ts';

const project = temporaryDirectory();
const place = (name: string) => join(project.path, name);
afterAll(() => project[Symbol.dispose]());

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

/** As from a shell elsewhere: neither inside of a test runner, nor of an npm that runs a script of this repository. */
function elsewhere(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(NODE_ENV|NODE_OPTIONS|VITEST.*|INIT_CWD|npm_(package|lifecycle|config_\w*prefix).*)$/.test(name),
  );
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !part.startsWith(root));
  return {
    ...Object.fromEntries(inherited),
    PATH: [dirname(process.execPath), ...path].join(delimiter),
    NO_COLOR: '1',
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
}

const environment = elsewhere();
/** Builds, or asks a registry: minutes on a busy machine. */
const npm = (args: readonly string[], cwd = project.path) => run('npm', args, cwd, 600_000);

const guide = read('docs/guide.md');
const steps = stepsOf(guide);
const install = steps.findIndex((step) => step.kind === 'file');

beforeAll(async () => {
  const { stdout, stderr, code } = await npm(['pack', '--json', '--pack-destination', project.path], root);
  expect(code, stderr).toBe(0);
  // What the build says comes before.
  [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m))) as [Packed];
  await follow(steps.slice(0, install), project.path, environment);
});

/** Runs a program in the project; what it prints, if it ends well. */
async function said(name: string, program: string): Promise<string> {
  writeFileSync(place(name), program);
  const { stdout, stderr, code } = await run(process.execPath, [name], project.path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}

test('holds what is needed to use it, its licence and what changed, and no test', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(['LICENSE', 'CHANGELOG.md', 'README.md', 'package.json', 'dist/src/cli/main.js']),
  );
  const foreign = /(^|\/)(test|bench|examples|node_modules)\/|\.test\.|^(docs|scripts)\/|\.env/;
  expect(paths.filter((path) => foreign.test(path))).toEqual([]);
});

test('is as small as README.md says', () => {
  const [, packedMax = '', unpackedMax = ''] =
    /([\d.]+) MB packed, ([\d.]+) MB unpacked/.exec(read('README.md')) ?? [];
  expect(packed.size).toBeLessThan(Number(packedMax) * 1e6);
  expect(packed.unpackedSize).toBeLessThan(Number(unpackedMax) * 1e6);
});

describeRedis('with a Redis', () => {
  test('the guide leads where it says', async () => {
    await using redis = await startRedis();
    const following = stepsOf(guide.replaceAll('redis://localhost:6379', redis.url)).slice(install);
    const done = await follow(following, project.path, environment);
    expect(done).toBe(following.length);
  });
});

test('importing conclave loads no Redis client, server, command line, logger or OpenTelemetry SDK', async () => {
  const loaded = await said(
    'loaded.js',
    `import { registerHooks } from 'node:module';
     const loaded = [];
     registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
     await import('conclave');
     console.log(loaded.join('\\n'));`,
  );
  expect(loaded).toContain('/node_modules/conclave/dist/src/index.js');
  const heavy = /node_modules\/(ioredis|hono|@hono|commander|pino|@opentelemetry\/(?!api\/))|^node:sqlite/m;
  expect(loaded).not.toMatch(heavy);
});

test('CommonJS gets it by require', async () => {
  const program = `
    const { createLeaderElection, memoryLeases } = require('conclave');
    const election = createLeaderElection({ resource: 'r', leases: memoryLeases() });
    election.start().then(() => election.whenLeader()).then(({ number }) => {
      console.log('leads in term', number);
      return election.stop();
    });`;
  expect(await said('program.cjs', program)).toBe('leads in term 1');
});

test('strict TypeScript takes every entry point', async () => {
  const specifiers = Object.keys(packageJson().exports).filter((subpath) => !subpath.endsWith('.json'));
  const lines = specifiers.map(
    (subpath, index) => `export * as m${index} from 'conclave${subpath.slice(1)}';`,
  );
  writeFileSync(place('all.ts'), `${lines.join('\n')}\n`);
  const installed = await npm(['install', '--prefer-offline', '--no-save', '@types/node@24']);
  expect(installed.code, installed.stderr).toBe(0);
  const strict = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  const language = ['--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,esnext.disposable,dom'];
  const options = [...strict, ...language, '--allowImportingTsExtensions', '--isolatedModules'];
  const { stdout } = await run(tool('tsc'), [...options, 'all.ts', 'member.ts'], project.path);
  expect(stdout).toBe('');
});

describe('the examples in real frameworks', () => {
  beforeAll(async () => {
    const packages = [
      'fastify@5.12.8',
      '@nestjs/common@12.5.1',
      '@nestjs/core@12.5.1',
      'reflect-metadata@0.2.2',
    ];
    const { code, stderr } = await npm(['install', '--prefer-offline', '--no-save', ...packages]);
    expect(code, stderr).toBe(0);
    for (const name of readdirSync(join(root, 'examples')))
      copyFileSync(join(root, 'examples', name), place(name));
  });

  test('Fastify joins when it is ready and hands over when it closes', async () => {
    const program = `
      import Fastify from 'fastify';
      import { createLeaderElection, memoryLeases } from 'conclave';
      import { leadership } from './fastify-plugin.ts';
      const election = createLeaderElection({ resource: 'billing', leases: memoryLeases() });
      const app = Fastify();
      app.register(leadership, { election });
      await app.ready();
      await election.whenLeader();
      console.log((await app.inject({ method: 'POST', url: '/invoices' })).body);
      await election.resign();
      console.log((await app.inject({ method: 'POST', url: '/invoices' })).statusCode);
      await app.close();
      console.log(await election.start().catch(({ code }) => code));`;
    const lines = await said('with-fastify.mjs', program);
    expect(lines.split('\n').slice(-3)).toEqual(['{"sent":true,"token":"1"}', '421', 'ELECTION_STOPPED']);
  });

  test('Nest joins when its module is initialised and hands over when it shuts down', async () => {
    const program = `
      import 'reflect-metadata';
      import { Module } from '@nestjs/common';
      import { NestFactory } from '@nestjs/core';
      import { memoryLeases } from 'conclave';
      import { Leadership } from './nest-lifecycle.ts';
      const work = async ({ signal }) => {
        console.log('works');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        console.log('told to end');
      };
      class App {}
      Module({ providers: [{ provide: Leadership, useFactory: () => new Leadership(memoryLeases(), work) }] })(App);
      const app = await NestFactory.createApplicationContext(App, { logger: false });
      await app.get(Leadership).election.whenLeader();
      await app.close();
      console.log(await app.get(Leadership).election.start().catch(({ code }) => code));`;
    const lines = await said('with-nest.mjs', program);
    expect(lines.split('\n').slice(-3)).toEqual(['works', 'told to end', 'ELECTION_STOPPED']);
  });
});
