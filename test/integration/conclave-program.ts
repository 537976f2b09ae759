/** Runs `conclave` the way a user does, and waits for what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { root } from '../project/repository.ts';
import { guardProcess } from '../redis/guard.ts';

const program = join(root, 'src/cli/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program, with its arguments, that runs it. */
  readonly below?: readonly [string, ...string[]];
}

/** Waits longer than any promise of timing, so that a busy machine fails no test about something else. */
export const PATIENCE_MS = 60_000;

/** A running `conclave`. Disposing of it ends it for certain. */
export class Running implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #end: Ended | null = null;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { cwd, env = {}, below }: StartOptions) {
    const environment: Record<string, string | undefined> = {
      ...process.env,
      ...env,
      NO_COLOR: '1',
    };
    for (const name of ['NODE_ENV', 'NODE_OPTIONS', 'VITEST', 'POD_NAME'])
      if (!(name in env)) Reflect.deleteProperty(environment, name);
    const [file, ...before] = [...(below ?? []), process.execPath] as [string, ...string[]];
    const child = spawn(file, [...before, program, ...args], { cwd, env: environment, stdio: 'pipe' });
    this.#child = guardProcess(child);
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      this.#look();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
      this.#look();
    });
    this.ended = new Promise((resolve) => {
      // After the streams have closed, so that all it said is there.
      this.#child.on('close', (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
        this.#look();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdin(): Writable | null {
    return this.#child.stdin;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until `pattern` was said on either stream; throws with all that was said if it ends before. */
  says(pattern: RegExp, patienceMs = PATIENCE_MS): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const told = () => `\nstdout:\n${this.stdout}\nstderr:\n${this.stderr}`;
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const look = () => {
        const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (found !== null) settle(() => resolve(found));
        else if (this.#end !== null)
          settle(() => reject(new Error(`It ended without saying ${pattern}.${told()}`)));
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`It did not say ${pattern} in ${patienceMs} ms.${told()}`))),
        patienceMs,
      );
      this.#waiting.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end !== null) return;
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

/** Runs `conclave` to its end; one that does not end is killed, so that its test fails and leaves nothing behind. */
export async function conclave(args: readonly string[], options: StartOptions) {
  await using running = new Running(args, options);
  const timer = setTimeout(() => running.kill('SIGKILL'), PATIENCE_MS);
  const { code, signal } = await running.ended;
  clearTimeout(timer);
  return { code, signal, stdout: running.stdout, stderr: running.stderr };
}
