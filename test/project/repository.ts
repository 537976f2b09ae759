/**
 * What the project's tests about itself share: its files, and running its own programs the way a user would.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guardedDirectory } from '../redis/guard.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The files a commit would hold, tracked or new, relative to the root; what git ignores is no part of the project. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\0').filter((path) => path !== '');
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface PackageJson {
  readonly scripts: Record<string, string>;
  readonly exports: Record<string, string | { readonly 'conclave-source': string; readonly default: string }>;
  readonly bin: Record<string, string>;
  readonly files: readonly string[];
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

export function packageJson(): PackageJson {
  return JSON.parse(read('package.json')) as PackageJson;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const runTimeoutMs = 90_000;
const outputBytesMax = 64 * 1024 * 1024;

/** Runs a program to its end and never throws for its exit code: what it said is the evidence. */
export function run(
  program: string,
  args: readonly string[],
  cwd = root,
  timeoutMs = runTimeoutMs,
): Promise<Ran> {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
  // Children are to behave as from a shell, not as inside the test runner.
  for (const name of ['NODE_ENV', 'NODE_OPTIONS', 'VITEST']) Reflect.deleteProperty(env, name);
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { cwd, env, maxBuffer: outputBytesMax, timeout: timeoutMs },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** A program of the development dependencies. */
export function tool(name: string): string {
  return join(root, 'node_modules', '.bin', name);
}

/** A directory that is gone with the end of the scope, or of this process. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  return guardedDirectory();
}
