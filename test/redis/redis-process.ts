/** One process of redis-server: started, waited for, frozen, killed, and gone for certain in the end. */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { guardProcess } from './guard.ts';

const READY_MS_MAX = 20_000;
const TRIES_MAX = 5;
const LOG_LINES_KEPT = 200;
/** What `redis-cli` may take; a server that is frozen or busy answers never. */
const COMMAND_MS_MAX = 10_000;

type Child = ChildProcessByStdio<null, Readable, Readable>;

export interface Surroundings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class PortTakenError extends Error {}

export class RedisProcess implements AsyncDisposable {
  readonly #child: Child;
  readonly #log: string[] = [];
  readonly exited: Promise<void>;

  private constructor(args: readonly string[], { cwd, env }: Surroundings) {
    this.#child = guardProcess(
      spawn('redis-server', args, {
        cwd,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    this.exited = new Promise((resolve) => this.#child.once('close', () => resolve()));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log.push(...text.split('\n').filter((line) => line !== ''));
        this.#log.splice(0, this.#log.length - LOG_LINES_KEPT);
      });
  }

  /** Starts a server and waits until it says `ready`. A port that is still being given back is tried for again. */
  static async start(args: readonly string[], where: Surroundings, ready: RegExp): Promise<RedisProcess> {
    for (let tries = 1; ; tries += 1) {
      const process = new RedisProcess(args, where);
      try {
        await process.#until(ready);
        return process;
      } catch (error) {
        await process[Symbol.asyncDispose]();
        if (!(error instanceof PortTakenError) || tries === TRIES_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50 * tries));
      }
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The last lines it wrote. */
  get log(): string {
    return this.#log.join('\n');
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal; resolves when the process has ended, unless it is one that stops or continues it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.alive) return;
    this.#child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL');
  }

  async #until(ready: RegExp): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (ready.test(this.log)) resolve();
      else if (this.log.includes('Address already in use')) reject(new PortTakenError(this.log));
    };
    const late = setTimeout(
      () => reject(new Error(`redis-server was not ready within ${READY_MS_MAX} ms:\n${this.log}`)),
      READY_MS_MAX,
    );
    this.#child.once('error', (cause) => reject(new Error('redis-server could not be started', { cause })));
    this.#child.once('close', () => {
      look();
      reject(new Error(`redis-server ended instead of starting:\n${this.log}`));
    });
    this.#child.stdout.on('data', look);
    this.#child.stderr.on('data', look);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#child.stdout.off('data', look);
      this.#child.stderr.off('data', look);
    }
  }
}

/** Runs `redis-cli`; what the server refuses is an error. */
export async function redisCli(options: readonly string[], command: readonly string[]): Promise<string> {
  const args = [...options, '--no-auth-warning', '-e', '--raw', ...command];
  const { stdout } = await promisify(execFile)('redis-cli', args, { timeout: COMMAND_MS_MAX });
  return stdout.trimEnd();
}
